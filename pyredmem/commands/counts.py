"""Counts among the arguments: how they are checked, and the error texts that several commands share."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError, not_between
from pyredmem.base.numbers import INT64_MAX
from pyredmem.engine.arguments import integer

NUMKEYS_TOO_LOW: Final = b"ERR numkeys should be greater than 0"
COUNT_TOO_LOW: Final = b"ERR count should be greater than 0"
LIMIT_NEGATIVE: Final = b"ERR LIMIT can't be negative"
_OUT_OF_RANGE: Final = b"ERR value is out of range"


def at_least(least: int, argument: bytes, error: bytes) -> int:
    """An argument as an integer of at least ``least``; raises CommandError with ``error`` if it is not one."""
    number = integer(argument, error)
    if number < least:
        raise CommandError(error)
    return number


def sample_count(argument: bytes) -> int:
    """The count of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER, which may be negative."""
    count = integer(argument)
    if count < -INT64_MAX:
        raise not_between(-INT64_MAX, INT64_MAX)
    return count


def check_count_of_pairs(count: int) -> None:
    """Refuse a count whose double, the length of a reply with a value for each element, does not fit 64 bits."""
    if abs(count) > INT64_MAX // 2:
        raise CommandError(_OUT_OF_RANGE)
