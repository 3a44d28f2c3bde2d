"""The part of an engine that saves the dataset and loads it.

`GATE_LOADING` is set while a file is being loaded: clients get the error LOADING for all commands but a few, the timer
does nothing to the keys, and nothing is evicted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.engine import Engine, Extension
from pyredmem.engine.gates import GATE_LOADING, GATES_STANDSTILL
from pyredmem.engine.tasks import DONE
from pyredmem.persistence.loading import LoadError, RdbLoad, check_file
from pyredmem.persistence.rdb_saver import rdb_path
from pyredmem.persistence.snapshots import Snapshots
from pyredmem.scripting.scripting import scripting_of

#: How long a slice of loading lasts; then clients get their LOADING (microseconds).
_SLICE_US: Final = 5000


class Persistence(Extension):
    """Saves and loads the dataset of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._core = engine.core
        self.snapshots = Snapshots(engine.core, scripting_of(engine).library_codes, engine.slow_commands.monitor)
        self._slices = engine.core.tasks.create(self._slice)
        self._ended: Callable[[str], None] | None = None
        self.running: RdbLoad | None = None
        # Of the last file that was loaded to its end:
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0

    def close(self) -> None:
        """Let go of the engine."""
        self.snapshots.kill()
        self._ended = None

    # Loading.

    def has_file(self) -> bool:
        """Whether there is a file to load at the start."""
        path = rdb_path(self._core.settings)
        return path != "" and self._core.host.files().exists(path)

    def load(self, replaces: bool = False) -> None:
        """Load the file now. Raises LoadError."""
        try:
            load = self._begin(replaces)
            while load.step():
                pass
            self._loaded(load)
        finally:
            self._end()

    def reload(self, flushes: bool, replaces: bool, is_new: bool) -> None:
        """Load the file in place of the dataset, or, unless ``flushes``, beside it. Raises LoadError.

        ``replaces``: keys that exist are replaced. A file that cannot be loaded changes nothing: unless it ``is_new``,
        saved a moment ago, it is read once before.
        """
        core = self._core
        if not is_new or not (flushes or replaces):
            check_file(core, rdb_path(core.settings), flushes or replaces)
        if flushes:
            core.keyspace.flush(core.keyspace.databases)
            scripting_of(self._engine).flush_libraries()
        self.load(replaces)

    def load_in_slices(self, ended: Callable[[str], None]) -> None:
        """Load the file while clients get LOADING. ``ended`` is called with what went wrong; empty if nothing did."""
        try:
            self._begin(False)
        except LoadError as error:
            self._end()
            ended(str(error))
            return
        self._ended = ended
        self._core.tasks.run_only(self._slices)
        self._slices.wake()

    def _begin(self, replaces: bool) -> RdbLoad:
        keyspace = self._core.keyspace
        keyspace.now_us = self._core.clock.now_us()  # at the start of a server the timer has not ticked yet
        keyspace.update_clocks()
        self._core.gates.set(GATE_LOADING, True)
        self.running = RdbLoad(self._core, scripting_of(self._engine), rdb_path(self._core.settings), replaces)
        return self.running

    def _slice(self) -> int:
        load = self.running
        if load is None:
            return DONE
        clock = self._core.clock
        end_us = clock.now_us() + _SLICE_US
        problem = ""
        try:
            while load.step():
                if clock.now_us() >= end_us:
                    return 0
            self._loaded(load)
        except LoadError as error:
            problem = str(error)
        self._end()
        self._core.tasks.run_only(None)
        ended = self._ended
        self._ended = None
        if ended is not None:
            ended(problem)
        return DONE

    def _loaded(self, load: RdbLoad) -> None:
        self.keys_loaded = load.keys
        self.keys_expired = load.expired
        for line in load.summary():
            self._core.host.log("notice", line)
        self._core.keyspace.changes.mark_saved(self._core.keyspace.changes.since_save())

    def _end(self) -> None:
        self.running = None
        self._core.gates.set(GATE_LOADING, False)

    # The end of the server.

    def prepare_end(self, options: set[str]) -> bool:
        """Save the dataset for the last time; returns whether the server may end.

        The ``options`` are save and nosave; without them it is saved if there are save points. A dataset that is being
        loaded, or that a script is in the middle of changing, is never saved. If the dataset would be lost the server
        may not end, unless there is the option force.
        """
        self.snapshots.kill()
        wants = "save" in options or ("nosave" not in options and self.snapshots.has_points())
        if not wants or self._core.gates.bits & GATES_STANDSTILL:
            return True
        log = self._core.host.log
        log("notice", "Saving the final RDB snapshot before exiting.")
        if self.snapshots.save():
            return True
        if "force" in options:
            log("warning", "Error trying to save the DB, but the server ends as it was told to.")
            return True
        log("warning", "Error trying to save the DB, can't exit.")
        return False


def persistence_of(engine: Engine) -> Persistence:
    """The part of an engine that saves the dataset and loads it."""
    part = engine.persistence
    assert isinstance(part, Persistence)
    return part
