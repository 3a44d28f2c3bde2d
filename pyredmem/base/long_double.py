"""The 80-bit `long double` of x86, exactly, for INCRBYFLOAT and HINCRBYFLOAT.

Redis reads both numbers with ``strtold``, adds them in the x87 unit, and writes the sum with ``%.17Lf``, without the
zeros at the end. The replies show all 64 bits of the significand, which a Python float does not have. A number here is

    significand x 2^exponent         significand: a Python int of at most 64 bits, with the sign

Each operation is done exactly on integers and then rounded once, half to even, as the hardware and the C library do.
Zero has no sign here, because its text has none either.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SIGNIFICAND_BITS: Final = 64
_LEAST_EXPONENT: Final = -16445  # of the last bit of a denormal number
_EXPONENT_LIMIT: Final = 16384  # 2 to the power of this is infinite

# The buffer to which Redis copies the text holds this many bytes and a NUL.
_MAX_TEXT: Final = 5 * 1024 - 1
# A number whose first digit has a decimal exponent beyond this, up or down, is infinite or rounds to zero.
_DECIMAL_LIMIT: Final = 5000
# An exponent with more digits than this moves any text of _MAX_TEXT digits beyond those limits.
_EXPONENT_DIGITS: Final = 9

_FRACTION_DIGITS: Final = 17
_FRACTION_UNIT: Final = 10**_FRACTION_DIGITS
# Python refuses to convert integers of more digits than this with int() and str(); Decimal has no such limit.
_PLAIN_DIGITS: Final = 4000
_PLAIN_BITS: Final = 13000

_DECIMAL: Final = re.compile(rb"([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?)([0-9]+))?")
_HEXADECIMAL: Final = re.compile(rb"([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?)([0-9]+))?")
_INFINITY: Final = re.compile(rb"[+-]?inf(inity)?", re.IGNORECASE)


class LongDouble:
    """A number in 80-bit extended precision; `finite` is false for infinity and for NaN."""

    def __init__(self, significand: int, exponent: int, finite: bool = True) -> None:
        self.significand: int = significand
        self.exponent: int = exponent
        self.finite: bool = finite

    def plus(self, other: LongDouble) -> LongDouble:
        """The rounded sum."""
        if not (self.finite and other.finite):
            return LongDouble(0, 0, False)
        exponent = min(self.exponent, other.exponent)
        total = (self.significand << (self.exponent - exponent)) + (other.significand << (other.exponent - exponent))
        return _rounded(total, 1, exponent)

    def ceiling_of_product(self, factor: int) -> int:
        """This number, which is finite, times ``factor``, rounded to this precision and then up to an integer."""
        assert self.finite
        product = _rounded(self.significand * factor, 1, self.exponent)
        if product.exponent >= 0:
            return product.significand << product.exponent
        return -(-product.significand >> -product.exponent)

    def text(self) -> bytes:
        """This number, which is finite, as Redis stores and replies it: at most 17 decimals, no zeros at the end."""
        assert self.finite
        if self.exponent >= 0:
            return _integer_text(self.significand << self.exponent)
        negative = self.significand < 0
        scaled = _divided_half_even(abs(self.significand) * _FRACTION_UNIT, 1 << -self.exponent)
        if scaled == 0:
            return b"0"
        whole, fraction = divmod(scaled, _FRACTION_UNIT)
        text = _integer_text(whole)
        if fraction:
            text += b"." + (b"%017d" % fraction).rstrip(b"0")
        return b"-" + text if negative else text


def parse_long_double(data: bytes) -> LongDouble | None:
    """The long double that `strtold` reads, if it reads all of the data; otherwise None.

    Spaces around the number, and NaN, are errors. Infinities and hexadecimal numbers are allowed, but a number too
    large to be finite, or too small to differ from zero, is an error.
    """
    if len(data) > _MAX_TEXT:
        return None
    found = _DECIMAL.fullmatch(data)
    if found is not None:
        sign, whole, fraction, exponent_sign, exponent_digits = found.groups(b"")
        if whole == b"" and fraction == b"":
            return None
        return _from_decimal(sign, whole + fraction, _exponent(exponent_sign, exponent_digits) - len(fraction))
    found = _HEXADECIMAL.fullmatch(data)
    if found is not None:
        sign, whole, fraction, exponent_sign, exponent_digits = found.groups(b"")
        if whole == b"" and fraction == b"":
            return None
        return _from_hexadecimal(sign, whole + fraction, _exponent(exponent_sign, exponent_digits) - 4 * len(fraction))
    return LongDouble(0, 0, False) if _INFINITY.fullmatch(data) else None


def _exponent(sign: bytes, digits: bytes) -> int:
    digits = digits.lstrip(b"0")
    value = int(digits or b"0") if len(digits) <= _EXPONENT_DIGITS else 10**_EXPONENT_DIGITS
    return -value if sign == b"-" else value


def _from_decimal(sign: bytes, digits: bytes, exponent: int) -> LongDouble | None:
    digits = digits.lstrip(b"0")
    if digits == b"":
        return LongDouble(0, 0)
    if abs(exponent + len(digits)) > _DECIMAL_LIMIT:
        return None
    number = int(digits) if len(digits) <= _PLAIN_DIGITS else int(Decimal(digits.decode()))
    if sign == b"-":
        number = -number
    if exponent >= 0:
        return _in_range(_rounded(number * 10**exponent, 1, 0))
    return _in_range(_rounded(number, 10**-exponent, 0))


def _from_hexadecimal(sign: bytes, digits: bytes, exponent: int) -> LongDouble | None:
    number = int(digits, 16)
    if number == 0:
        return LongDouble(0, 0)
    if abs(exponent + number.bit_length()) > 2 * _EXPONENT_LIMIT:
        return None
    return _in_range(_rounded(-number if sign == b"-" else number, 1, exponent))


def _in_range(value: LongDouble) -> LongDouble | None:
    return value if value.finite and value.significand != 0 else None


def _rounded(numerator: int, denominator: int, exponent: int) -> LongDouble:
    """The long double nearest to numerator / denominator x 2^exponent."""
    magnitude = abs(numerator)
    shift = magnitude.bit_length() - denominator.bit_length() - _SIGNIFICAND_BITS
    # With this shift the quotient has 64 or 65 bits; it must have 64.
    if _shifted_at_least(magnitude, denominator, shift + _SIGNIFICAND_BITS):
        shift += 1
    shift = max(shift, _LEAST_EXPONENT - exponent)
    if shift >= 0:
        significand = _divided_half_even(magnitude, denominator << shift)
    else:
        significand = _divided_half_even(magnitude << -shift, denominator)
    if significand.bit_length() + exponent + shift > _EXPONENT_LIMIT:
        return LongDouble(0, 0, False)
    return LongDouble(-significand if numerator < 0 else significand, exponent + shift)


def _shifted_at_least(numerator: int, denominator: int, shift: int) -> bool:
    """Whether numerator >= denominator x 2^shift."""
    if shift >= 0:
        return numerator >= denominator << shift
    return numerator << -shift >= denominator


def _divided_half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def _integer_text(number: int) -> bytes:
    if number.bit_length() <= _PLAIN_BITS:
        return b"%d" % number
    return str(Decimal(number)).encode()
