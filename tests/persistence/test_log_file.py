"""When the append-only file is written and forced to the disk, and what happens when the disk is slow or fails."""

from __future__ import annotations

from errno import EIO, ENOSPC

import pytest

from tests.persistence.aof_worlds import INCREMENT, again, commands, digest, recording
from tests.persistence.worlds import SavingWorld
from tests.support.replies import NO_REPLY, OK, PONG, Error

FULL = Error(b"MISCONF Errors writing to the AOF file: No space left on device")
BROKEN = Error(b"MISCONF Errors writing to the AOF file: Input/output error")
SWITCHED_OFF = Error(b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")


def syncs(world: SavingWorld) -> int:
    """How often the incremental file was forced to the disk."""
    return sum(operation == "sync" and path == INCREMENT for operation, path, _ in world.files.operations)


# always


def test_always_forces_the_file_to_the_disk_before_the_reply() -> None:
    world = recording(appendfsync="always")
    client = world.client()
    client.receive(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n" * 3)
    assert syncs(world) == 1
    assert client.take_output() == b"+OK\r\n" * 3
    world.do("GET", "a")
    assert syncs(world) == 1


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_with_always_the_server_ends_when_the_disk_fails(operation: str) -> None:
    world = recording(appendfsync="always")
    world.files.fail(operation, EIO)
    world.do("SET", "a", "1")
    assert world.saving_host.aborts == 1
    assert world.logged("Exiting...")


# everysec


def test_everysec_forces_the_file_to_the_disk_once_a_second() -> None:
    world = recording()
    world.do("SET", "a", "1")
    assert syncs(world) == 0
    world.advance(1100)
    assert syncs(world) == 1
    world.advance(5000)
    assert syncs(world) == 1  # nothing was written
    for _ in range(20):
        world.do("INCR", "a")
        world.advance(100)
    assert syncs(world) in {3, 4}


def test_while_the_disk_is_busy_writing_waits_for_up_to_two_seconds() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.is_slow = True
    world.advance(1100)
    assert world.field("aof_pending_bio_fsync") == "1"
    assert world.do("SET", "b", "2") == OK
    world.advance(1000)
    assert b"b" not in commands(world)
    assert int(world.field("aof_buffer_length")) > 0
    world.advance(1100)
    assert b"b" in commands(world)
    assert world.field("aof_delayed_fsync") == "1"
    assert world.logged("Asynchronous AOF fsync is taking too long")


def test_a_write_that_was_put_off_follows_when_the_disk_is_ready() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.is_slow = True
    world.advance(1100)
    world.do("SET", "b", "2")
    world.files.is_slow = False
    world.advance(100)
    assert b"b" in commands(world)
    assert world.field("aof_delayed_fsync") == "0"


def test_writing_does_not_wait_for_the_file_of_the_time_before_a_rewrite() -> None:
    """A process that is killed would lose what it has acknowledged meanwhile."""
    world = recording()
    world.do("SET", "a", "1")
    world.files.is_slow = True
    world.do("BGREWRITEAOF")
    world.do("SET", "b", "2")
    assert world.field("aof_pending_bio_fsync") == "0"
    assert world.field("aof_buffer_length") == "0"
    assert digest(again(world)) == digest(world)


def test_an_error_of_the_disk_aside_refuses_writes_until_it_is_over() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.fail("sync", EIO)
    world.advance(2200)
    assert world.do("SET", "a", "2") == BROKEN
    assert world.field("aof_last_write_status") == "err"
    world.files.mend()
    world.advance(3000)
    assert world.do("SET", "a", "2") == OK


def test_no_leaves_it_to_the_system() -> None:
    world = recording(appendfsync="no")
    world.do("SET", "a", "1")
    world.advance(5000)
    assert syncs(world) == 0
    assert commands(world)[-1] == b"1"


def test_while_the_file_is_rewritten_the_disk_may_be_left_alone() -> None:
    world = recording(appendfsync="always", no_appendfsync_on_rewrite="yes")
    world.do("BGSAVE")
    world.do("SET", "a", "1")
    assert syncs(world) == 0
    world.advance(1000)
    assert syncs(world) == 1


# Errors.


def test_a_full_disk_refuses_writes_and_nothing_is_lost() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.fail("write", ENOSPC, "No space left on device")
    assert world.do("SET", "b", "2") == OK  # Redis replies too: it knows of the error only now
    assert world.do("SET", "c", "3") == FULL
    assert world.do("PING") == FULL
    assert world.do("EVAL", "return redis.pcall('set', 'c', 3)['err']", 0) == FULL.text
    assert world.do("GET", "b") == b"2"
    assert world.field("aof_last_write_status") == "err"
    world.files.mend()
    world.advance(1200)
    assert world.do("PING") == PONG
    assert world.do("SET", "c", "3") == OK
    assert world.logged("AOF write error looks solved")
    assert digest(again(world)) == digest(world)


@pytest.mark.parametrize("cannot_truncate", [False, True])
def test_half_a_command_does_not_stay_in_the_file(cannot_truncate: bool) -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.files.writes_half = True
    world.files.fail("write", ENOSPC, "No space left on device")
    if cannot_truncate:
        world.files.fail("truncate", EIO)
    world.do("SET", "b", "2")
    world.files.mend()
    world.advance(1200)
    assert world.do("SET", "c", "3") == OK
    other = again(world, aof_load_truncated="no")
    assert digest(other) == digest(world)


def test_an_error_is_tried_again_once_a_second() -> None:
    world = recording()
    world.files.fail("write", ENOSPC, "No space left on device")
    world.do("SET", "a", "1")
    world.files.operations.clear()
    world.advance(5000)
    tries = [operation for operation, _, _ in world.files.operations if operation == "truncate"]
    assert 4 <= len(tries) <= 6


# WAITAOF.


def test_waitaof_waits_for_the_disk() -> None:
    world = recording()
    world.do("SET", "a", "1")
    assert world.do("WAITAOF", 1, 0, 0) == NO_REPLY
    world.advance(1200)
    assert world.replies() == [[1, 0]]
    assert world.do("WAITAOF", 1, 0, 0) == [1, 0]


def test_waitaof_does_not_wait_for_the_writes_of_others() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.advance(1200)
    world.client().do("SET", "b", "1")
    assert world.do("WAITAOF", 1, 0, 0) == [1, 0]


def test_with_always_waitaof_need_not_wait() -> None:
    world = recording(appendfsync="always")
    client = world.client()
    assert client.pipeline(("SET", "a", "1"), ("WAITAOF", 1, 0, 0)) == [OK, [1, 0]]
    assert world.do("WAITAOF", 1, 0, 0) == [1, 0]


def test_waitaof_tells_at_its_timeout_what_was_reached() -> None:
    world = recording()
    world.do("SET", "a", "1")
    assert world.do("WAITAOF", 1, 0, 100) == NO_REPLY
    world.advance(200)
    assert world.replies() == [[0, 0]]
    assert world.do("WAITAOF", 1, 1, 2000) == NO_REPLY  # there are no replicas
    world.advance(3000)
    assert world.replies() == [[1, 0]]


def test_waitaof_in_a_transaction_tells_of_what_was_written_before() -> None:
    world = recording()
    world.do("MULTI")
    world.do("SET", "a", "1")
    world.do("WAITAOF", 1, 0, 0)
    assert world.do("EXEC") == [OK, [1, 0]]


def test_waitaof_is_an_error_without_an_append_only_file() -> None:
    world = SavingWorld().started()
    assert world.do("WAITAOF", 1, 0, 0) == SWITCHED_OFF
    assert world.do("WAITAOF", 0, 0, 0) == [0, 0]


def test_who_waits_when_the_file_is_switched_off_gets_an_error() -> None:
    world = recording()
    world.do("SET", "a", "1")
    world.do("WAITAOF", 1, 0, 0)
    world.client().do("CONFIG", "SET", "appendonly", "no")
    assert world.replies() == [SWITCHED_OFF]


# The latency monitor.


def test_slow_writes_are_latency_events() -> None:
    world = recording(appendfsync="always", latency_monitor_threshold="1")
    world.files.passes_time = lambda: world.clock.advance_us(3000)
    world.do("SET", "a", "1")
    events = world.do("LATENCY", "LATEST")
    assert isinstance(events, list)
    assert {event[0] for event in events if isinstance(event, list)} >= {b"aof-write", b"aof-write-alone"}
