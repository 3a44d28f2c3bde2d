"""Numbers as Redis reads and writes them: integers, doubles, sizes.

A value *is* an integer only in its one canonical spelling (``-7``, never ``+7``, ``07`` or with a space), because Redis
must be able to return the same bytes after storing the number. Doubles are read as C's ``strtod`` reads them and
written with the digits that Redis 7.2 gives (see `double_text`). INCRBYFLOAT's 80-bit arithmetic is in `long_double`.
The parsers check the bounds of the type; the caller checks any others.
"""

from __future__ import annotations

import re
from math import isinf, isnan
from typing import Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.double_text import format_double
from pyredmem.base.long_double import LongDouble, parse_long_double

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "UINT64_MAX",
    "LongDouble",
    "format_double",
    "human_size",
    "integer_length",
    "integer_text",
    "parse_double",
    "parse_integer",
    "parse_long_double",
    "parse_memory",
    "parse_unsigned",
]

INT64_MAX: Final = 9223372036854775807
INT64_MIN: Final = -9223372036854775808
UINT64_MAX: Final = 18446744073709551615

#: The texts of the numbers up to 999, and their three last digits, of which longer texts are put together.
_TEXTS: Final = [b"%d" % number for number in range(1000)]
_LAST_DIGITS: Final = [b"%03d" % number for number in range(1000)]

_MINUS: Final = 45
_ZERO: Final = 48
_NINE: Final = 57
#: As many digits always fit 64 bits.
_SURE_DIGITS: Final = 18

_C_UNSIGNED: Final = re.compile(rb"[ \t-\r]*([+-]?)([0-9]+)")
_HEXADECIMAL: Final = re.compile(rb"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?")
_MEMORY: Final = re.compile(r"([0-9]*)(|b|k|kb|m|mb|g|gb)", re.IGNORECASE | re.ASCII)


def integer_length(number: i64) -> i64:
    """How many bytes ``integer_text`` gives a number."""
    length: i64 = 1
    if number < 0:
        if number == INT64_MIN:
            return 20
        number = -number
        length = 2
    while number >= 10000:
        number //= 10000
        length += 4
    while number >= 10:
        number //= 10
        length += 1
    return length


def parse_integer(data: bytes) -> int | None:
    """The signed 64-bit integer whose canonical spelling this is; None if there is none."""
    length: i64 = len(data)
    if length == 0 or length > 20:
        return None
    first: i64 = data[0]
    if first > _NINE:  # most values are words, and get no further than here
        return None
    if COMPILED and length <= _SURE_DIGITS:
        return _parse_digits(data, length)
    if first == _MINUS:
        return _parse_negative(data)
    if not data.isdigit() or (first == _ZERO and length > 1):
        return None
    value = int(data)
    return value if length < 19 or value <= INT64_MAX else None


def _parse_digits(data: bytes, length: i64) -> int | None:
    """The same for at most 18 characters: faster than ``int``, but only if it is compiled."""
    start: i64 = 1 if data[0] == _MINUS else 0
    if start == length or (data[start] == _ZERO and length > 1):
        return None
    value: i64 = 0
    at = start
    while at < length:
        digit: i64 = data[at]
        if not _ZERO <= digit <= _NINE:
            return None
        value = value * 10 + digit - _ZERO
        at += 1
    return -value if start else value


def _parse_negative(data: bytes) -> int | None:
    digits = data[1:]
    if not digits.isdigit() or digits[0] == _ZERO:
        return None
    value = int(data)
    return value if value >= INT64_MIN else None


def integer_text(number: i64) -> bytes:
    """The canonical spelling of an integer. (Formatting it takes three times as long.)"""
    if number < 0:
        return b"%d" % number
    if number < 1000:
        return _TEXTS[number]
    high: i64 = number // 1000
    return integer_text(high) + _LAST_DIGITS[number - 1000 * high]


def parse_unsigned(data: bytes) -> int | None:
    """The unsigned 64-bit integer that Redis reads in a stream id or a scan cursor; None if it is not one.

    A canonical integer must not be negative. Redis leaves any other spelling to C's ``strtoull``, which takes leading
    spaces, a sign and leading zeros, stops at a NUL, and wraps a negative number around.
    """
    value = parse_integer(data)
    if value is not None:
        return value if value >= 0 else None
    found = _C_UNSIGNED.fullmatch(data.partition(b"\0")[0])
    if found is None:
        return None
    digits = found.group(2).lstrip(b"0") or b"0"
    if len(digits) > 20:
        return None
    value = int(digits)
    if value > UINT64_MAX:
        return None
    return (-value) & UINT64_MAX if found.group(1) == b"-" else value


def parse_double(data: bytes, allows_hexadecimal: bool = True) -> float | None:
    """The double that `strtod` reads, if it reads all of the data; otherwise None.

    Spaces around the number, and NaN, are errors. Infinities and hexadecimal numbers are allowed, but a number too
    large for a double, or too small to differ from zero, is an error. Valkey reads no hexadecimal numbers.
    """
    try:
        value = float(data)
    except ValueError:
        return _parse_hexadecimal(data) if allows_hexadecimal else None
    # Python also allows spaces around a number and underscores between its digits.
    if data[0] <= 32 or data[-1] <= 32 or b"_" in data:
        return None
    if value == 0.0:
        return value if _spells_zero(data) else None
    if isinf(value) or isnan(value):
        return value if data.lower().lstrip(b"+-") in (b"inf", b"infinity") else None
    return value


def _spells_zero(data: bytes) -> bool:
    return data.lower().partition(b"e")[0].strip(b"+-0.") == b""


def _parse_hexadecimal(data: bytes) -> float | None:
    found = _HEXADECIMAL.fullmatch(data)
    if found is None:
        return None
    try:
        value = float.fromhex(data.decode())
    except (OverflowError, ValueError):
        return None
    if value == 0.0 and found.group(1).strip(b"0.") != b"":
        return None
    return value


def human_size(size: int) -> str:
    """A number of bytes as INFO prints it: ``883.30K``."""
    if size < 1024:
        return f"{size}B"
    unit = 1024
    for letter in "KMGTP":
        if size < unit * 1024:
            return f"{size / unit:.2f}{letter}"
        unit *= 1024
    return f"{size}B"


def parse_memory(text: str) -> int | None:
    """The number of bytes that a size in the configuration means: ``1gb`` is 1024^3, ``1g`` is 10^9.

    As in C, a unit without digits means zero, more digits than fit into 64 bits mean the largest number, and the
    product wraps around.
    """
    found = _MEMORY.fullmatch(text)
    if found is None or len(found.group(1)) > 127:
        return None
    number = min(int(found.group(1) or "0"), UINT64_MAX)
    unit = found.group(2).lower()
    base: int = 1024 if len(unit) == 2 else 1000
    if unit and unit != "b":
        number *= base ** ("kmg".index(unit[0]) + 1)
    return number & UINT64_MAX
