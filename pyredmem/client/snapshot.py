"""Snapshots of the dataset of a server inside the process: `Server.snapshot` and `Server.restore`.

The dataset is what Redis would save: the keys of all databases, with their expire times, encodings and access times,
and the libraries of functions. Settings, users, cached scripts and clients stay as they are. A snapshot belongs to the
test and takes none of the memory that the server accounts for.
"""

from __future__ import annotations

from typing import Self

from pyredmem.client.driver import Driver
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.scripting.scripting import scripting_of


class Snapshot:
    """The dataset of one server at one moment. It ends with `close`, as a context manager, or when nobody has it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        driver.enter()
        try:
            _check(driver)
            self._libraries = scripting_of(driver.engine).library_codes()
            self._keyspace = KeyspaceSnapshot(driver.engine.keyspace)
        finally:
            driver.leave()

    def restore(self, driver: Driver) -> None:
        """Make this the dataset of the server again, and let its clients know, as of FLUSHALL."""
        if driver is not self._driver:
            raise ValueError("the snapshot was taken of another server")
        driver.enter()
        try:
            _check(driver)
            if self._keyspace.is_dropped:
                raise ValueError("the snapshot is closed")
            engine = driver.engine
            engine.keyspace.now_us = engine.clock.now_us()
            scripting = scripting_of(engine)
            if scripting.library_codes() != self._libraries:
                scripting.restore_libraries(self._libraries, True, True)
            engine.lazyfree_task.drain()  # so that the memory in use is that of the dataset at once
            self._keyspace.restore()
            engine.blocking.serve()
            engine.core.chores.run()
            engine.allocator.note_peak()
        finally:
            driver.leave()

    def close(self) -> None:
        """Free what the snapshot keeps. It can't be restored any more."""
        self._driver.enter()
        try:
            self._keyspace.drop()
        finally:
            self._driver.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        keyspace = getattr(self, "_keyspace", None)
        if keyspace is not None:
            self._driver.drop_snapshot(keyspace)


def _check(driver: Driver) -> None:
    """Raise RuntimeError if the dataset can be neither taken nor replaced now. The driver is entered."""
    if driver.engine.script_run.is_suspended():
        raise RuntimeError("a script is running, and may have written only a part of what it will write")
