"""The latency monitor: when each kind of work that can stall the server did so, and for how long.

Such a kind of work is called an *event*: ``command``, ``fast-command``, ``expire-cycle``, ``eviction-cycle``,
``eviction-del``, ``fork`` and so on. Each event keeps its last 160 samples, at most one for each second: the longest of
that second. Durations are in milliseconds. Only durations of at least the threshold are sampled; a threshold of 0 turns
the monitor off.

`latency_reports` makes the text of LATENCY DOCTOR and the picture of LATENCY GRAPH from these samples.
"""

from typing import Final

from mypy_extensions import i64

MAX_SAMPLES: Final = 160


class LatencyStatistics:
    """A summary of the samples of an event. All figures are truncated as Redis truncates them."""

    def __init__(self, samples: int, average_ms: int, mean_deviation_ms: int, period_s: int) -> None:
        self.samples: int = samples
        self.average_ms: int = average_ms
        self.mean_deviation_ms: int = mean_deviation_ms
        self.period_s: int = period_s


class LatencyEvent:
    """The samples of one event, oldest first, and the longest duration ever."""

    def __init__(self, name: bytes) -> None:
        self.name: bytes = name
        self.samples: list[tuple[int, int]] = []  # (unix seconds, milliseconds)
        self.max_ms: int = 0

    def add(self, latency_ms: int, now_s: int) -> None:
        """Add a sample, or raise the last one if it is of the same second."""
        self.max_ms = max(self.max_ms, latency_ms)
        samples = self.samples
        if samples and samples[-1][0] == now_s:
            samples[-1] = (now_s, max(samples[-1][1], latency_ms))
            return
        samples.append((now_s, latency_ms))
        if len(samples) > MAX_SAMPLES:
            del samples[0]

    def statistics(self, now_s: int) -> LatencyStatistics:
        """Summarise the samples. The period is the time since the oldest one."""
        count = len(self.samples)
        average = sum([latency for _, latency in self.samples]) // count
        deviation = sum([abs(average - latency) for _, latency in self.samples]) // count
        period = now_s - min([time_s for time_s, _ in self.samples])
        return LatencyStatistics(count, average, deviation, period if period != 0 else 1)


class LatencyMonitor:
    """The events that were observed since the start or the last reset."""

    def __init__(self, threshold_ms: int = 0) -> None:
        self.threshold_ms: i64 = threshold_ms
        self._events: dict[bytes, LatencyEvent] = {}

    def observe(self, name: bytes, latency_ms: i64, now_s: i64) -> None:
        """Add a sample of an event if it reaches the threshold."""
        if self.threshold_ms == 0 or latency_ms < self.threshold_ms:
            return
        event = self._events.get(name)
        if event is None:
            event = LatencyEvent(name)
            self._events[name] = event
        event.add(latency_ms, now_s)

    def event(self, name: bytes) -> LatencyEvent | None:
        """An event; None if it was never observed."""
        return self._events.get(name)

    def events(self) -> list[LatencyEvent]:
        """The events, in the order in which they were first observed."""
        return list(self._events.values())

    def history(self, name: bytes) -> list[tuple[int, int]]:
        """The samples of an event as (unix seconds, milliseconds), oldest first."""
        event = self._events.get(name)
        return event.samples[:] if event is not None else []

    def latest(self) -> list[tuple[bytes, int, int, int]]:
        """For each event: its name, the time of its last sample, that sample, and the longest duration ever."""
        return [
            (event.name, event.samples[-1][0], event.samples[-1][1], event.max_ms) for event in self._events.values()
        ]

    def reset(self, names: list[bytes]) -> int:
        """Forget the named events (in upper or lower case), or all if ``names`` is empty; returns how many."""
        wanted = [name.lower() for name in names]
        forgotten = [name for name in self._events if not wanted or name.lower() in wanted]
        for name in forgotten:
            del self._events[name]
        return len(forgotten)

    def check(self) -> None:
        """Assert that no event has no samples or too many, and that none exceeds the maximum."""
        for name, event in self._events.items():
            assert name == event.name
            assert 0 < len(event.samples) <= MAX_SAMPLES
            assert event.max_ms >= max([latency for _, latency in event.samples])
