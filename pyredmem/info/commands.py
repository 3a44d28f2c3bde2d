"""INFO commandstats, latencystats and errorstats: which commands were called, how long they took, what failed."""

from __future__ import annotations

from pyredmem.engine.command import Command
from pyredmem.info.report import Report


def command_stats(report: Report) -> None:
    """Write a line for every command that was called or refused."""
    for command in _by_name(report):
        calls, usec = int(command.calls()), int(command.usec())
        if calls or command.rejected or command.failed:
            per_call = usec / calls if calls else 0.0
            report.text(
                f"cmdstat_{command.name}",
                f"calls={calls},usec={usec},usec_per_call={per_call:.2f},"
                f"rejected_calls={command.rejected},failed_calls={command.failed}",
            )


def latency_stats(report: Report) -> None:
    """Write the percentiles of every command that keeps a histogram."""
    percentiles = report.engine.settings.percentiles()
    for command in _by_name(report):
        histogram = command.histogram
        if histogram is not None and histogram.count > 0:
            figures = [f"p{_trimmed(percent)}={histogram.percentile(percent):.3f}" for percent in percentiles]
            report.text(f"latency_percentiles_usec_{command.name}", ",".join(figures))


def error_stats(report: Report) -> None:
    """Write how often each error code was answered."""
    errors = report.engine.stats.errors
    for code in sorted(errors):
        report.text(f"errorstat_{code.decode(errors='replace')}", f"count={errors[code]}")


def _by_name(report: Report) -> list[Command]:
    return [command for command in report.engine.commands.all() if not command.is_container]


def _trimmed(percent: float) -> str:
    return f"{percent:f}".rstrip("0").rstrip(".")
