"""INFO commandstats, latencystats and errorstats: which commands were called, how long they took, which errors came."""

from __future__ import annotations

from pyredmem.engine.command_counters import CommandCounters
from pyredmem.info.report import Report


def command_stats(report: Report) -> None:
    """Write a line for every command that was called or refused."""
    for name, counters in _called(report):
        calls, usec = int(counters.calls()), int(counters.usec())
        if calls or counters.rejected or counters.failed:
            per_call = usec / calls if calls else 0.0
            report.text(
                f"cmdstat_{name}",
                f"calls={calls},usec={usec},usec_per_call={per_call:.2f},"
                f"rejected_calls={counters.rejected},failed_calls={counters.failed}",
            )


def latency_stats(report: Report) -> None:
    """Write the percentiles of every command that keeps a histogram."""
    percentiles = report.engine.settings.percentiles()
    for name, counters in _called(report):
        histogram = counters.histogram
        if histogram is not None and histogram.count > 0:
            figures = [f"p{_trimmed(percent)}={histogram.percentile(percent):.3f}" for percent in percentiles]
            report.text(f"latency_percentiles_usec_{name}", ",".join(figures))


def error_stats(report: Report) -> None:
    """Write how often each error code was sent."""
    errors = report.engine.stats.errors
    for code in sorted(errors):
        report.text(f"errorstat_{code.decode(errors='replace')}", f"count={errors[code]}")


def _called(report: Report) -> list[tuple[str, CommandCounters]]:
    """The commands that were called or refused, with their counters, in order of name."""
    statistics = report.engine.statistics
    called: list[tuple[str, CommandCounters]] = []
    for command in report.engine.commands.all():
        counters = statistics.find(command)
        if counters is not None:
            called.append((command.name, counters))
    return called


def _trimmed(percent: float) -> str:
    return f"{percent:f}".rstrip("0").rstrip(".")
