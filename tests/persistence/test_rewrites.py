"""BGREWRITEAOF, rewrites that the size of the file asks for, and CONFIG SET appendonly."""

from __future__ import annotations

from errno import ENOSPC

import pytest

from tests.persistence.aof_worlds import DIRECTORY, MANIFEST, again, commands, digest, parts, recording
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK, Error, Simple

STARTED = Simple(b"Background append only file rewriting started")
SCHEDULED = Simple(b"Background append only file rewriting scheduled")
RUNNING = Error(b"ERR Background append only file rewriting already in progress")
FAILED = Error(b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information.")
CANNOT_SWITCH_ON = Error(
    b"ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs."
)
BACKGROUND = pytest.mark.parametrize("forks", [False, True], ids=["slices", "fork"])


def rewritten(world: SavingWorld) -> None:
    """Rewrite the file to the end."""
    assert world.do("BGREWRITEAOF") == STARTED
    finish(world)


def finish(world: SavingWorld) -> None:
    """Let what goes on in the background end."""
    for child in world.saving_host.children:
        child.is_running = False
    world.advance(1000)


@BACKGROUND
def test_a_rewrite_replaces_the_history_by_a_base(forks: bool) -> None:
    world = recording(forks=forks)
    for number in range(100):
        world.do("SET", "a", str(number))
    rewritten(world)
    assert parts(world) == ["2.base.rdb", "2.incr.aof"]
    assert world.field("aof_rewrites") == "1"
    assert world.field("aof_last_bgrewrite_status") == "ok"
    assert world.field("aof_current_size") == world.field("aof_base_size")
    assert digest(again(world)) == digest(world)
    world.check()


@BACKGROUND
@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_what_is_written_meanwhile_is_not_lost(forks: bool, preamble: str) -> None:
    world = recording(forks=forks, aof_use_rdb_preamble=preamble)
    world.do("SELECT", "2")
    for number in range(200):
        world.do("SET", f"string:{number}", "old", *(("EX", "1000") if number % 2 else ()))
        world.do("RPUSH", f"list:{number}", "1", "2")
    assert world.do("BGREWRITEAOF") == STARTED
    assert world.field("aof_rewrite_in_progress") == "1"
    world.do("SET", "string:199", "new")
    world.do("RPUSH", "list:199", "3")
    world.do("DEL", "list:198")
    assert digest(again(world)) == digest(world)  # the old base is still there
    finish(world)
    assert parts(world)[0] == ("2.base.rdb" if preamble == "yes" else "2.base.aof")
    assert digest(again(world)) == digest(world)
    world.check()


def test_only_one_thing_goes_on_in_the_background() -> None:
    world = recording()
    assert world.do("BGREWRITEAOF") == STARTED
    assert world.do("BGREWRITEAOF") == RUNNING
    reply = world.do("BGSAVE")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"ERR Another child process is active (AOF?): can't BGSAVE right now.")
    assert world.do("BGSAVE", "SCHEDULE") == Simple(b"Background saving scheduled")
    world.advance(1000)
    assert world.field("rdb_saves") == "1"
    world.do("BGSAVE")
    assert world.do("BGREWRITEAOF") == SCHEDULED
    assert world.field("aof_rewrite_scheduled") == "1"
    world.advance(1000)
    assert world.field("aof_rewrites") == "2"


def test_in_a_transaction_a_rewrite_is_scheduled() -> None:
    world = recording()
    world.do("MULTI")
    world.do("BGREWRITEAOF")
    assert world.do("EXEC") == [SCHEDULED]
    world.advance(1000)
    assert world.field("aof_rewrites") == "1"


def test_without_an_append_only_file_a_rewrite_makes_a_base() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    rewritten(world)
    assert parts(world) == ["1.base.rdb"]
    assert digest(again(world)) == digest(world)


# Failures.


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_directory"])
@pytest.mark.parametrize("after", range(4))
def test_a_rewrite_that_fails_leaves_what_can_be_loaded_and_no_litter(operation: str, after: int) -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.fail(operation, ENOSPC, "No space left on device", after)
    world.do("BGREWRITEAOF")
    world.advance(1000)
    world.files.mend()
    world.advance(2000)
    world.do("SET", "b", "2")
    assert not [path for path in world.files.content if "temp-rewrite" in path]
    assert digest(again(world)) == digest(world)
    rewritten(again(world))


def test_a_rewrite_that_cannot_begin_is_an_error() -> None:
    world = recording()
    world.files.fail("create", ENOSPC, "No space left on device")
    assert world.do("BGREWRITEAOF") == FAILED
    assert world.field("aof_last_bgrewrite_status") == "err"
    assert world.field("aof_rewrites_consecutive_failures") == "1"


def test_a_process_that_cannot_be_forked_is_a_failure_without_a_loss() -> None:
    world = recording(forks=True)
    world.do("SET", "a", "1")
    world.saving_host.refuses_to_fork = True
    assert world.do("BGREWRITEAOF") == FAILED
    world.do("SET", "b", "2")
    assert digest(again(world)) == digest(world)


def test_after_three_failures_rewrites_wait_longer_and_longer() -> None:
    world = recording(auto_aof_rewrite_min_size="1", auto_aof_rewrite_percentage="1")
    world.files.fail("create", ENOSPC)
    world.do("SET", "a", "x" * 100)
    world.advance(1000)
    assert world.field("aof_rewrites_consecutive_failures") == "3"
    world.advance(58_000)
    assert world.field("aof_rewrites_consecutive_failures") == "3"
    world.advance(3000)
    assert world.field("aof_rewrites_consecutive_failures") == "4"
    world.advance(115_000)
    assert world.field("aof_rewrites_consecutive_failures") == "4"
    world.files.mend()
    world.advance(8000)
    assert world.field("aof_rewrites_consecutive_failures") == "0"
    assert world.field("aof_rewrites") == "1"


# Growth.


def test_the_file_is_rewritten_when_it_has_doubled() -> None:
    world = recording(auto_aof_rewrite_min_size="2000")
    world.do("SET", "a", "x" * 1500)
    world.advance(1000)
    assert world.field("aof_rewrites") == "0"
    world.do("SET", "a", "x" * 1500)
    world.advance(1000)
    assert world.field("aof_rewrites") == "1"
    assert world.logged("Starting automatic rewriting of AOF on")
    assert world.field("aof_base_size") == world.field("aof_current_size")


def test_a_percentage_of_zero_rewrites_nothing() -> None:
    world = recording(auto_aof_rewrite_min_size="0", auto_aof_rewrite_percentage="0")
    world.do("SET", "a", "x" * 1500)
    world.advance(1000)
    assert world.field("aof_rewrites") == "0"


def test_the_parts_of_the_past_are_kept_if_the_settings_say_so() -> None:
    world = recording(aof_disable_auto_gc="yes")
    rewritten(world)
    assert parts(world) == ["1.base.rdb", "1.incr.aof", "2.base.rdb", "2.incr.aof"]
    assert b"type h" in world.files.content[MANIFEST]
    world.do("CONFIG", "SET", "aof-disable-auto-gc", "no")
    assert parts(world) == ["2.base.rdb", "2.incr.aof"]
    assert b"type h" not in world.files.content[MANIFEST]


def test_parts_of_the_past_that_cannot_be_deleted_do_no_harm() -> None:
    world = recording(aof_disable_auto_gc="yes")
    rewritten(world)
    world.files.fail("create", ENOSPC, "No space left on device")
    assert world.do("CONFIG", "SET", "aof-disable-auto-gc", "no") == OK
    assert world.logged("Can't delete old parts of the append-only file: No space left on device")
    world.files.mend()
    world.do("SET", "a", "1")
    assert digest(again(world)) == digest(world)


# CONFIG SET appendonly.


@BACKGROUND
def test_switching_on_begins_with_a_rewrite(forks: bool) -> None:
    world = SavingWorld(forks=forks).started()
    world.do("SET", "a", "1")
    assert world.do("CONFIG", "SET", "appendonly", "yes") == OK
    assert world.field("aof_enabled") == "1"
    world.do("SET", "b", "2")
    assert parts(world)[-1:] != ["1.base.rdb"]
    finish(world)
    world.do("SET", "c", "3")
    assert parts(world) == ["1.base.rdb", "1.incr.aof"]
    assert digest(again(world)) == digest(world)
    world.check()


def test_switching_on_waits_for_a_save() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    world.do("BGSAVE")
    assert world.do("CONFIG", "SET", "appendonly", "yes") == OK
    assert world.field("aof_rewrite_scheduled") == "1"
    world.advance(1000)
    assert digest(again(world)) == digest(world)


def test_switching_on_fails_if_no_rewrite_can_begin() -> None:
    world = SavingWorld().started()
    world.files.fail("create", ENOSPC)
    assert world.do("CONFIG", "SET", "appendonly", "yes") == CANNOT_SWITCH_ON
    assert world.do("CONFIG", "GET", "appendonly") == [b"appendonly", b"no"]
    assert world.field("aof_enabled") == "0"
    world.files.mend()
    assert world.do("CONFIG", "SET", "appendonly", "yes") == OK


def test_switching_on_is_tried_again_after_a_failed_rewrite() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    world.do("CONFIG", "SET", "appendonly", "yes")
    world.files.fail("sync", ENOSPC)
    world.advance(200)
    world.do("SET", "b", "2")
    world.files.mend()
    world.advance(1000)
    assert digest(again(world)) == digest(world)


def test_switching_off_leaves_a_whole_file_behind() -> None:
    world = recording()
    world.do("SET", "a", "1")
    before = digest(world)
    assert world.do("CONFIG", "SET", "appendonly", "no") == OK
    world.do("SET", "b", "2")
    assert world.field("aof_enabled") == "0"
    assert "aof_current_size" not in world.info("persistence")
    assert digest(again(world)) == before
    world.check()


def test_switching_off_during_the_first_rewrite_leaves_nothing_behind() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    world.do("CONFIG", "SET", "appendonly", "yes")
    world.do("CONFIG", "SET", "appendonly", "no")
    world.advance(1000)
    assert world.files.content == {}


def test_switching_on_again_goes_on_with_new_numbers() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.do("CONFIG", "SET", "appendonly", "no")
    world.do("SET", "b", "2")
    world.do("CONFIG", "SET", "appendonly", "yes")
    world.advance(1000)
    assert parts(world) == ["2.base.rdb", "2.incr.aof"]
    world.do("SET", "c", "3")
    assert commands(world, f"{DIRECTORY}/appendonly.aof.2.incr.aof")[-2:] == [b"c", b"3"]
    assert digest(again(world)) == digest(world)


# The end of the server.


def test_the_server_does_not_end_before_its_first_base_is_there() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    world.do("CONFIG", "SET", "appendonly", "yes")
    assert world.do("SHUTDOWN", "NOSAVE") == Error(b"ERR Errors trying to SHUTDOWN. Check logs.")
    assert world.logged("Writing initial AOF, can't exit.")
    world.advance(1000)
    world.do("SHUTDOWN", "NOSAVE")
    assert world.host.shut == 1


def test_the_end_of_the_server_ends_a_rewrite() -> None:
    world = recording()
    world.do("SET", "a", "1")
    before = digest(world)
    world.do("BGREWRITEAOF")
    world.do("SHUTDOWN", "NOSAVE")
    assert world.host.shut == 1
    assert digest(again(world)) == before
    assert not [path for path in world.files.content if "temp" in path]
