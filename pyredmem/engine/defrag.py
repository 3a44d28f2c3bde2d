"""Active defragmentation of the ledger: when it begins, with what effort, and what it has done (Redis 7.2 defrag.c).

Once a second the timer checks how much memory is wasted in the slabs. If it is too much, a scan of the keyspace begins,
with an effort that grows with the waste. While the scan is in progress its effort may rise but never fall. At its end
the waste is checked again, and if there still is too much, the next scan begins at once.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.config.settings import SettingError
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.defrag_pace import PAUSED_US, SETTINGS, DefragSettings, Paces
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.tasks import DONE
from pyredmem.keyspace.defrag import DefragScan

LOOK_MS: Final = 1000
UNSUPPORTED: Final = (
    "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the "
    "one shipped by default with the Redis source distribution"
)


class Defrag:
    """Defragments the ledger of one engine; the compaction of the process's heap shares its settings and paces."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._monitor = monitor
        self._allocator = core.allocator
        self.settings = DefragSettings(core.settings)
        self.paces = Paces(core.clock)
        self.pace = self.paces.create()  # its percent is the effort of the scan in progress, 0 if there is none
        self.scan = DefragScan(core.keyspace)
        self._began_us: i64 = 0  # when the first of the scans began that follow one another; 0 if none runs
        self._total_us: i64 = 0  # how long earlier ones took
        self._task = core.tasks.create(self._work)
        self._provide_figures()
        core.settings.follow(SETTINGS, self._settings_changed)
        core.cron.every(LOOK_MS, self._look)

    # Settings.

    def _settings_changed(self) -> None:
        settings = self.settings
        settings.read()
        if settings.enabled and not self._allocator.profile.supports_defrag:
            settings.enabled = False
            raise SettingError("activedefrag", UNSUPPORTED)
        self.scan.max_scan_fields = settings.max_scan_fields
        if not settings.enabled:
            self._stop()
            self.scan.restart()

    # Figures.

    def _provide_figures(self) -> None:
        provide = self._core.figures.provide
        self._core.figures.on_reclaim_reset(self._reset_counters)
        provide(figures.DEFRAG_RUNNING, self._running)
        provide(figures.DEFRAG_HITS, self._hits)
        provide(figures.DEFRAG_MISSES, self._misses)
        provide(figures.DEFRAG_KEY_HITS, self._key_hits)
        provide(figures.DEFRAG_KEY_MISSES, self._key_misses)
        provide(figures.DEFRAG_TOTAL_MS, self._total_ms)
        provide(figures.DEFRAG_MS, self._current_ms)

    def _reset_counters(self) -> None:
        self.scan.reset_counters()
        self._total_us = 0
        if self._began_us != 0:
            self._began_us = self._core.clock.now_us()

    def _running(self) -> int:
        return self.pace.percent

    def _hits(self) -> int:
        return self.scan.mover.hits

    def _misses(self) -> int:
        return self.scan.mover.misses

    def _key_hits(self) -> int:
        return self.scan.key_hits

    def _key_misses(self) -> int:
        return self.scan.key_misses

    def _current_us(self) -> i64:
        """How long the scans that follow one another have been running; 0 if none runs."""
        if self._began_us == 0:
            return 0
        passed = self._core.clock.now_us() - self._began_us
        return passed if passed > 0 else 0

    def _current_ms(self) -> int:
        return self._current_us() // 1000

    def _total_ms(self) -> int:
        return (self._total_us + self._current_us()) // 1000

    # Begin and end.

    def _look(self) -> None:
        """Begin a scan if too much is wasted, or raise the effort of the one in progress."""
        if not self.settings.enabled:
            return
        active, allocated = self._allocator.active(), self._allocator.allocated()
        pace = self.pace
        if pace.percent == 0 and not self.settings.is_needed(active, allocated):
            return
        effort = self.settings.effort(active, allocated)
        if effort <= pace.percent:
            return
        if self._began_us == 0:
            self._begin(active, allocated)
        pace.percent = effort
        self._task.wake()

    def _begin(self, active: i64, allocated: i64) -> None:
        self._began_us = self._core.clock.now_us()
        percent = active * 100 // allocated - 100
        self._core.host.log("verbose", f"Defragmentation begins: {active - allocated} bytes, {percent}% wasted")

    def _stop(self) -> None:
        self.pace.rest()
        if self._began_us == 0:
            return
        self._total_us += self._current_us()
        self._began_us = 0
        moved = self.scan.mover.hits
        self._core.host.log("verbose", f"Defragmentation has ended: {moved} blocks have been moved so far")

    # Work.

    def _work(self) -> int:
        """Run a slice of the scan; returns how long to wait for the next slice."""
        pace = self.pace
        if pace.percent == 0:
            return DONE
        if self._core.cron.paused or self._core.is_saving:
            return PAUSED_US
        self.paces.tick_us = self._core.cron.interval_ms() * 1000
        pace.begin()
        if self.scan.run(pace):
            self._look_again()
        delay_us = pace.end()
        self._monitor.observe(b"active-defrag-cycle", pace.used_us // 1000, self._core.keyspace.now_us // 1000000)
        return DONE if pace.percent == 0 else delay_us

    def _look_again(self) -> None:
        """At the end of a scan: begin the next one, with an effort of its own, if there still is too much waste."""
        pace = self.pace
        pace.percent = 0
        self._look()
        if pace.percent == 0:
            self._stop()
