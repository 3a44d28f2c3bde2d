"""The part of an engine that saves the dataset and loads it.

`GATE_LOADING` is set while files are being loaded: clients get the error LOADING for all commands but a few, the timer
does nothing to the keys, and nothing is evicted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.config.settings import SettingError
from pyredmem.engine.engine import Engine, Extension
from pyredmem.engine.gates import GATE_LOADING, GATES_STANDSTILL
from pyredmem.engine.tasks import DONE
from pyredmem.persistence.aof_loading import AofLoad
from pyredmem.persistence.aof_manifest import ManifestError
from pyredmem.persistence.append_only_file import OFF, WAITING, AppendOnlyFile
from pyredmem.persistence.background import Background
from pyredmem.persistence.loading import Load, LoadError
from pyredmem.persistence.rdb_loading import RdbLoad, check_file
from pyredmem.persistence.rdb_saver import rdb_path
from pyredmem.persistence.rewrites import Rewrites
from pyredmem.persistence.snapshots import Snapshots
from pyredmem.scripting.scripting import scripting_of

#: How long a slice of loading lasts; then clients get their LOADING (microseconds).
_SLICE_US: Final = 5000
_CANNOT_SWITCH_ON: Final = "Unable to turn on AOF. Check server logs."


class Persistence(Extension):
    """Saves and loads the dataset of one engine."""

    def __init__(self, engine: Engine) -> None:
        core = engine.core
        self._engine = engine
        self._core = core
        library_codes = scripting_of(engine).library_codes
        self.background = Background(core, engine.slow_commands.monitor)
        self.snapshots = Snapshots(core, library_codes, self.background)
        self.append_only = AppendOnlyFile(engine, library_codes, self.background)
        self.rewrites = Rewrites(core, self.append_only, self.background)
        self._slices = core.tasks.create(self._slice)
        self._ended: Callable[[str], None] | None = None
        self._has_started = False  # whether what there was is loaded
        self.running: Load | None = None
        # Of the last file that was loaded to its end:
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0
        core.settings.subscribe("appendonly", self._switched)
        core.settings.subscribe("aof-disable-auto-gc", self._delete_history)
        core.cron.every(0, self._tick)

    def close(self) -> None:
        """Let go of the engine."""
        self.background.kill()
        self.append_only.stop()
        self._ended = None

    # The start.

    def start(self) -> None:
        """Load what an earlier server has left, and begin to write the append-only file. Raises LoadError."""
        try:
            load = self._first_load()
            if load is not None:
                self._run(load)
            self._open()
        finally:
            self._end()

    def start_empty(self) -> None:
        """Load nothing, although there may be something."""
        self._has_started = True

    def start_in_slices(self, ended: Callable[[str], None]) -> None:
        """As `start`, while clients get LOADING. ``ended`` is called with what went wrong; empty if nothing did."""
        try:
            load = self._first_load()
            if load is None:
                self._open()
        except LoadError as error:
            ended(str(error))
            return
        if load is None:
            ended("")
            return
        self._begin(load)
        self._ended = ended
        self._core.tasks.run_only(self._slices)
        self._slices.wake()

    def _first_load(self) -> Load | None:
        """What is to be loaded at the start."""
        parts = self.append_only.parts
        try:
            parts.read_manifest()
            if self._core.settings.flag("appendonly"):
                parts.adopt_old_file()
        except ManifestError as refused:
            raise LoadError("".join(refused.log_entries()).strip()) from None
        except OSError as error:
            raise LoadError(f"Fatal error: can't read the append-only file: {error.strerror}") from None
        if not self._core.settings.flag("appendonly"):
            path = rdb_path(self._core.settings)
            if path == "" or not self._core.host.files().exists(path):
                return None
            return RdbLoad(self._core, scripting_of(self._engine), path, False)
        return None if parts.manifest.is_empty() else AofLoad(self._engine, parts)

    def _open(self) -> None:
        """Begin to write the append-only file, if there is to be one."""
        self._has_started = True
        if not self._core.settings.flag("appendonly"):
            return
        try:
            self.append_only.start()
            self.append_only.parts.delete_history()
        except OSError as error:
            raise LoadError(f"Can't open the append-only file: {error.strerror or error}") from None

    # Loading.

    def load(self, replaces: bool = False) -> None:
        """Load the RDB file now. Raises LoadError."""
        try:
            path = rdb_path(self._core.settings)
            self._run(RdbLoad(self._core, scripting_of(self._engine), path, replaces))
        finally:
            self._end()

    def reload(self, flushes: bool, replaces: bool, is_new: bool) -> None:
        """Load the RDB file in place of the dataset, or, unless ``flushes``, beside it. Raises LoadError.

        ``replaces``: keys that exist are replaced. A file that cannot be loaded changes nothing: unless it ``is_new``,
        saved a moment ago, it is read once before.
        """
        core = self._core
        if not is_new or not (flushes or replaces):
            check_file(core, rdb_path(core.settings), flushes or replaces)
        if flushes:
            self._flush()
        self.load(replaces)

    def reload_append_only(self) -> None:
        """Load the append-only file in place of the dataset (DEBUG LOADAOF). Raises LoadError."""
        self.append_only.log.flush(forced=True)
        load = AofLoad(self._engine, self.append_only.parts)
        if load.size == 0:
            load.abandon()
            raise LoadError("There is no append-only file to load")
        recorder = self._core.keyspace.changes.recorder
        if recorder is not None:
            recorder.is_muted = True  # what is replayed is in the file already
        try:
            self._flush()
            self._run(load)
        finally:
            self._end()
            if recorder is not None:
                recorder.is_muted = False

    def _flush(self) -> None:
        self._core.keyspace.flush(self._core.keyspace.databases)
        scripting_of(self._engine).flush_libraries()

    def _begin(self, load: Load) -> None:
        keyspace = self._core.keyspace
        keyspace.now_us = self._core.clock.now_us()  # at the start of a server the timer has not ticked yet
        keyspace.update_clocks()
        self._core.gates.set(GATE_LOADING, True)
        self.running = load

    def _run(self, load: Load) -> None:
        """Load all of it now."""
        self._begin(load)
        while load.step():
            pass
        self._loaded(load)

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
            self._open()
        except LoadError as error:
            problem = str(error)
        if problem:
            self._abandon()  # clients get LOADING until the server has ended
        else:
            self._end()
        self._core.tasks.run_only(None)
        ended = self._ended
        self._ended = None
        if ended is not None:
            ended(problem)
        return DONE

    def _loaded(self, load: Load) -> None:
        self.running = None
        self.keys_loaded = load.keys()
        self.keys_expired = load.expired()
        for line in load.summary():
            self._core.host.log("notice", line)
        self._core.keyspace.changes.mark_saved(self._core.keyspace.changes.since_save())

    def _abandon(self) -> None:
        if self.running is not None:  # it has failed
            self.running.abandon()
        self.running = None

    def _end(self) -> None:
        self._abandon()
        self._core.gates.set(GATE_LOADING, False)

    # While the server runs.

    def _switched(self) -> None:
        """CONFIG SET appendonly. Before the start the setting only says what the start has to do."""
        if not self._has_started:
            return
        is_on = self.append_only.state != OFF
        wants = self._core.settings.flag("appendonly")
        if wants and not is_on and not self.rewrites.switch_on():
            raise SettingError("appendonly", _CANNOT_SWITCH_ON)
        if is_on and not wants:
            self.rewrites.switch_off()

    def _delete_history(self) -> None:
        """CONFIG SET aof-disable-auto-gc: what was kept so far may have to go."""
        if not self._has_started:
            return
        try:
            self.append_only.parts.delete_history()
        except OSError as error:
            self._core.host.log("warning", f"Can't delete old parts of the append-only file: {error.strerror}")

    def _tick(self) -> None:
        self.append_only.tick()
        self.background.look_at_child()
        if self.background.running is None:
            self.rewrites.look_at_schedule()
        if self.background.running is None:
            self.snapshots.look_at_points()
        if self.background.running is None:
            self.rewrites.look_at_growth()
        if self.background.running is None:
            self.snapshots.look_at_schedule()

    # The end of the server.

    def prepare_end(self, options: set[str]) -> bool:
        """Save the dataset for the last time; returns whether the server may end.

        The ``options`` are save and nosave; without them it is saved if there are save points. A dataset that is being
        loaded, or that a script is in the middle of changing, is never saved. If the dataset would be lost the server
        may not end, unless there is the option force.
        """
        self.snapshots.kill()
        return self._end_append_only(options) and self._save_finally(options)

    def _end_append_only(self, options: set[str]) -> bool:
        """Have the append-only file on the disk."""
        append_only = self.append_only
        log = self._core.host.log
        if append_only.state == OFF:
            return True
        if self.rewrites.is_running():
            if append_only.state == WAITING and "force" not in options:
                log("warning", "Writing initial AOF, can't exit.")
                return False
            log("warning", "There is a child rewriting the AOF. Killing it!")
            self.rewrites.kill()
        log("notice", "Calling fsync() on the AOF file.")
        append_only.log.finish()
        return True

    def _save_finally(self, options: set[str]) -> bool:
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
