"""The ids of stream entries: ``milliseconds-sequence``, two unsigned 64-bit numbers.

Here an id is one 128-bit integer with the milliseconds in the upper half, so ids compare as numbers do. As a key of a
radix tree an id is 16 bytes, the most significant first, which sort in the same order.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import parse_unsigned

INVALID_ID: Final = b"ERR Invalid stream ID specified as stream command argument"

SEQUENCE_BITS: Final = 64
SEQUENCE_MAX: Final = (1 << 64) - 1
MAX_ID: Final = (1 << 128) - 1

#: The longest argument that may be an id (bytes).
LONGEST_ID: Final = 127
_MINUS: Final = b"-"


def make_id(milliseconds: int, sequence: int) -> int:
    return milliseconds << SEQUENCE_BITS | sequence


def id_key(entry_id: int) -> bytes:
    """An id as the key of a radix tree."""
    return entry_id.to_bytes(16, "big")


def id_of_key(key: bytes) -> int:
    """The id of a radix tree key."""
    return int.from_bytes(key, "big")


def id_text(entry_id: int) -> bytes:
    """The text of an id, as clients see it."""
    return f"{entry_id >> SEQUENCE_BITS}-{entry_id & SEQUENCE_MAX}".encode()


def parse_id(argument: bytes, missing_sequence: int) -> int:
    """Parse an id; ``missing_sequence`` is the sequence of an id given without one. Raises CommandError."""
    found = try_parse_id(argument, missing_sequence)
    if found < 0:
        raise CommandError(INVALID_ID)
    return found


def try_parse_id(argument: bytes, missing_sequence: int) -> int:
    """As ``parse_id``, but returns -1 for what is not an id."""
    if len(argument) > LONGEST_ID:
        return -1
    first, dash, second = argument.partition(b"\0")[0].partition(_MINUS)
    milliseconds = parse_unsigned(first)
    if milliseconds is None:
        return -1
    if not dash:
        return make_id(milliseconds, missing_sequence)
    sequence = parse_unsigned(second)
    return -1 if sequence is None else make_id(milliseconds, sequence)


def parse_bound(argument: bytes, missing_sequence: int) -> int:
    """Parse an end of a range: ``-`` is the lowest id, ``+`` the highest."""
    if argument == b"-":
        return 0
    if argument == b"+":
        return MAX_ID
    return parse_id(argument, missing_sequence)


def parse_low(argument: bytes) -> int:
    """Parse the lower end of a range. ``(`` before an id excludes it."""
    if len(argument) > 1 and argument.startswith(b"("):
        low = parse_id(argument[1:], 0)
        if low == MAX_ID:
            raise CommandError(b"ERR invalid start ID for the interval")
        return low + 1
    return parse_bound(argument, 0)


def parse_high(argument: bytes) -> int:
    """Parse the upper end of a range. ``(`` before an id excludes it."""
    if len(argument) > 1 and argument.startswith(b"("):
        high = parse_id(argument[1:], SEQUENCE_MAX)
        if high == 0:
            raise CommandError(b"ERR invalid end ID for the interval")
        return high - 1
    return parse_bound(argument, SEQUENCE_MAX)
