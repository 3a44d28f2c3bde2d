"""The table of commands: how often each is called, and how long it takes."""

from __future__ import annotations

from typing import Any, Final

from pyredmem.metrics.reading import Reading, as_number
from pyredmem.monitor.top.rates import CALLS, MICROSECONDS, Rates
from pyredmem.monitor.top.table import Column, Order, Row, Table
from pyredmem.monitor.top.texts import NONE, count, microseconds, percent, rate
from pyredmem.monitor.top.trends import Trends, sparkline

_PERCENTILES: Final = "latency_percentiles_usec_"
#: The percentiles that Redis tells if latency-tracking-info-percentiles says nothing else.
_USUAL: Final = ("p50", "p99", "p99.9")
_US: Final = 1e6


def _number(text: Any) -> str:
    return NONE if text is None else count(text)


_NAME: Final = Column("command", "its name in INFO commandstats", 18, is_left=True, takes_rest=True)
_RATE: Final = Column("calls/s", "calls per second since the last reading", 9, rate)
_MEAN: Final = Column("mean", "mean time of these calls", 8, microseconds)
_TIME: Final = Column("time", "the share of a core that these calls took", 7, percent)
_CALLS: Final = Column("calls", "calls since the start, or since CONFIG RESETSTAT", 11, _number, rank=1)
_FAILED: Final = Column("failed", "calls that ended with an error, or were refused", 8, _number, rank=2)
_TREND: Final = Column(
    "calls/s before",
    "calls per second at the last readings",
    24,
    takes_rest=True,
    rank=3,
    draw=sparkline,
)

#: The columns, with one of the percentiles.
EXPLAINED: Final = (
    *(_NAME, _RATE, _MEAN),
    Column("p99", "percentiles of the time since the start, from INFO latencystats: 99% of the calls took less", 8),
    *(_TIME, _CALLS, _FAILED, _TREND),
)


def trend_name(command: str) -> str:
    """The name of the trend of a command, which is no label of a figure."""
    return f"command {command}"


def command_rates(reading: Reading, rates: Rates) -> dict[str, float | None]:
    """The calls per second of each command, for the trends."""
    return {trend_name(name): rates.of_command(name, CALLS) for name, _ in reading.rows("cmdstat_")}


def command_table(reading: Reading, rates: Rates, trends: Trends) -> Table:
    """The commands that have been called."""
    percentiles = dict(reading.rows(_PERCENTILES))
    names = _percentile_names(percentiles)
    columns = [Column(name, f"{name} of the time", 8, microseconds) for name in names]
    rows: list[Row] = []
    for command, parts in reading.rows("cmdstat_"):
        calls, spent = rates.of_command(command, CALLS), rates.of_command(command, MICROSECONDS)
        known = percentiles.get(command, {})
        failed = [as_number(parts.get(part, "")) for part in ("rejected_calls", "failed_calls")]
        rows.append(
            (
                command,
                calls,
                spent / calls if calls and spent is not None else None,
                *(as_number(known.get(name, "")) for name in names),
                None if spent is None else spent / _US,
                as_number(parts.get("calls", "")),
                sum([number or 0.0 for number in failed]),
                trends.of(trend_name(command)),
            )
        )
    return Table(
        "Commands",
        (_NAME, _RATE, _MEAN, *columns, _TIME, _CALLS, _FAILED, _TREND),
        Order("calls/s"),
        rows,
        when_empty="No command has been called yet.",
    )


def _percentile_names(percentiles: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """The percentiles that the server tells; the usual ones, without values, if it tells none."""
    for parts in percentiles.values():
        return tuple(parts)
    return _USUAL
