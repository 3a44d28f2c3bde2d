"""Arguments as C reads strings: up to the first NUL, and with C's white space."""

from __future__ import annotations

import re
from typing import Final

SPACES: Final = b" \t\n\v\f\r"


def c_string(data: bytes) -> bytes:
    """The bytes before the first NUL, which is all that Redis parses or shows of some arguments."""
    return data.partition(b"\0")[0]


_DECIMAL: Final = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)", re.IGNORECASE)


def parse_decimal(text: bytes) -> float | None:
    """A C string as a decimal number, infinite if it is too large; None if it is none."""
    return float(text) if _DECIMAL.fullmatch(text) is not None else None


_INTEGER: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_LARGEST: Final = (1 << 31) - 1


def leading_integer(data: bytes) -> int:
    """The integer at the beginning of an argument, as C's atoi reads it; 0 if there is none."""
    found = _INTEGER.match(data)
    return 0 if found is None else max(-_LARGEST - 1, min(int(found[1]), _LARGEST))
