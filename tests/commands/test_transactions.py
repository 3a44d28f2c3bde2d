"""MULTI, EXEC, DISCARD, WATCH, UNWATCH."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.differential.harness import Pair, step
from tests.support.replies import NULL_ARRAY, OK, QUEUED, Error, is_error, wrong_arity
from tests.support.servers import Server
from tests.support.world import World

ABORTED = Error(b"EXECABORT Transaction discarded because of previous errors.")


def expire_time(world: World, key: bytes, in_ms: int) -> None:
    """Give a key a time to live without a command."""
    keyspace = world.engine.keyspace
    keyspace.databases[0].expire_at(key, int(keyspace.now_ms()) + in_ms)


def test_commands_wait_for_exec(world: World) -> None:
    assert world.do("MULTI") == OK
    assert world.do("SET", "k", "v") == QUEUED
    assert world.do("GET", "k") == QUEUED
    assert world.client().do("GET", "k") is None
    assert world.do("EXEC") == [OK, b"v"]
    assert world.do("GET", "k") == b"v"


def test_an_empty_transaction_has_an_empty_reply(world: World) -> None:
    world.do("MULTI")
    assert world.do("EXEC") == []


def test_discard_runs_nothing(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    assert world.do("DISCARD") == OK
    assert world.do("GET", "k") is None


def test_errors_without_multi(world: World) -> None:
    assert world.do("EXEC") == Error(b"ERR EXEC without MULTI")
    assert world.do("DISCARD") == Error(b"ERR DISCARD without MULTI")


def test_nested_multi_is_an_error_that_does_not_abort(world: World) -> None:
    world.do("MULTI")
    assert world.do("MULTI") == Error(b"ERR MULTI calls can not be nested")
    assert world.do("EXEC") == []


def test_watch_inside_multi_is_an_error_that_does_not_abort(world: World) -> None:
    world.do("MULTI")
    assert world.do("WATCH", "k") == Error(b"ERR WATCH inside MULTI is not allowed")
    assert world.do("EXEC") == []


@pytest.mark.parametrize("bad", ["NOSUCH x", "GET", "CONFIG", "CONFIG NOSUCH", "MULTI x", "WATCH", "DISCARD x"])
def test_a_command_that_cannot_be_queued_aborts_the_transaction(world: World, bad: str) -> None:
    world.do("MULTI")
    assert is_error(world.do(*bad.split()), b"ERR")
    world.do("SET", "k", "v")
    assert world.do("EXEC") == ABORTED
    assert world.do("GET", "k") is None
    assert world.do("EXEC") == Error(b"ERR EXEC without MULTI")


def test_an_exec_that_is_refused_itself_ends_the_transaction(world: World) -> None:
    world.do("MULTI")
    reply = Error(b"EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command")
    assert world.do("EXEC", "x") == reply
    assert world.do("EXEC") == Error(b"ERR EXEC without MULTI")
    assert world.engine.stats.errors[b"EXECABORT"] == 1


def test_a_command_not_allowed_in_a_transaction_aborts_it(world: World) -> None:
    world.do("MULTI")
    if b"shutdown" in world.engine.commands.commands:
        assert world.do("SHUTDOWN") == Error(b"ERR Command not allowed inside a transaction")
        assert world.do("EXEC") == ABORTED


def test_an_error_inside_does_not_stop_the_rest(world: World) -> None:
    world.do("SET", "k", "v")
    world.do("MULTI")
    world.do("EXEC".lower(), "x")
    world.do("MULTI")
    world.do("PING", "1", "2")
    world.do("SET", "k", "w")
    assert world.do("EXEC") == [wrong_arity("ping"), OK]
    assert world.do("GET", "k") == b"w"


def test_a_changed_watched_key_makes_exec_run_nothing(world: World) -> None:
    assert world.do("WATCH", "k", "other") == OK
    world.client().do("SET", "k", "1")
    world.do("MULTI")
    world.do("SET", "k", "2")
    assert world.do("EXEC") == NULL_ARRAY
    assert world.do("GET", "k") == b"1"


def test_under_resp3_the_reply_to_an_exec_that_runs_nothing_is_null(world: World) -> None:
    world.set_protocol(3)
    world.do("WATCH", "k")
    world.client().do("SET", "k", "1")
    world.do("MULTI")
    assert world.do("EXEC") is None


def test_a_change_by_the_watching_client_itself_counts_as_well(world: World) -> None:
    world.do("WATCH", "k")
    world.do("SET", "k", "1")
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY


def test_a_key_of_another_database_is_another_key(world: World) -> None:
    world.do("WATCH", "k")
    other = world.client()
    other.session.db = world.engine.keyspace.databases[1]
    other.do("SET", "k", "1")
    world.do("MULTI")
    assert world.do("EXEC") == []


@pytest.mark.parametrize("ending", ["UNWATCH", "MULTI DISCARD", "MULTI EXEC"])
def test_what_ends_a_watch(world: World, ending: str) -> None:
    world.do("WATCH", "k")
    world.do("SET", "k", "1")
    for command in ending.split():
        world.do(command)
    world.do("MULTI")
    assert world.do("EXEC") == []
    assert world.engine.keyspace.changes.watching == 0


def test_unwatch_is_queued_like_any_other(world: World) -> None:
    world.do("MULTI")
    assert world.do("UNWATCH") == QUEUED
    assert world.do("EXEC") == [OK]


def test_an_aborted_transaction_says_so_even_if_a_watched_key_changed(world: World) -> None:
    world.do("WATCH", "k")
    world.do("SET", "k", "1")
    world.do("MULTI")
    world.do("NOSUCH")
    assert world.do("EXEC") == ABORTED


def test_a_watched_key_that_expires_makes_exec_run_nothing(world: World) -> None:
    world.do("SET", "k", "v")
    expire_time(world, b"k", 10)
    world.do("WATCH", "k")
    world.clock.advance_ms(11)
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY


def test_a_key_that_has_expired_when_it_is_watched_counts_as_missing(world: World) -> None:
    world.do("SET", "k", "v")
    expire_time(world, b"k", 10)
    world.clock.advance_ms(11)
    world.do("WATCH", "k")
    assert world.client().do("GET", "k") is None
    world.do("MULTI")
    assert world.do("EXEC") == []


def test_a_key_that_had_expired_when_it_was_watched_counts_as_changed_when_it_is_set(world: World) -> None:
    world.do("SET", "k", "v")
    expire_time(world, b"k", 10)
    world.clock.advance_ms(11)
    world.do("WATCH", "k")
    world.do("SET", "k", "w")
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY


def test_time_stands_still_while_exec_runs(world: World) -> None:
    seen: list[int] = []
    world.clock.advance_ms(5)
    world.do("MULTI")
    world.do("GET", "k")
    world.do("GET", "k")

    def slow(context: object, argv: list[bytes]) -> None:
        seen.append(int(world.engine.keyspace.now_us))
        world.clock.advance_ms(7)
        world.session.reply.null()

    world.handle("get", slow)
    world.do("EXEC")
    assert seen == [world.clock.now_us() - 14_000] * 2
    assert world.engine.keyspace.now_us == world.clock.now_us()


def test_each_command_inside_a_transaction_is_counted(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    world.do("SET", "k", "v")
    world.do("EXEC")
    assert [int(world.counters(name).calls()) for name in ("multi", "set", "exec")] == [1, 2, 1]


def test_above_the_memory_limit_commands_are_not_queued_and_exec_is_refused(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    world.engine.settings.set_many([("maxmemory", "1")])
    expected = Error(
        b"EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."
    )
    assert world.do("EXEC") == expected
    world.do("MULTI")
    assert is_error(world.do("GET", "k"), b"OOM ")
    assert world.do("EXEC") == ABORTED


def test_a_disconnected_client_watches_nothing(world: World) -> None:
    other = world.client()
    other.do("WATCH", "k")
    other.do("MULTI")
    other.leave()
    assert world.engine.keyspace.changes.watching == 0


CONVERSATIONS = {
    "errors": ["EXEC", "DISCARD", "EXEC x", "MULTI", "EXEC x", "EXEC", "MULTI", "MULTI", "WATCH a", "SET a 1", "EXEC"],
    "queueing errors": ["MULTI", "SET a", "SET a 1", "EXEC", "GET a", "MULTI", "NOSUCH a", "DISCARD", "GET a"],
    "own change": ["WATCH a b", "SET a 1", "MULTI", "GET a", "EXEC", "MULTI", "GET a", "EXEC"],
    "failing inside": ["MULTI", "SET a x", "PING 1 2", "GET a", "EXEC", "UNWATCH", "UNWATCH x", "WATCH"],
}


@pytest.mark.needs_redis
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_real_server_gives_the_same_replies(real: Server, ours: Server, name: str, protocol: int) -> None:
    with closing(Pair(real, ours)) as pair:
        pair.check([step(*line.split()) for line in CONVERSATIONS[name]], protocol)
