"""The process around an engine that clients in the process share."""

from __future__ import annotations

from pyredmem.base.rng import Random
from pyredmem.client.driver import Driver
from pyredmem.client.forks import ForeignLock, ForkAware, watch
from pyredmem.host.files import SystemFiles
from pyredmem.host.memory_files import MemoryFiles
from pyredmem.host.process import ProcessHost


class ClientHost(ProcessHost, ForkAware):
    """A host without an event loop: the driver calls the engine when it wants to be called."""

    def __init__(self, seed: int, directory: str) -> None:
        self.driver: Driver | None = None
        self._rng = Random(seed)
        self._files = SystemFiles(directory) if directory else MemoryFiles()
        self._resident_bytes = 0
        self._thread_seconds = (0.0, 0.0)
        watch(self)

    def leave_behind(self) -> None:
        if self.driver is not None:
            self.driver.disown(ForeignLock())

    def resident_bytes(self) -> int:
        if not self._skips_time():
            self._resident_bytes = super().resident_bytes()
        return self._resident_bytes

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        if not self._skips_time():
            self._thread_seconds = super().main_thread_cpu_seconds()
        return self._thread_seconds

    def _skips_time(self) -> bool:
        return self.driver is not None and self.driver.skips_time

    def wake_after(self, delay_us: int) -> None:
        if self.driver is not None:
            self.driver.wake_after(delay_us)

    def owns_process(self) -> bool:
        """Whether the heap of the process may be compacted. It is that of the test, and not the same each time."""
        return False

    def event_loop_name(self) -> str:
        return "in-process"

    def random_bytes(self, count: int) -> bytes:
        """Bytes that the seed rules: a test double has no secrets."""
        return bytes([self._rng.below(256) for _ in range(count)])
