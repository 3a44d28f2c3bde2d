"""Counters of the commands of one engine: how often each was called, how long it took, how often it failed.

To count a call that took less than ``direct_limit`` microseconds is one addition, in the array of the histogram. The
number of calls, the total time and the percentiles are computed from this array when a report needs them. The counters
of a command are created at its first call.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.base.limits import UNLIMITED
from pyredmem.engine.latency_histogram import DIRECT, LatencyHistogram
from pyredmem.engine.spec import BLOCKING, Command
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import HISTOGRAM_COUNTERS_SIZE, HISTOGRAM_SIZE


class CommandCounters:
    """The counters of one command, for INFO commandstats and latencystats."""

    def __init__(self, may_block: bool = False) -> None:
        self._may_block = may_block
        self.rejected: i64 = 0
        self.failed: i64 = 0
        self.histogram: LatencyHistogram | None = None
        self.histogram_addresses: list[int] = []
        self.direct: vec[i64] = vec[i64]()
        self.direct_limit: i64 = 0
        self._other_calls: i64 = 0
        self._other_usec: i64 = 0

    def calls(self) -> i64:
        total = self._other_calls
        for calls in self.direct:
            total += calls
        return total

    def usec(self) -> i64:
        """How long all calls took together, in microseconds."""
        total = self._other_usec
        for duration, calls in enumerate(self.direct):
            total += calls * duration
        return total

    def record(self, duration_us: i64, tracked: bool) -> None:
        """Count a call that the hot path does not count; if ``tracked``, in the histogram too."""
        histogram = self.histogram
        if histogram is not None and tracked:
            histogram.record_us(duration_us)
            if 0 <= duration_us < DIRECT:
                return
        self._other_calls += 1
        self._other_usec += duration_us

    def start_histogram(self, addresses: list[int]) -> None:
        """Keep a latency histogram from now on; ``addresses`` are its blocks in the ledger."""
        self.histogram = LatencyHistogram()
        self.histogram_addresses = addresses
        self.direct = self.histogram.direct

    def set_direct_limit(self, limit_us: i64) -> None:
        """Let the hot path count calls that take less than ``limit_us`` microseconds, if there is a histogram.

        It never counts a command that may block its client: such a call counts when the client has its reply.
        """
        self.direct_limit = limit_us if self.histogram is not None and not self._may_block else 0

    def reset(self) -> list[int]:
        """Set all counters to zero and drop the histogram; returns its blocks, which the caller must free."""
        addresses = self.histogram_addresses
        self.rejected = 0
        self.failed = 0
        self.histogram = None
        self.histogram_addresses = []
        self.direct = vec[i64]()
        self.direct_limit = 0
        self._other_calls = 0
        self._other_usec = 0
        return addresses


class CommandStatistics:
    """The counters of all commands of one engine."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._counters: dict[int, CommandCounters] = {}  # of the commands that were called, by index
        #: The slow log or the latency monitor sees each call that takes at least this long.
        self.notice_us: i64 = UNLIMITED
        self.tracks_latency = True  # latency-tracking

    def of(self, command: Command) -> CommandCounters:
        """The counters of a command, created if it has none yet."""
        counters = self._counters.get(int(command.index))
        if counters is None:
            counters = CommandCounters(command.has(BLOCKING))
            self._counters[int(command.index)] = counters
        return counters

    def find(self, command: Command) -> CommandCounters | None:
        """The counters of a command; None if it was not called yet."""
        return self._counters.get(int(command.index))

    def record(self, command: Command, duration_us: i64) -> None:
        """Count a call that the hot path leaves out: the first of its command, a slow one, or one inside another."""
        counters = self.of(command)
        if counters.histogram is None and self.tracks_latency:
            alloc = self._allocator.alloc
            addresses = [int(alloc(HISTOGRAM_SIZE)), int(alloc(HISTOGRAM_COUNTERS_SIZE))]
            counters.start_histogram(addresses)
            counters.set_direct_limit(self._direct_limit())
        counters.record(duration_us, self.tracks_latency)

    def set_noticing(self, tracks_latency: bool, notice_us: i64) -> None:
        """Set whether histograms are kept, and how many microseconds make a call worth noticing."""
        self.tracks_latency = tracks_latency
        self.notice_us = notice_us
        for counters in self._counters.values():
            counters.set_direct_limit(self._direct_limit())

    def _direct_limit(self) -> i64:
        if not self.tracks_latency:
            return 0
        return self.notice_us if self.notice_us < DIRECT else DIRECT

    def reset(self) -> None:
        """Set the counters of all commands to zero (CONFIG RESETSTAT)."""
        for counters in self._counters.values():
            for address in counters.reset():
                self._allocator.free(address)

    def calls(self) -> int:
        """How many calls of all commands there were."""
        return sum([int(counters.calls()) for counters in self._counters.values()])

    def usec(self) -> int:
        """How long the calls of all commands took together, in microseconds."""
        return sum([int(counters.usec()) for counters in self._counters.values()])

    def addresses(self) -> list[int]:
        """The ledger blocks of the histograms."""
        owned: list[int] = []
        for counters in self._counters.values():
            owned += counters.histogram_addresses
        return owned
