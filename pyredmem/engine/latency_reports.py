"""The graph of LATENCY GRAPH and the advice of LATENCY DOCTOR, from the samples of the latency monitor.

The graph has one column for each sample and four rows of three steps each. Below each column stands, read downward, how
long ago the sample was taken. The doctor gives each advice under the same conditions as Redis's; the words are ours.
"""

from typing import Final

from pyredmem.engine.latency import LatencyEvent, LatencyMonitor

_COLUMNS: Final = 80
_ROWS: Final = 4
_STEPS: Final = b"_o#"  # the top of a column, from the lowest to the highest step of its row
_BODY: Final = b"|"  # a column that continues in the row above


def latency_graph(event: LatencyEvent, now_s: int) -> bytes:
    """A picture of the samples of an event."""
    latencies = [latency for _, latency in event.samples]
    labels = [_age(now_s - time_s) for time_s, _ in event.samples]
    low = min(latencies)
    high = max(latencies)
    lines = [
        b"%b - high %d ms, low %d ms (all time high %d ms)" % (event.name, high, low, event.max_ms),
        b"-" * _COLUMNS,
    ]
    top_step = len(_STEPS) * _ROWS - 1
    span = max(high - low, 1)
    steps = [min((latency - low) * (top_step + 1) // span, top_step) for latency in latencies]
    for start in range(0, len(steps), _COLUMNS):
        if start:
            lines.append(b"")
        lines += _columns(steps[start : start + _COLUMNS], labels[start : start + _COLUMNS])
    return b"\n".join(lines) + b"\n"


def _age(seconds: int) -> bytes:
    if seconds < 60:
        return b"%ds" % seconds
    if seconds < 3600:
        return b"%dm" % (seconds // 60)
    if seconds < 86400:
        return b"%dh" % (seconds // 3600)
    return b"%dd" % (seconds // 86400)


def _columns(steps: list[int], labels: list[bytes]) -> list[bytes]:
    rows = [b"".join([_cell(step - row * len(_STEPS)) for step in steps]) for row in range(_ROWS - 1, -1, -1)]
    label_rows = [
        b"".join([label[position : position + 1] or b" " for label in labels])
        for position in range(max([len(label) for label in labels]))
    ]
    return [*rows, b" " * len(steps), *label_rows]


def _cell(step: int) -> bytes:
    if step < 0:
        return b" "
    return _STEPS[step : step + 1] or _BODY


_SLOW_COMMANDS: Final = "Read the slow log (SLOWLOG GET) to see which commands take long and with what arguments."
_BIG_KEYS: Final = (
    "Deleting, expiring or evicting a big key frees all of it at once. Use UNLINK and the lazyfree settings, "
    "or split big keys into several smaller ones."
)
_SCHEDULER: Final = (
    "Commands that do very little were slow, so the process was probably not running: look for other load "
    "on this machine, swapping, or a noisy neighbour (redis-cli --intrinsic-latency measures it)."
)
_FORK: Final = "Forking is slow on this machine: prefer hardware or a type of virtual machine on which it is faster."
_EVICTION: Final = (
    "Many keys had to be evicted at once. That happens when maxmemory is lowered at run time or a large result "
    "is stored (SORT, set operations, RESTORE): do these in smaller steps."
)
_EXPIRY: Final = (
    "Expiring keys took long: raise hz so that the work is done in smaller parts, and spread the times at which "
    "keys expire that are created together."
)
_BACKGROUND: Final = (
    "Eviction found nothing left to evict and waited for memory that is being freed in the background: raise "
    "maxmemory, or free less of it lazily (lazyfree-lazy-eviction, UNLINK)."
)
_DEFRAG: Final = (
    "Active defragmentation delayed commands: lower active-defrag-cycle-max, or active-defrag-max-scan-fields so that "
    "big collections are processed in pieces."
)
_DISK: Final = "Writing to disk was slow: use a fast local disk, and let no other program write much to it."
_FSYNC: Final = "Every write waits for the disk: consider 'appendfsync everysec'."
_NO_FSYNC: Final = "A rewrite competes for the disk: consider 'no-appendfsync-on-rewrite yes'."
_HUGE_PAGES: Final = (
    "The kernel gives this process transparent huge pages, which makes copying on write expensive: write "
    "'never' to /sys/kernel/mm/transparent_hugepage/enabled and restart."
)

_ADVICE_BY_EVENT: Final = {
    b"command": [_SLOW_COMMANDS, _BIG_KEYS],
    b"fast-command": [_SCHEDULER],
    b"expire-cycle": [_EXPIRY, _BIG_KEYS],
    b"expire-del": [_BIG_KEYS],
    b"eviction-del": [_BIG_KEYS],
    b"eviction-cycle": [_EVICTION, _BIG_KEYS],
    b"eviction-lazyfree": [_BACKGROUND],
    b"active-defrag-cycle": [_DEFRAG],
    b"aof-write-pending-fsync": [_DISK],
    b"aof-write-active-child": [_NO_FSYNC, _DISK],
    b"aof-write-alone": [_DISK],
    b"aof-fsync-always": [_FSYNC],
    b"aof-fstat": [_DISK],
    b"rdb-unlink-temp-file": [_DISK],
    b"aof-rewrite-diff-write": [_DISK],
    b"aof-rename": [_DISK],
}


class DoctorFacts:
    """The facts that the doctor needs besides the samples."""

    def __init__(self, slowlog_slower_than_us: int, fork_rate: float, huge_pages_bytes: int) -> None:
        self.slowlog_slower_than_us: int = slowlog_slower_than_us
        self.fork_rate: float = fork_rate  # GB per second
        self.huge_pages_bytes: int = huge_pages_bytes


def latency_doctor(monitor: LatencyMonitor, now_s: int, facts: DoctorFacts) -> bytes:
    """The report on all events, with advice."""
    events = monitor.events()
    if not events and monitor.threshold_ms == 0:
        return (
            b"The latency monitor is off. Turn it on with "
            b"'CONFIG SET latency-monitor-threshold <milliseconds>' and ask again later.\n"
        )
    lines: list[str] = []
    advice: list[str] = []
    for number, event in enumerate(events, 1):
        lines.append(_event_line(number, event, now_s, facts))
        advice += [text for text in _advice(event.name, monitor, facts) if text not in advice]
    if facts.huge_pages_bytes > 0:
        advice.append(_HUGE_PAGES)
    if not lines and not advice:
        return b"No latency spike has been observed. All is well.\n"
    report: list[str] = []
    if lines:
        report += ["Latency spikes have been observed:", "", *lines]
    if advice:
        report += ["", "Advice:", "", *["- " + text for text in advice]]
    else:
        report += ["", "There is no easy remedy to suggest for them."]
    return "\n".join(report).encode() + b"\n"


def _event_line(number: int, event: LatencyEvent, now_s: int, facts: DoctorFacts) -> str:
    statistics = event.statistics(now_s)
    line = (
        f"{number}. {event.name.decode()}: {statistics.samples} latency spikes "
        f"(average {statistics.average_ms}ms, mean deviation {statistics.mean_deviation_ms}ms, "
        f"period {statistics.period_s / statistics.samples:.2f} sec). "
        f"Worst all time event {event.max_ms}ms."
    )
    if event.name == b"fork":
        line += f" Fork rate is {facts.fork_rate:.2f} GB/sec ({_fork_quality(facts.fork_rate)})."
    return line


def _fork_quality(rate: float) -> str:
    if rate < 10:
        return "terrible"
    if rate < 25:
        return "poor"
    return "good" if rate < 100 else "excellent"


def _advice(name: bytes, monitor: LatencyMonitor, facts: DoctorFacts) -> list[str]:
    advice: list[str] = []
    threshold_us = monitor.threshold_ms * 1000
    if name == b"fork" and facts.fork_rate < 25:
        advice.append(_FORK)
    if name == b"command":
        if facts.slowlog_slower_than_us < 0:
            advice.append(f"The slow log is off. Turn it on with 'CONFIG SET slowlog-log-slower-than {threshold_us}'.")
        elif facts.slowlog_slower_than_us // 1000 > monitor.threshold_ms:
            advice.append(
                "The threshold of the slow log is above that of the latency monitor, so it misses some of these. "
                f"Use 'CONFIG SET slowlog-log-slower-than {threshold_us}'."
            )
    return advice + _ADVICE_BY_EVENT.get(name, [])
