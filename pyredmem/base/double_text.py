"""The decimal text of a double, digit for digit as Redis 7.2 replies it.

Redis 7.2 finds the digits with Grisu2 (Florian Loitsch, "Printing floating-point numbers quickly and accurately with
integers", 2010). Its digits always read back as the same double. For all but about one double in a thousand they are
the shortest such digits, those of Python's `repr`. For the others there is one digit more, or the number is not the
nearest to the double, so the method itself has to be followed:

    lower          value          upper      lower and upper are halfway to the neighbouring doubles;
    --|--------------|--------------|--      all numbers between them read back as this double
      <------------ delta ---------->
                      <- distance -->

1. scale all three by a power of ten held in 64 bits, so that the integer part is small, and narrow the interval by one
   unit at each end, because the rounding of the scaling may be off by as much;
2. produce the digits of `upper` until the rest is less than delta: the number so far is in the interval;
3. step the last digit down as long as that brings the number nearer to the value.

Python's integers have no fixed size, so the scaling is one multiplication. Only powers of ten at certain steps are
used. Several of them fit, and the choice shows in the digits, so the choice is reproduced too.

Most scores are short decimals such as 12.75, for which all that is not needed (`_short_decimal`): `repr` tells the
digits, and a number with so few digits is alone in its interval. Only if it lies near an end of the interval may Grisu2
miss it, since there the interval is narrower than it should be.
"""

from __future__ import annotations

from math import copysign, isinf, isnan, ulp
from struct import pack, unpack
from typing import Final

from mypy_extensions import i64

_FRACTION_BITS: Final = 52
_HIDDEN_BIT: Final = 1 << _FRACTION_BITS
_EXPONENT_BIAS: Final = 1075  # if the significand is taken as an integer
_UINT64_MASK: Final = 0xFFFFFFFFFFFFFFFF

# The powers of ten that Grisu may scale with: 10^-348, 10^-340, ... 10^340.
_FIRST_POWER: Final = -348
_POWER_STEP: Final = 8
_POWER_COUNT: Final = 87
# The binary exponent after scaling: the integer part of the scaled number then has at most 32 bits.
_SCALED_EXPONENT_MIN: Final = -60
_SCALED_EXPONENT_MAX: Final = -32
_LOG10_OF_2: Final = 0.30102999566398114

# Short decimals.
_SHORT_CHARACTERS: Final = 15
_SHORT_DECIMALS: Final = 6
_POWERS: Final = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
_SPLITTER: Final = 134217729.0  # 2^27 + 1
#: Both ends of the interval are half a unit in the last place away. (The lower end of a power of two is nearer, but
#: such a decimal is the power itself.)
_SURE_DISTANCE: Final = 0.49

# Integral doubles up to here are printed as integers.
_INTEGER_LIMIT: Final = 4611686018427387904.0


def format_double(value: float) -> bytes:
    """The text of a double, in a reply or as a score."""
    if isnan(value):
        return b"nan"
    if -_INTEGER_LIMIT <= value <= _INTEGER_LIMIT:
        whole = int(value)
        if whole == value:
            if whole == 0:
                return b"-0" if copysign(1.0, value) < 0.0 else b"0"
            return b"%d" % whole
    elif isinf(value):
        return b"inf" if value > 0 else b"-inf"
    text = repr(value)
    if _is_short_decimal(abs(value), text):
        return text.encode()
    return format_by_grisu(value)


def format_by_grisu(value: float) -> bytes:
    """The text of a finite double that is not integral, by the method that finds any digits."""
    digits, exponent = shortest_digits(abs(value))
    text = _lay_out(digits, exponent)
    return ("-" + text if value < 0 else text).encode()


def _is_short_decimal(value: float, text: str) -> bool:
    """Whether the text that Python gives a positive double, or its negative, is surely that of Redis too.

    It must be in plain notation, with up to six decimals and fifteen characters, and be nearer to the double than
    the nearer end of the interval is, by some margin.
    """
    size: i64 = len(text)
    decimals: i64 = size - text.find(".") - 1
    if size > _SHORT_CHARACTERS or decimals > _SHORT_DECIMALS or "e" in text:
        return False
    power = _POWERS[decimals]
    product = value * power
    whole = float(int(product + 0.5))
    # What the multiplication has rounded off, after T. J. Dekker: each factor is split into two halves of its bits.
    split = _SPLITTER * value
    high = split - (split - value)
    low = value - high
    split = _SPLITTER * power
    power_high = split - (split - power)
    power_low = power - power_high
    rounded_off = ((high * power_high - product) + high * power_low + low * power_high) + low * power_low
    return abs((product - whole) + rounded_off) < ulp(value) * _SURE_DISTANCE * power


def format_fixed(value: float) -> bytes:
    """The text of a double with 17 decimals, without the zeros at the end, as Redis replies coordinates."""
    text = (b"%.17f" % value).rstrip(b"0").rstrip(b".")
    return b"0" if text == b"-0" else text


def _lay_out(digits: str, exponent: int) -> str:
    """The text of digits x 10^exponent, in plain notation unless that is long."""
    count = len(digits)
    leading = exponent + count - 1  # the power of ten of the first digit
    if exponent >= 0 and leading < count + 7:
        return digits + "0" * exponent
    if exponent < 0 and (exponent > -7 or abs(leading) < 4):
        point = count + exponent
        if point > 0:
            return digits[:point] + "." + digits[point:]
        return "0." + "0" * -point + digits
    fraction = "." + digits[1:] if count > 1 else ""
    return f"{digits[0]}{fraction}e{leading:+d}"


def shortest_digits(value: float) -> tuple[str, int]:
    """The digits of a positive finite double, and the power of ten of the last digit."""
    bits: int = unpack("<Q", pack("<d", value))[0]
    significand = bits & (_HIDDEN_BIT - 1)
    exponent = bits >> _FRACTION_BITS
    if exponent == 0:
        exponent = 1
    else:
        significand += _HIDDEN_BIT
    exponent -= _EXPONENT_BIAS

    # All three with the exponent that makes `upper` fill 64 bits.
    shift = 64 - (2 * significand + 1).bit_length()
    upper = (2 * significand + 1) << shift
    exponent -= shift + 1
    middle = significand << (shift + 1)
    # Below a power of two the doubles are twice as dense.
    lower = (4 * significand - 1) << (shift - 1) if significand == _HIDDEN_BIT else (2 * significand - 1) << shift

    power, ten, ten_exponent = _scaling_power(exponent)
    upper = _scale(upper, ten) - 1
    lower = _scale(lower, ten) + 1
    middle = _scale(middle, ten)
    digits, dropped = _generate(upper, upper - lower, upper - middle, -(exponent + ten_exponent + 64))
    return digits, dropped - power


def _scale(significand: int, ten: int) -> int:
    return (significand * ten + (1 << 63)) >> 64


def _scaling_power(exponent: int) -> tuple[int, int, int]:
    """The power of ten to scale with, with its 64-bit significand and its binary exponent."""
    index = (int(-(exponent + _POWER_COUNT) * _LOG10_OF_2) - _FIRST_POWER) // _POWER_STEP
    while True:
        power = _FIRST_POWER + index * _POWER_STEP
        ten, ten_exponent = power_of_ten(power)
        scaled = exponent + ten_exponent + 64
        if scaled < _SCALED_EXPONENT_MIN:
            index += 1
        elif scaled > _SCALED_EXPONENT_MAX:
            index -= 1
        else:
            return power, ten, ten_exponent


def power_of_ten(power: int) -> tuple[int, int]:
    """10^power as a 64-bit significand, rounded to the nearest, and a binary exponent."""
    if power >= 0:
        exact = 10**power
        exponent = exact.bit_length() - 64
        if exponent <= 0:
            return exact << -exponent, exponent
        return (exact + (1 << (exponent - 1))) >> exponent, exponent
    divisor = 10**-power
    exponent = -63 - divisor.bit_length()
    return ((1 << -exponent) + divisor // 2) // divisor, exponent


def _generate(upper: int, delta: int, distance: int, fraction_bits: int) -> tuple[str, int]:
    """Produce digits of `upper`, a fixed-point number, until the rest is within delta.

    Returns the digits, and the power of ten of the last one.
    """
    one = 1 << fraction_bits
    whole = upper >> fraction_bits
    rest = upper & (one - 1)
    kappa = len(str(whole))
    unit: int = 10**kappa
    digits = 0
    while kappa > 0:
        kappa -= 1
        unit //= 10
        digits = digits * 10 + whole // unit
        whole %= unit
        remaining = (whole << fraction_bits) + rest
        if remaining <= delta:
            return str(digits - _steps_down(remaining, delta, unit << fraction_bits, distance)), kappa
    while True:
        rest *= 10
        delta *= 10
        distance = (distance * 10) & _UINT64_MASK
        kappa -= 1
        digits = digits * 10 + (rest >> fraction_bits)
        rest &= one - 1
        if rest < delta:
            return str(digits - _steps_down(rest, delta, one, distance)), kappa


def _steps_down(rest: int, delta: int, unit: int, distance: int) -> int:
    """By how much to lower the last digit: as long as the number stays in the interval and gets nearer to the value."""
    steps = 0
    while (
        rest < distance
        and delta - rest >= unit
        and (rest + unit < distance or distance - rest > rest + unit - distance)
    ):
        steps += 1
        rest += unit
    return steps
