"""The last values of figures, and how they are drawn as a line of blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
#: How many readings are kept: more than a line of any screen shows.
_KEPT: Final = 300

Trend = tuple[float | None, ...]


class Trends:
    """The last values by name, the oldest first. A value that was not there is None."""

    def __init__(self) -> None:
        self._values: dict[str, deque[float | None]] = {}
        self._readings = 0

    def add(self, values: Mapping[str, float | None]) -> None:
        """Take the values of a reading. Those that are in no reading any more are forgotten."""
        self._readings = min(self._readings + 1, _KEPT)
        for name in values.keys() - self._values.keys():
            self._values[name] = deque([None] * (self._readings - 1), _KEPT)
        for name, kept in self._values.items():
            kept.append(values.get(name))
        self._values = {name: kept for name, kept in self._values.items() if any(one is not None for one in kept)}

    def of(self, name: str) -> Trend:
        """The values of a name."""
        return tuple(self._values.get(name, ()))


def sparkline(values: Sequence[float | None], width: int, from_zero: bool = True) -> str:
    """The last values as blocks, at the right end of ``width`` columns; a gap where there is no value.

    The highest block is the largest value. The lowest one is zero or, if not ``from_zero``, the smallest value, so that
    small changes of a large figure are seen.
    """
    shown = values[-width:] if width > 0 else ()
    known = [value for value in shown if value is not None]
    low = 0.0 if from_zero else min(known, default=0.0)
    high = max(known, default=0.0)
    return "".join([_block(value, low, high) for value in shown]).rjust(max(width, 0))


def _block(value: float | None, low: float, high: float) -> str:
    if value is None:
        return " "
    if high <= low or value <= low:
        return _BLOCKS[0]
    return _BLOCKS[min(int((value - low) / (high - low) * len(_BLOCKS)), len(_BLOCKS) - 1)]
