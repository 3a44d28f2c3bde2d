"""How numbers are written in a terminal: short, and none as a dash."""

from __future__ import annotations

from typing import Final

from pyredmem.base.numbers import human_size

NONE: Final = "-"
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
#: From here on a count is written in millions, so that a column of ten characters is wide enough.
_MANY: Final = 100_000_000


def size(number: float | None) -> str:
    """A number of bytes, as INFO writes it: ``1.02M``."""
    return NONE if number is None else human_size(int(number))


def count(number: float | None) -> str:
    """A whole number: ``12,345``."""
    if number is None:
        return NONE
    return f"{number:,.0f}" if number < _MANY else f"{number / 1e6:,.0f}M"


def rate(number: float | None) -> str:
    """A number per second: with a decimal if it is small."""
    if number is None or number >= 100:
        return count(number)
    return f"{number:.1f}"


def percent(share: float | None) -> str:
    """A share of one: ``93.1%``."""
    return NONE if share is None else f"{share:.1%}"


def microseconds(number: float | None) -> str:
    """How long a command took, with three digits: ``12.1 µs``, ``1.21 ms``, ``1.21 s``."""
    if number is None:
        return NONE
    for limit, unit in ((1e3, "µs"), (1e6, "ms")):
        if number < limit:
            return f"{_digits(number / (limit / 1e3))} {unit}"
    return f"{_digits(number / 1e6)} s"


def _digits(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """A time in its two largest units: ``3 d 2 h``, ``12 s``."""
    if seconds is None:
        return NONE
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} m {whole % _MINUTE_S} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} m"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def cut(text: str, width: int) -> str:
    """The text, with an ellipsis at its end if it has more characters than that."""
    if len(text) <= width:
        return text
    return text[: max(width - 1, 0)] + "\N{HORIZONTAL ELLIPSIS}" if width else ""
