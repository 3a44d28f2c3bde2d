"""The stream of recorded commands: units, databases, recipients. In tests/differential: what each command records."""

from __future__ import annotations

import pytest

from pyredmem.base.errors import CommandError
from pyredmem.engine.command_stream import CommandStream
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from tests.support.replies import Error
from tests.support.world import World


@pytest.fixture
def stream(world: World) -> CommandStream:
    """A stream that records the changes of the test's world."""
    made = CommandStream()
    world.engine.record(made)
    return made


def taken(stream: CommandStream) -> list[str]:
    """The commands since the last call, as text."""
    return [b" ".join(command).decode() for command in stream.take()]


def test_a_write_is_recorded_after_the_select_of_its_database(world: World, stream: CommandStream) -> None:
    world.do("SET", "k", "v")
    assert taken(stream) == ["SELECT 0", "SET k v"]


def test_select_is_recorded_only_when_the_database_changes(world: World, stream: CommandStream) -> None:
    world.do("SET", "a", 1)
    world.do("SET", "b", 2)
    world.do("SELECT", 3)
    world.do("GET", "a")
    world.do("SET", "c", 3)
    assert taken(stream) == ["SELECT 0", "SET a 1", "SET b 2", "SELECT 3", "SET c 3"]


def test_a_command_without_effect_is_not_recorded(world: World, stream: CommandStream) -> None:
    for words in (("GET", "k"), ("DEL", "k"), ("SET", "k", "v", "XX"), ("INCR",), ("NOSUCH",)):
        world.do(*words)
    assert taken(stream) == []


def test_the_writes_of_exec_are_one_transaction(world: World, stream: CommandStream) -> None:
    for words in (("MULTI",), ("SET", "a", 1), ("GET", "a"), ("INCR", "a"), ("EXEC",)):
        world.do(*words)
    assert taken(stream) == ["MULTI", "SELECT 0", "SET a 1", "INCR a", "EXEC"]


def test_the_only_write_of_exec_is_recorded_alone(world: World, stream: CommandStream) -> None:
    for words in (("MULTI",), ("GET", "a"), ("SET", "a", 1), ("EXEC",)):
        world.do(*words)
    assert taken(stream) == ["SELECT 0", "SET a 1"]


def test_the_command_of_a_blocked_client_is_recorded_after_the_command_that_served_it(
    world: World, stream: CommandStream
) -> None:
    other = world.client()
    other.do("BLPOP", "k", 0)
    world.do("RPUSH", "k", "a", "b")
    assert taken(stream) == ["SELECT 0", "RPUSH k a b", "LPOP k"]


def test_a_key_that_expires_during_a_command_is_deleted_in_the_same_transaction(
    world: World, stream: CommandStream
) -> None:
    world.do("SET", "k", "v", "PX", 5)
    stream.take()
    world.clock.advance_ms(10)
    world.do("INCR", "k")
    assert taken(stream) == ["MULTI", "DEL k", "INCR k", "EXEC"]


def test_a_key_that_expires_between_commands_is_deleted_without_a_transaction(
    world: World, stream: CommandStream
) -> None:
    for key in ("a", "b"):
        world.do("SET", key, "v", "PX", 5)
    stream.take()
    world.advance(200)
    assert sorted(taken(stream)) == ["DEL a", "DEL b"]


def test_a_stream_that_begins_later_selects_its_database_itself(world: World, stream: CommandStream) -> None:
    world.do("SET", "a", 1)
    later = CommandStream()
    world.engine.record(later)
    world.do("SET", "b", 2)
    assert taken(stream) == ["SELECT 0", "SET a 1", "SET b 2"]
    assert taken(later) == ["SELECT 0", "SET b 2"]


def test_a_stream_that_was_stopped_gets_nothing_and_the_others_go_on(world: World, stream: CommandStream) -> None:
    other = CommandStream()
    world.engine.record(other)
    world.engine.stop_recording(stream)
    world.do("SET", "a", 1)
    assert taken(stream) == []
    assert taken(other) == ["SELECT 0", "SET a 1"]


def test_no_gate_is_left_when_the_last_stream_was_stopped(world: World, stream: CommandStream) -> None:
    assert world.engine.core.gates.bits
    world.engine.stop_recording(stream)
    assert not world.engine.core.gates.bits


def test_commands_recorded_in_place_of_another_do_not_replace_exec(world: World, stream: CommandStream) -> None:
    for words in (("MULTI",), ("SETEX", "a", 100, "v"), ("SET", "b", "v"), ("GETDEL", "a"), ("EXEC",)):
        world.do(*words)
    when = (world.clock.now_us() // 1000) + 100_000
    assert taken(stream) == ["MULTI", "SELECT 0", f"SET a v PXAT {when}", "SET b v", "DEL a", "EXEC"]


def test_a_handler_that_fails_after_a_change_does_not_disturb_the_next_unit(
    world: World, stream: CommandStream
) -> None:
    def handler(context: Context, argv: list[bytes]) -> None:
        context.db.store_string(argv[1], b"half")
        context.changed(argv[1], events.STRING, b"set")
        raise CommandError(b"ERR broken")

    world.handle("append", handler)
    assert world.do("APPEND", "k", "v") == Error(b"ERR broken")
    world.do("SET", "k", "v")
    assert taken(stream) == ["SELECT 0", "APPEND k v", "SET k v"]


@pytest.mark.parametrize("setting", ["no", "yes"])
def test_the_lazy_free_setting_decides_between_del_and_unlink(
    world: World, stream: CommandStream, setting: str
) -> None:
    word = {"no": "DEL", "yes": "UNLINK"}[setting]
    world.do("CONFIG", "SET", "lazyfree-lazy-expire", setting)
    world.do("SET", "k", "v")
    stream.take()
    world.do("EXPIRE", "k", -1)
    assert taken(stream) == [f"{word} k"]


def test_spop_records_at_most_1024_members_per_command(world: World, stream: CommandStream) -> None:
    world.do("SADD", "k", *range(3000))
    stream.take()
    world.do("SPOP", "k", 2500)
    commands = stream.take()
    assert [len(command) - 2 for command in commands[1:-1]] == [1024, 1024, 452]
    assert [commands[0], commands[-1]] == [[b"MULTI"], [b"EXEC"]]
