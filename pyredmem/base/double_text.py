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

Numbers of 64 bits do not fit into signed ones, so they are in two halves of 32 bits. Only powers of ten at certain
steps are used. Several of them fit, and the choice shows in the digits, so the choice is reproduced too.

In the interpreter all that takes long, and most scores are short decimals such as 12.75, for which it is not needed
(`_is_short_decimal`): `repr` tells the digits, and a number with so few digits is alone in its interval. Only if it
lies near an end of the interval may Grisu2 miss it, since there the interval is narrower than it should be.
"""

from __future__ import annotations

from math import copysign, isinf, isnan, ulp
from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from pyredmem.base.build import COMPILED

_FRACTION_BITS: Final = 52
_HIDDEN_BIT: Final = 1 << _FRACTION_BITS
_EXPONENT_BIAS: Final = 1075  # if the significand is taken as an integer
_UINT32_MAX: Final = 0xFFFFFFFF
#: To be shifted down. (mypyc compiles 1 << bits to a shift of a 32-bit int.)
_TWO_TO_62: Final = 1 << 62

# The powers of ten that Grisu may scale with: 10^-348, 10^-340, ... 10^340.
_FIRST_POWER: Final = -348
_POWER_STEP: Final = 8
_POWER_COUNT: Final = 87
_POWER_NUMBERS: Final = 3
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
    if not COMPILED:
        text = repr(value)
        if _is_short_decimal(abs(value), text):
            return text.encode()
    return format_by_grisu(value)


def format_by_grisu(value: float) -> bytes:
    """The text of a finite double that is not integral, by the method that finds any digits."""
    digits, exponent = shortest_digits(abs(value))
    text = _lay_out(str(digits), exponent)
    return ("-" + text if value < 0 else text).encode()


def length_of_fraction(value: float) -> i64:
    """The length of the text of a finite double that is not integral: faster to tell than the text."""
    return length_by_grisu(value) if COMPILED else len(format_double(value))


def length_by_grisu(value: float) -> i64:
    """The length of the text that ``format_by_grisu`` makes."""
    digits, exponent = shortest_digits(abs(value))
    length = _laid_out_length(_decimal_length(digits), exponent)
    return length + 1 if value < 0 else length


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


def _lay_out(digits: str, exponent: i64) -> str:
    """The text of digits x 10^exponent, in plain notation unless that is long."""
    count: i64 = len(digits)
    if _is_plain(count, exponent):
        if exponent >= 0:
            return digits + "0" * exponent
        point = count + exponent
        if point > 0:
            return digits[:point] + "." + digits[point:]
        return "0." + "0" * -point + digits
    fraction = "." + digits[1:] if count > 1 else ""
    return f"{digits[0]}{fraction}e{_leading(count, exponent):+d}"


def _leading(count: i64, exponent: i64) -> i64:
    """The power of ten of the first of ``count`` digits."""
    return exponent + count - 1


def _is_plain(count: i64, exponent: i64) -> bool:
    """Whether ``count`` digits x 10^exponent are laid out in plain notation."""
    if exponent >= 0:
        return exponent < 8
    return exponent > -7 or -4 < _leading(count, exponent) < 4


def _laid_out_length(count: i64, exponent: i64) -> i64:
    """The length of the text of ``count`` digits x 10^exponent."""
    if _is_plain(count, exponent):
        if exponent >= 0:
            return count + exponent
        point = count + exponent
        return count + 1 if point > 0 else count + 2 - point
    leading = _leading(count, exponent)
    power = _decimal_length(-leading if leading < 0 else leading)
    return count + power + (3 if count > 1 else 2)


def _decimal_length(number: i64) -> i64:
    """How many digits a number has that is not negative."""
    length: i64 = 1
    while number >= 1000:
        number //= 1000
        length += 3
    if number >= 100:
        return length + 2
    return length + 1 if number >= 10 else length


def shortest_digits(value: float) -> tuple[i64, i64]:
    """The digits of a positive finite double as a number, and the power of ten of the last digit."""
    writer = BytesWriter()
    write_f64_le(writer, value)
    bits: i64 = read_i64_le(writer.getvalue(), 0)
    significand: i64 = bits & (_HIDDEN_BIT - 1)
    exponent: i64 = bits >> _FRACTION_BITS
    if exponent == 0:
        exponent = 1
    else:
        significand += _HIDDEN_BIT
    exponent -= _EXPONENT_BIAS

    # All three with the exponent that makes `upper` fill 64 bits.
    upper: i64 = 2 * significand + 1
    shift: i64 = 64 - _bit_length(upper)
    exponent -= shift + 1
    # Below a power of two the doubles are twice as dense.
    is_power = significand == _HIDDEN_BIT
    lower: i64 = 4 * significand - 1 if is_power else 2 * significand - 1

    powers = _POWERS_OF_TEN.get()
    index = _scaling_power(exponent, powers)
    ten = powers[index]
    ten_low = powers[index + 1]
    upper_high, upper_low = _scale(upper, shift, ten, ten_low)
    lower_high, lower_low = _scale(lower, shift - 1 if is_power else shift, ten, ten_low)
    middle_high, middle_low = _scale(significand, shift + 1, ten, ten_low)
    delta = ((upper_high - lower_high) << 32) + upper_low - lower_low - 2
    distance = ((upper_high - middle_high) << 32) + upper_low - middle_low - 1
    upper_low -= 1
    if upper_low < 0:
        upper_low = _UINT32_MAX
        upper_high -= 1
    fraction_bits = -(exponent + powers[index + 2] + 64)
    whole = upper_high >> fraction_bits - 32
    fraction = (upper_high - (whole << fraction_bits - 32) << 32) + upper_low
    digits, dropped = _generate(whole, fraction, delta, distance, fraction_bits)
    return digits, dropped - (_FIRST_POWER + index // _POWER_NUMBERS * _POWER_STEP)


def _bit_length(number: i64) -> i64:
    """The bits of a positive number: of most doubles 54."""
    length: i64 = 54
    while number >> length > 0:
        length += 1
    while number >> length - 1 == 0:
        length -= 1
    return length


def _scale(significand: i64, shift: i64, ten: i64, ten_low: i64) -> tuple[i64, i64]:
    """The product of ``significand << shift`` and a power of ten, both of 64 bits: its upper 64 bits, rounded.

    The power and the result are in halves. The power is taken in quarters, so that products have less than 49 bits.
    """
    if shift >= 32:
        high: i64 = significand << shift - 32
        low: i64 = 0
    else:
        high = significand >> 32 - shift
        low = significand - (high << 32 - shift) << shift
    total = (low * (ten_low & 65535) >> 16) + low * (ten_low >> 16)
    total = (total >> 16) + high * (ten_low & 65535) + low * (ten & 65535)
    total = (total >> 16) + high * (ten_low >> 16) + low * (ten >> 16)
    total = (total + 32768 >> 16) + high * (ten & 65535)
    product = high * (ten >> 16)
    total += (product & 65535) << 16
    return (product >> 16) + (total >> 32), total & _UINT32_MAX


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


class _PowersOfTen:
    """Those that may be scaled with: of each the halves of the significand and the exponent, one after the other.

    They are made when they are first needed.
    """

    def __init__(self) -> None:
        self._numbers = vec[i64]()

    def get(self) -> vec[i64]:
        if len(self._numbers) == 0:
            numbers = vec[i64]()
            for index in range(_POWER_COUNT):
                significand, exponent = power_of_ten(_FIRST_POWER + index * _POWER_STEP)
                numbers = append(numbers, significand >> 32)
                numbers = append(numbers, significand & _UINT32_MAX)
                numbers = append(numbers, exponent)
            self._numbers = numbers
        return self._numbers


_POWERS_OF_TEN: Final = _PowersOfTen()


def _scaling_power(exponent: i64, powers: vec[i64]) -> i64:
    """Where the power of ten to scale with is in ``powers``."""
    estimate = i64(int(-float(exponent + _POWER_COUNT) * _LOG10_OF_2))
    index: i64 = (estimate - _FIRST_POWER) // _POWER_STEP
    while True:
        scaled = exponent + powers[_POWER_NUMBERS * index + 2] + 64
        if scaled < _SCALED_EXPONENT_MIN:
            index += 1
        elif scaled > _SCALED_EXPONENT_MAX:
            index -= 1
        else:
            return _POWER_NUMBERS * index


def _generate(whole: i64, rest: i64, delta: i64, distance: i64, fraction_bits: i64) -> tuple[i64, i64]:
    """Produce digits of a fixed-point number, until what is left of it is within delta.

    ``rest`` is the part of the number behind the point. Returns the digits, and the power of ten of the last one.
    """
    delta_whole = delta >> fraction_bits
    kappa: i64 = 0
    unit: i64 = 1
    while whole // unit >= 10:
        unit *= 10
        kappa += 1
    left = whole
    while kappa >= 0:
        left %= unit
        if left < delta_whole or (left == delta_whole and rest <= delta - (delta_whole << fraction_bits)):
            digits = whole // unit
            if unit <= delta_whole:
                digits -= _steps_down((left << fraction_bits) + rest, delta, unit << fraction_bits, distance)
            return digits, kappa
        unit //= 10
        kappa -= 1
    digits = whole
    kappa = 0
    while True:
        # Times ten: times five, with one bit less behind the point, so that 63 bits suffice. Delta is below one here.
        rest *= 5
        delta *= 5
        distance *= 5
        fraction_bits -= 1
        kappa -= 1
        digit = rest >> fraction_bits
        digits = digits * 10 + digit
        rest -= digit << fraction_bits
        if rest < delta:
            return digits - _steps_down(rest, delta, _TWO_TO_62 >> 62 - fraction_bits, distance), kappa


def _steps_down(rest: i64, delta: i64, unit: i64, distance: i64) -> i64:
    """By how much to lower the last digit: as long as the number stays in the interval and gets nearer to the value."""
    steps: i64 = 0
    while (
        rest < distance
        and delta - rest >= unit
        and (rest + unit < distance or distance - rest > rest + unit - distance)
    ):
        steps += 1
        rest += unit
    return steps
