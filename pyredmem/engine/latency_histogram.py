"""A histogram of the durations of one command's calls, as INFO latencystats and LATENCY HISTOGRAM show it.

Redis keeps an HDR histogram of nanoseconds, from 1 ns to 1 s with two significant digits. A value counts in the cell of
all values that have the same highest 8 bits, and is reported as the largest value of its cell: 2000 ns as 2007.

    value          cell width    cells
    1 .. 255       1             255
    256 .. 511     2             128
    512 .. 1023    4             128   ... and so on, doubling

Our durations are whole microseconds, and nearly all of them are small. So calls of up to 255 microseconds are counted
by the microsecond, which is one addition, and only slower calls are sorted into cells. The reports convert the
microseconds to cells.

Redis allocates a dense table of counters at the first call of a command. Our caller charges the ledger for that table
(memory/layout.py has the sizes).
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

#: The number of durations, in microseconds, that have a counter of their own.
DIRECT: Final = 256
_NO_CALLS: Final = vec[i64]([0] * DIRECT)  # to be copied
_KEPT_BITS: Final = 8
_MAX_NS: Final = 1_000_000_000

# The bounds of the distribution begin at 1024 ns and double; the last one is the end of Redis's table.
_FIRST_LEVEL_NS: Final = 1024
_LAST_LEVEL_NS: Final = 1 << 30


def highest_equivalent(value_ns: int) -> int:
    """The largest value in the same cell as ``value_ns``."""
    shift = max(value_ns.bit_length() - _KEPT_BITS, 0)
    return (((value_ns >> shift) + 1) << shift) - 1


class LatencyHistogram:
    """Counts the calls of one command by duration."""

    def __init__(self) -> None:
        #: The number of calls, by microseconds. The dispatcher counts directly in this array.
        self.direct: vec[i64] = _NO_CALLS[:]
        self._slow: dict[int, int] = {}  # the number of calls in a cell, by the highest value of the cell

    def record_us(self, duration_us: i64) -> None:
        if 0 <= duration_us < DIRECT:
            self.direct[duration_us] += 1
        else:
            self._record_slow(duration_us)

    def _record_slow(self, duration_us: i64) -> None:
        value_ns: int = duration_us * 1000
        cell = highest_equivalent(max(1, min(value_ns, _MAX_NS)))
        self._slow[cell] = self._slow.get(cell, 0) + 1

    @property
    def count(self) -> int:
        """The number of calls."""
        return sum([calls for _, calls in self._cells()])

    def percentile(self, percent: float) -> float:
        """The duration, in microseconds, that ``percent`` percent of the calls did not exceed."""
        cells = self._cells()
        total = sum([calls for _, calls in cells])
        wanted = max(1, int(min(percent, 100.0) / 100 * total + 0.5))
        seen = 0
        for cell, calls in cells:
            seen += calls
            if seen >= wanted:
                return (cell if percent != 0.0 else _lowest_equivalent(cell)) / 1000.0
        return 0.0

    def cumulative_distribution(self) -> list[tuple[int, int]]:
        """Pairs of a bound in microseconds and how many calls took no longer; bounds that add no calls are left out."""
        cells = self._cells()
        pairs: list[tuple[int, int]] = []
        seen = 0
        at = 0
        level = _FIRST_LEVEL_NS
        while at < len(cells):
            bound = _LAST_LEVEL_NS - 1 if level == _LAST_LEVEL_NS else highest_equivalent(level)
            before = seen
            while at < len(cells) and cells[at][0] <= bound:
                seen += cells[at][1]
                at += 1
            if seen > before:
                pairs.append((bound // 1000, seen))
            level *= 2
        return pairs

    def _cells(self) -> list[tuple[int, int]]:
        """The cells in use, in rising order: the highest value of each, and its number of calls."""
        cells: list[tuple[int, int]] = []
        for duration_us in range(DIRECT):
            calls: int = self.direct[duration_us]
            if calls > 0:
                cells.append((highest_equivalent(max(1, duration_us * 1000)), calls))
        return cells + sorted(self._slow.items())

    def check(self) -> None:
        """Assert that every key is the highest value of a cell, and that counts are positive."""
        assert len(self.direct) == DIRECT
        for cell, calls in self._slow.items():
            assert calls > 0
            assert highest_equivalent(cell) == cell


def _lowest_equivalent(value_ns: int) -> int:
    shift = max(value_ns.bit_length() - _KEPT_BITS, 0)
    return (value_ns >> shift) << shift
