"""The process around an engine that clients in the process share."""

from __future__ import annotations

from pyredmem.client.driver import Driver
from pyredmem.client.forks import ForeignLock, ForkAware, watch
from pyredmem.host.process import ProcessHost


class ClientHost(ProcessHost, ForkAware):
    """A host without an event loop: the driver calls the engine when it wants to be called."""

    def __init__(self) -> None:
        self.driver: Driver | None = None
        watch(self)

    def leave_behind(self) -> None:
        if self.driver is not None:
            self.driver.disown(ForeignLock())

    def wake_after(self, delay_us: int) -> None:
        if self.driver is not None:
            self.driver.wake_after(delay_us)

    def event_loop_name(self) -> str:
        return "in-process"
