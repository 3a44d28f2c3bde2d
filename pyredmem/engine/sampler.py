"""The sampler: every 100 milliseconds it samples the allocator, the process, and how much was done since the last time.

The rates in INFO (``instantaneous_...``) are means over 16 samples, which is 1.6 seconds (Redis 7.2
trackInstantaneousMetric). They cost nothing while commands run: a sample reads counters that exist anyway. If nothing
was read from clients since the last sample, it does not even add up the counters of the commands.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.command_counters import CommandStatistics
from pyredmem.engine.host import Host
from pyredmem.engine.stats import Stats
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.snapshot import AllocatorSample, take_sample

PERIOD_MS: Final = 100
SAMPLES: Final = 16


class Rate:
    """How fast a counter grows relative to another one: the mean of the last samples."""

    def __init__(self) -> None:
        self._samples = [0] * SAMPLES
        self._next = 0
        self._value = 0
        self._base = 0

    def sample(self, value: int, base: int, factor: int) -> None:
        """Take a sample: the growth of ``value`` since the last one, divided by that of ``base``, times ``factor``."""
        grown, passed = value - self._value, base - self._base
        # A counter that was reset counts as not grown.
        self._samples[self._next] = grown * factor // passed if passed > 0 and grown > 0 else 0
        self._next = (self._next + 1) % SAMPLES
        self._value = value
        self._base = base

    def reset(self) -> None:
        self._samples = [0] * SAMPLES

    def mean(self) -> int:
        return sum(self._samples) // SAMPLES


class Sampler:
    """Takes and keeps the samples of one engine."""

    def __init__(
        self, allocator: Allocator, host: Host, keyspace: Keyspace, stats: Stats, commands: CommandStatistics
    ) -> None:
        self._allocator = allocator
        self._host: Host = host
        self._keyspace = keyspace
        self._stats = stats
        self._commands = commands
        self._reads: i64 = -1
        self._processed = 0
        self._commands_us = 0
        self._thread_base_us = -1  # processor time that the engine's thread had used at its first tick
        self.operations = Rate()
        self.input_bytes = Rate()
        self.output_bytes = Rate()
        self.cycles = Rate()
        self.cycle_us = Rate()
        self._sample: AllocatorSample | None = None
        self._peak: i64 = 0
        self._peak_s: i64 = 0
        self._sample_rates()

    @property
    def allocator_sample(self) -> AllocatorSample:
        """The last sample of the allocator; the first one is taken when somebody asks, or at the first tick."""
        sample = self._sample
        if sample is None:
            sample = take_sample(self._allocator, self._host.resident_bytes())
            self._sample = sample
        return sample

    def take(self) -> None:
        """Take a sample of everything."""
        if self._thread_base_us < 0:
            self._thread_base_us = self._thread_us()
        self._allocator.note_peak()
        self._note_peak()
        self._sample = take_sample(self._allocator, self._host.resident_bytes())
        self._sample_rates()

    def peak_s(self) -> int:
        """When the peak of used memory was reached, as unix time in seconds; it is looked at with each sample."""
        self._note_peak()
        return int(self._peak_s)

    def _note_peak(self) -> None:
        if self._allocator.peak != self._peak:
            self._peak = self._allocator.peak
            self._peak_s = self._keyspace.now_us // 1_000_000

    def _sample_rates(self) -> None:
        stats = self._stats
        if stats.reads_processed != self._reads:
            self._reads = stats.reads_processed
            self._processed = self.commands_processed()
            self._commands_us = self.commands_us()
        now_ms = self._keyspace.now_us // 1000
        self.operations.sample(self._processed, now_ms, 1000)
        self.input_bytes.sample(stats.net_input_bytes, now_ms, 1000)
        self.output_bytes.sample(stats.net_output_bytes, now_ms, 1000)
        cycles = stats.cycles()
        self.cycles.sample(cycles, now_ms, 1000)
        self.cycle_us.sample(self._busy_us(self._commands_us), cycles, 1)

    def reset_rates(self) -> None:
        """Forget all samples of the rates (CONFIG RESETSTAT)."""
        for rate in (self.operations, self.input_bytes, self.output_bytes, self.cycles, self.cycle_us):
            rate.reset()
        self._reads = -1
        self._thread_base_us = self._thread_us()

    def busy_us(self) -> int:
        """Microseconds for which the engine's thread was busy: at least those of commands and of the timer."""
        return self._busy_us(self.commands_us())

    def _busy_us(self, commands_us: int) -> int:
        known = commands_us + int(self._stats.timer_us)
        if self._thread_base_us < 0:
            return known
        return max(known, self._thread_us() - self._thread_base_us)

    def _thread_us(self) -> int:
        """The processor time of the engine's thread, microseconds."""
        system, user = self._host.main_thread_cpu_seconds()
        return int((system + user) * 1_000_000)

    def commands_processed(self) -> int:
        """How many commands have run, by the counters of the commands."""
        return self._commands.calls()

    def commands_us(self) -> int:
        """How long all commands took together, in microseconds."""
        return self._commands.usec()
