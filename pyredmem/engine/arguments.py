"""A cursor over the arguments of a command, for handlers that take options.

Options may come in any order, in upper or lower case. The cursor checks each value as the handler takes it, so a
handler has read and checked all its arguments before it changes anything.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.errors import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    SYNTAX_ERROR,
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_A_FLOAT,
    TIMEOUT_NOT_AN_INTEGER,
    TIMEOUT_OUT_OF_RANGE,
    CommandError,
)
from pyredmem.base.numbers import INT64_MAX, parse_double, parse_integer, parse_long_double


class Arguments:
    """Reads the arguments of a command from left to right, from ``start`` on."""

    def __init__(self, argv: list[bytes], start: i64 = 1) -> None:
        self.argv = argv
        self.at: i64 = start

    def left(self) -> i64:
        """How many arguments have not been read yet."""
        return len(self.argv) - self.at

    def next(self) -> bytes:
        """The next argument. Raises a syntax error if there is none."""
        if self.at >= len(self.argv):
            raise CommandError(SYNTAX_ERROR)
        argument = self.argv[self.at]
        self.at += 1
        return argument

    def word(self) -> bytes:
        """The next argument in upper case, for comparison with option names."""
        return self.next().upper()

    def take(self, option: bytes) -> bool:
        """Take the next argument if it is ``option``, which is given in upper case; returns whether it was."""
        if self.at < len(self.argv) and self.argv[self.at].upper() == option:
            self.at += 1
            return True
        return False

    def integer(self, error: bytes = NOT_AN_INTEGER) -> int:
        """The next argument as a signed 64-bit integer."""
        return integer(self.next(), error)

    def double(self, error: bytes = NOT_A_FLOAT) -> float:
        """The next argument as a floating-point number."""
        number = parse_double(self.next())
        if number is None:
            raise CommandError(error)
        return number

    def rest(self) -> list[bytes]:
        """All arguments that have not been read yet."""
        left = self.argv[self.at :]
        self.at = len(self.argv)
        return left

    def finish(self) -> None:
        """Raise a syntax error if any argument has not been read."""
        if self.at < len(self.argv):
            raise CommandError(SYNTAX_ERROR)


def integer(argument: bytes, error: bytes = NOT_AN_INTEGER) -> int:
    """An argument as a signed 64-bit integer; raises CommandError with ``error``."""
    number = parse_integer(argument)
    if number is None:
        raise CommandError(error)
    return number


def deadline_ms(argument: bytes, now_ms: int) -> int:
    """The unix time in milliseconds at which a timeout in milliseconds ends; 0 for 0, which mostly means never."""
    return _deadline(integer(argument, TIMEOUT_NOT_AN_INTEGER), now_ms)


def deadline_of_seconds(argument: bytes, now_ms: int) -> int:
    """The unix time in milliseconds at which a timeout in seconds, whole or not, ends; 0 for 0, which means never."""
    seconds = parse_long_double(argument)
    if seconds is None:
        raise CommandError(TIMEOUT_NOT_A_FLOAT)
    if not seconds.finite:
        raise CommandError(TIMEOUT_NEGATIVE if argument.startswith(b"-") else TIMEOUT_OUT_OF_RANGE)
    timeout_ms = seconds.ceiling_of_product(1000)
    if timeout_ms > INT64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return _deadline(timeout_ms, now_ms)


def _deadline(timeout_ms: int, now_ms: int) -> int:
    if timeout_ms < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if timeout_ms > INT64_MAX - now_ms:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return timeout_ms + now_ms if timeout_ms > 0 else 0
