"""The process around an engine that clients in the process share."""

from __future__ import annotations

from pyredmem.base.rng import Random
from pyredmem.client.driver import Driver
from pyredmem.host.process import ProcessHost


class ClientHost(ProcessHost):
    """A host without an event loop: the driver calls the engine when it wants to be called."""

    def __init__(self, seed: int) -> None:
        self.driver: Driver | None = None
        self._rng = Random(seed)

    def wake_after(self, delay_us: int) -> None:
        if self.driver is not None:
            self.driver.wake_after(delay_us)

    def event_loop_name(self) -> str:
        return "in-process"

    def random_bytes(self, count: int) -> bytes:
        """Bytes that the seed rules: a test double has no secrets."""
        return bytes([self._rng.below(256) for _ in range(count)])
