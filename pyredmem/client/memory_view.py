"""The memory of a server inside the process, as INFO and MEMORY USAGE give it."""

from __future__ import annotations

from pyredmem.client.driver import Driver
from pyredmem.client.local_session import LocalSession


class MemoryView:
    """What the server uses (bytes)."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def used(self) -> int:
        """What all data, clients and tables take: used_memory in INFO."""
        self._driver.enter()
        try:
            return int(self._driver.engine.allocator.used_memory)
        finally:
            self._driver.leave()

    @property
    def peak(self) -> int:
        """The most that was ever used: used_memory_peak in INFO."""
        self._driver.enter()
        try:
            allocator = self._driver.engine.allocator
            return int(max(allocator.peak, allocator.used_memory))
        finally:
            self._driver.leave()

    def of(self, key: str | bytes, *, database: int = 0) -> int:
        """What a key and its value take, all elements counted: MEMORY USAGE. Raises KeyError if there is none."""
        with LocalSession(self._driver, database) as session:
            size = session.do("MEMORY", "USAGE", key, "SAMPLES", 0)
        if not isinstance(size, int):
            raise KeyError(key)
        return size
