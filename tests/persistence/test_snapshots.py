"""SAVE, BGSAVE, save points, and what refuses writes after a failed save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from errno import ENOSPC
from typing import Any

import pytest

from pyredmem.base.files import Aside
from pyredmem.persistence.background import MOST_FORKED
from tests.persistence.worlds import SavingWorld
from tests.support.faulty_files import after_crash
from tests.support.replies import OK, PONG, Error, Simple

FAILED = Error(b"ERR")
RUNNING = Error(b"ERR Background save already in progress")
STARTED = Simple(b"Background saving started")
MISCONF = (
    b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    b"may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    b"error."
)


@pytest.fixture
def world() -> Iterator[SavingWorld]:
    """A world that saves in slices."""
    made = SavingWorld()
    yield made
    made.check()


@pytest.fixture
def forking() -> Iterator[SavingWorld]:
    """A world that saves in a child."""
    made = SavingWorld(forks=True)
    yield made
    made.check()


def digest_of_file(world: SavingWorld) -> object:
    """The digest of what a new server loads."""
    other = world.another()
    other.persistence.load()
    other.check()
    return other.do("DEBUG", "DIGEST")


# At once.


def test_save_writes_a_file_that_another_server_loads(world: SavingWorld) -> None:
    world.do("SET", "a", "b")
    world.do("SELECT", "3")
    world.do("RPUSH", "l", "1", "2")
    world.do("EXPIRE", "l", "100")
    assert world.do("SAVE") == OK
    assert sorted(world.files.content) == ["dump.rdb"]
    assert digest_of_file(world) == world.do("DEBUG", "DIGEST")
    assert world.logged("DB saved on disk")


def test_save_takes_the_name_of_the_file_from_the_settings() -> None:
    world = SavingWorld(dbfilename="other.rdb")
    world.do("SET", "a", "b")
    world.do("SAVE")
    assert sorted(world.files.content) == ["other.rdb"]


def test_save_sets_the_count_of_changes_and_the_time(world: SavingWorld) -> None:
    world.do("SET", "a", "b")
    before = world.do("LASTSAVE")
    world.advance(5000)
    assert world.field("rdb_changes_since_last_save") == "1"
    world.do("SAVE")
    assert world.do("LASTSAVE") == before + 5
    assert world.field("rdb_changes_since_last_save") == "0"
    assert world.field("rdb_saves") == "1"


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_directory"])
def test_a_failed_save_leaves_the_old_file_and_no_litter(world: SavingWorld, operation: str) -> None:
    world.do("SET", "a", "old")
    world.do("SAVE")
    old = bytes(world.files.content["dump.rdb"])
    world.do("SET", "a", "new")
    world.files.fail(operation, ENOSPC, "No space left on device")
    assert world.do("SAVE") == FAILED
    assert world.logged("No space left on device")
    assert sorted(world.files.content) == ["dump.rdb"]
    if operation != "sync_directory":  # which comes when the new file is there
        assert bytes(world.files.content["dump.rdb"]) == old
    assert world.field("rdb_changes_since_last_save") == "1"
    world.files.mend()
    assert world.do("SAVE") == OK


@pytest.mark.parametrize("loses_power", [False, True])
def test_whenever_the_server_crashes_there_is_a_whole_file(world: SavingWorld, loses_power: bool) -> None:
    """Before the first save is complete there may be none. Later there is the old one or the new one."""
    world.do("SET", "a", "old")
    world.do("SAVE")
    first = len(world.files.operations)
    old = world.do("DEBUG", "DIGEST")
    world.do("SET", "a", "new")
    world.do("SAVE")
    new = world.do("DEBUG", "DIGEST")
    seen = []
    for count in range(first, len(world.files.operations) + 1):
        survivor = SavingWorld()
        files = after_crash(world.files.operations[:count], loses_power)
        survivor.files.content = {name: bytearray(content) for name, content in files.items()}
        survivor.persistence.start()
        seen.append(survivor.do("DEBUG", "DIGEST"))
    assert seen[0] == old
    assert seen[-1] == new
    assert seen == sorted(seen, key=[old, new].index)


def test_a_file_is_forced_to_disk_in_steps_while_it_is_written(world: SavingWorld) -> None:
    for number in range(10):
        world.do("SET", f"key:{number}", "x" * 1_000_000)
    world.do("CONFIG", "SET", "rdbcompression", "no")
    world.do("SAVE")
    assert sum(operation == "sync" for operation, _, _ in world.files.operations) == 3
    world.files.operations.clear()
    world.do("CONFIG", "SET", "rdb-save-incremental-fsync", "no")
    world.do("SAVE")
    assert sum(operation == "sync" for operation, _, _ in world.files.operations) == 1


# In the background, in slices.


def test_bgsave_saves_the_moment_at_which_it_began(world: SavingWorld) -> None:
    for number in range(100):
        world.do("SET", f"string:{number}", f"value {number}")
        world.do("RPUSH", f"list:{number}", "1", "2", "3")
    digest = world.do("DEBUG", "DIGEST")
    assert world.do("BGSAVE") == STARTED
    assert world.field("rdb_bgsave_in_progress") == "1"
    world.do("DEL", "list:99")
    world.do("RPUSH", "list:98", "4")
    world.do("SET", "string:99", "another value")
    world.do("SET", "new", "value")
    world.do("RENAME", "string:1", "string:2")
    world.do("SWAPDB", "0", "1")
    assert world.do("BGSAVE") == RUNNING
    assert world.do("SAVE") == RUNNING
    world.advance(1000)
    assert world.field("rdb_bgsave_in_progress") == "0"
    assert world.field("rdb_last_bgsave_status") == "ok"
    assert digest_of_file(world) == digest
    assert world.logged("Background saving terminated with success")


def test_changes_during_a_save_in_the_background_count_for_the_next_one(world: SavingWorld) -> None:
    world.do("SET", "a", "b")
    world.do("BGSAVE")
    world.do("SET", "a", "c")
    world.advance(1000)
    assert world.field("rdb_changes_since_last_save") == "1"


def test_flushall_ends_a_save_in_the_background(world: SavingWorld) -> None:
    world.do("SET", "a", "b")
    world.do("BGSAVE")
    world.do("FLUSHALL")
    assert world.field("rdb_bgsave_in_progress") == "0"
    assert world.files.content == {}


def test_with_save_points_flushall_saves_an_empty_dataset() -> None:
    world = SavingWorld(save="3600 1")
    world.do("SET", "a", "b")
    world.do("SAVE")
    world.do("FLUSHALL")
    other = world.another()
    other.persistence.load()
    assert other.do("DBSIZE") == 0
    assert world.field("rdb_changes_since_last_save") == "0"


def test_debug_reload_does_not_disturb_a_save_in_slices(world: SavingWorld) -> None:
    world.do("RPUSH", "l", "1")
    world.do("BGSAVE")
    world.do("RPUSH", "l", "2")
    digest = world.do("DEBUG", "DIGEST")
    assert world.do("DEBUG", "RELOAD") == OK
    assert world.do("DEBUG", "DIGEST") == digest
    world.advance(1000)
    assert world.field("rdb_last_bgsave_status") == "ok"
    assert sorted(world.files.content) == ["dump.rdb"]
    other = world.another()
    other.persistence.load()
    assert other.do("LRANGE", "l", 0, -1) == [b"1"]


def test_a_transaction_only_schedules_a_save(world: SavingWorld) -> None:
    world.do("MULTI")
    world.do("BGSAVE")
    assert world.do("EXEC") == [Simple(b"Background saving scheduled")]
    assert world.field("rdb_bgsave_in_progress") == "0"
    world.advance(1000)
    assert world.field("rdb_saves") == "1"


@pytest.mark.parametrize("operation", ["create", "write", "rename"])
def test_a_save_in_slices_that_fails_leaves_nothing(world: SavingWorld, operation: str) -> None:
    world.do("SET", "a", "b")
    world.files.fail(operation)
    world.do("BGSAVE")
    world.advance(1000)
    assert world.field("rdb_last_bgsave_status") == "err"
    assert world.files.content == {}
    assert world.engine.keyspace.snapshots == 0
    world.files.mend()
    assert world.do("BGSAVE") == STARTED
    world.advance(1000)
    assert world.field("rdb_last_bgsave_status") == "ok"


class Postponed(Aside):
    """Work of a slow disk: it is done when somebody waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._has_ended = False
        self._error = None

    def is_done(self) -> bool:
        return self._has_ended and super().is_done()

    def wait(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._do(self._work)


@pytest.fixture
def postponed(world: SavingWorld, monkeypatch: pytest.MonkeyPatch) -> list[Postponed]:
    """The work that the disk has yet to do."""
    works: list[Postponed] = []

    def postpone(work: Callable[[], None]) -> Aside:
        works.append(Postponed(work))
        return works[-1]

    monkeypatch.setattr(world.files, "aside", postpone)
    return works


def test_a_save_in_slices_does_not_wait_for_the_disk(world: SavingWorld, postponed: list[Postponed]) -> None:
    world.do("SET", "a", "b")
    world.do("BGSAVE")
    world.advance(1000)
    assert world.field("rdb_bgsave_in_progress") == "1"
    assert "dump.rdb" not in world.files.content
    world.do("SET", "a", "c")
    postponed[0].wait()
    world.advance(1000)
    assert world.field("rdb_last_bgsave_status") == "ok"
    assert digest_of_file(world) != world.do("DEBUG", "DIGEST")


def test_an_error_of_a_slow_disk_fails_the_save(world: SavingWorld, postponed: list[Postponed]) -> None:
    world.do("SET", "a", "b")
    world.do("BGSAVE")
    world.advance(1000)
    world.files.fail("rename")
    postponed[0].wait()
    world.advance(1000)
    assert world.field("rdb_last_bgsave_status") == "err"
    assert world.files.content == {}


def test_a_save_that_is_killed_while_it_waits_for_the_disk_leaves_no_litter(
    world: SavingWorld, postponed: list[Postponed]
) -> None:
    world.do("SET", "a", "b")
    world.do("BGSAVE")
    world.advance(1000)
    world.do("FLUSHALL")
    assert postponed[0].is_done()
    assert world.field("rdb_bgsave_in_progress") == "0"
    assert sorted(world.files.content) == ["dump.rdb"]


def test_with_much_memory_in_use_a_server_saves_in_slices(forking: SavingWorld) -> None:
    allocator = forking.engine.allocator
    forking.do("SET", "a", "b")
    block = allocator.alloc(MOST_FORKED)
    assert forking.do("BGSAVE") == STARTED
    assert forking.saving_host.children == []
    forking.advance(1000)
    assert forking.field("rdb_last_bgsave_status") == "ok"
    allocator.free(block)
    forking.do("BGSAVE")
    assert len(forking.saving_host.children) == 1


def test_a_rewrite_as_commands_forks_whatever_memory_is_in_use() -> None:
    world = SavingWorld(forks=True, appendonly="yes", aof_use_rdb_preamble="no").started()
    block = world.engine.allocator.alloc(MOST_FORKED)
    world.do("BGREWRITEAOF")
    assert len(world.saving_host.children) == 1
    world.saving_host.children[0].is_running = False
    world.tick()
    assert world.field("aof_last_bgrewrite_status") == "ok"
    world.engine.allocator.free(block)
    world.check()


# In the background, in a child.


def test_bgsave_saves_in_a_child(forking: SavingWorld) -> None:
    forking.do("SET", "a", "b")
    assert forking.do("BGSAVE") == STARTED
    assert forking.logged("Background saving started by pid 4712")
    assert forking.field("rdb_bgsave_in_progress") == "1"
    assert forking.field("current_save_keys_processed") == "3"
    assert forking.field("current_save_keys_total") == "1"
    assert forking.field("current_cow_size") == "4096"
    assert forking.field("current_cow_peak") == "8192"
    assert forking.field("current_cow_size_age") == "7"
    forking.do("SET", "a", "c")
    forking.advance(2000)
    assert forking.field("rdb_current_bgsave_time_sec") == "2"
    forking.saving_host.children[0].is_running = False
    forking.tick()
    assert forking.field("rdb_last_bgsave_status") == "ok"
    assert forking.field("rdb_last_bgsave_time_sec") == "2"
    assert forking.field("rdb_last_cow_size") == "4096"
    assert forking.field("rdb_changes_since_last_save") == "1"


@pytest.mark.parametrize(
    ("result", "line"), [(1, "Background saving error"), (-9, "Background saving terminated by signal 9")]
)
def test_a_child_that_fails_is_noticed(forking: SavingWorld, result: int, line: str) -> None:
    forking.do("BGSAVE")
    child = forking.saving_host.children[0]
    child.result = result
    child.is_running = False
    forking.tick()
    assert forking.field("rdb_last_bgsave_status") == "err"
    assert forking.logged(line)


def test_flushall_kills_the_child(forking: SavingWorld) -> None:
    forking.do("BGSAVE")
    forking.do("FLUSHALL")
    assert forking.saving_host.children[0].was_killed
    assert forking.field("rdb_bgsave_in_progress") == "0"
    assert forking.field("rdb_last_bgsave_status") == "ok"


def test_the_time_that_a_fork_takes_is_told(forking: SavingWorld) -> None:
    forking.do("CONFIG", "SET", "latency-monitor-threshold", "10")
    forking.saving_host.pass_time = lambda: forking.clock.advance_ms(20)
    forking.do("BGSAVE")
    assert forking.info("stats")["latest_fork_usec"] == "20000"
    assert forking.info("stats")["total_forks"] == "1"
    assert b"fork" in [event[0] for event in forking.do("LATENCY", "LATEST")]
    assert b"Fork rate is" in forking.raw("LATENCY", "DOCTOR")
    forking.do("CONFIG", "RESETSTAT")
    assert forking.info("stats")["total_forks"] == "0"


def test_a_fork_that_fails_is_an_error(forking: SavingWorld) -> None:
    forking.saving_host.refuses_to_fork = True
    assert forking.do("BGSAVE") == FAILED
    assert forking.logged("Can't save in background: Resource temporarily unavailable")
    assert forking.field("rdb_last_bgsave_status") == "err"


# Save points.


def test_a_save_point_saves_when_enough_has_changed_for_long_enough() -> None:
    world = SavingWorld(save="60 3")
    world.advance(100_000)
    world.do("SET", "a", "1")
    world.do("SET", "b", "1")
    world.advance(1000)
    assert world.field("rdb_saves") == "0"
    world.do("SET", "c", "1")
    world.advance(1000)
    assert world.field("rdb_saves") == "1"
    assert world.logged("3 changes in 60 seconds. Saving...")
    for key in "abc":
        world.do("SET", key, "2")
    world.advance(55_000)
    assert world.field("rdb_saves") == "1"
    world.advance(10_000)
    assert world.field("rdb_saves") == "2"


def test_after_a_failed_save_the_next_attempt_waits() -> None:
    world = SavingWorld(forks=True, save="1 1")
    world.do("SET", "a", "1")
    world.saving_host.refuses_to_fork = True
    world.advance(2500)
    failures = sum("Can't save" in line for _, line in world.saving_host.logged)
    assert failures == 1
    world.saving_host.refuses_to_fork = False
    world.advance(7000)
    assert len(world.saving_host.children) == 1


# Writes are refused after a failed save.


def failed_world(**settings: Any) -> SavingWorld:
    world = SavingWorld(forks=True, **{"save": "3600 1", **settings})
    world.do("SET", "a", "1")
    world.saving_host.refuses_to_fork = True
    world.do("BGSAVE")
    return world


def test_writes_and_ping_are_refused_after_a_failed_save() -> None:
    world = failed_world()
    assert world.do("SET", "a", "2") == Error(MISCONF)
    assert world.do("PING") == Error(MISCONF)
    assert world.do("GET", "a") == b"1"
    assert world.do("EVAL", "return redis.call('GET', 'a')", "0") == b"1"
    assert MISCONF in bytes(world.raw("EVAL", "return redis.call('SET', 'a', 3)", "0"))
    world.do("MULTI")
    assert world.do("SET", "a", "4") == Error(MISCONF)
    world.do("DISCARD")
    assert world.do("GET", "a") == b"1"


def test_writes_are_accepted_again_after_a_save_that_succeeds() -> None:
    world = failed_world()
    assert world.do("SAVE") == OK
    assert world.do("SET", "a", "2") == OK
    assert world.do("PING") == PONG


@pytest.mark.parametrize("setting", [("stop-writes-on-bgsave-error", "no"), ("save", "")])
def test_writes_are_accepted_if_nobody_relies_on_snapshots(setting: tuple[str, str]) -> None:
    world = failed_world()
    world.do("CONFIG", "SET", *setting)
    assert world.do("SET", "a", "2") == OK
    assert world.field("rdb_last_bgsave_status") == "err"


@pytest.mark.parametrize(
    ("version", "header"), [("7.2.6", b"REDIS0011"), ("7.4.1", b"REDIS0012"), ("8.2.3", b"REDIS0012")]
)
def test_a_file_has_the_version_of_the_profile(version: str, header: bytes) -> None:
    world = SavingWorld(redis_version=version)
    world.do("SET", "k", "v")
    assert world.do("SAVE") == OK
    assert world.files.content["dump.rdb"].startswith(header)
    assert b"redis-ver" + bytes((len(version),)) + version.encode() in world.files.content["dump.rdb"]
