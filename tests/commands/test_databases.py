"""DBSIZE, FLUSHDB, FLUSHALL, SWAPDB."""

from __future__ import annotations

import pytest

from pyredmem.keyspace.changes import Watcher
from tests.support.journal import Journal
from tests.support.keys import used
from tests.support.replies import OK, SYNTAX_ERROR, Error, Reply
from tests.support.world import World


def in_database(world: World, database: int, *words: str) -> Reply:
    """Run a command in a database by another client."""
    client = world.client()
    client.session.db = world.engine.keyspace.databases[database]
    reply = client.do(*words)
    client.leave()
    return reply


def watch(world: World, database: int, key: bytes) -> Watcher:
    watcher = Watcher()
    world.engine.keyspace.changes.watch(watcher, database, key)
    return watcher


def test_dbsize_counts_the_keys_of_its_database(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2")
    in_database(world, 1, "SET", "c", "3")
    assert world.do("DBSIZE") == 2


def test_flushdb_empties_its_database_only(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2")
    in_database(world, 1, "SET", "c", "3")
    assert world.do("FLUSHDB") == OK
    assert world.do("DBSIZE") == 0
    assert in_database(world, 1, "DBSIZE") == 1


def test_flushall_empties_all(world: World) -> None:
    world.do("SET", "a", "1")
    in_database(world, 1, "SET", "c", "3")
    assert world.do("FLUSHALL") == OK
    assert world.engine.keyspace.size() == 0


@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
@pytest.mark.parametrize("mode", [(), ("SYNC",), ("async",)])
def test_flushing_frees_all_memory(world: World, command: str, mode: tuple[str, ...]) -> None:
    world.do(command, *mode)
    before = used(world)
    world.do("SET", "warm", "v")
    warm = used(world) - before
    world.do("DEL", "warm")
    keyspace = world.engine.keyspace
    for number in range(100):
        keyspace.databases[0].add(b"key:%d" % number, keyspace.strings.create(b"x" * 100))
        keyspace.databases[0].expire_at(b"key:%d" % number, 1 << 50)
    world.do(command, *mode)
    world.engine.lazyfree_task.drain()
    histograms = len(world.engine.statistics.addresses()) // 2
    assert warm > 0
    assert used(world) - before == (histograms - 1) * 24688  # those of SET and DEL; the table has been freed as well


@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
@pytest.mark.parametrize("words", [("x",), ("ASYNC", "SYNC"), ("SYNC", "x"), ("a", "b", "c")])
def test_a_flush_takes_at_most_one_word(world: World, command: str, words: tuple[str, ...]) -> None:
    world.do("SET", "a", "1")
    assert world.do(command, *words) == SYNTAX_ERROR
    assert world.do("DBSIZE") == 1


def test_only_a_flush_in_the_foreground_purges_the_allocator(world: World) -> None:
    def dirty_after(*words: str) -> int:
        for number in range(300):
            world.do("SET", f"key:{number}", "x" * 1000)
        world.do(*words)
        world.engine.lazyfree_task.drain()
        return int(world.engine.allocator.dirty())

    assert dirty_after("FLUSHALL", "ASYNC") > 0
    assert dirty_after("FLUSHALL") == 0
    world.engine.settings.set_many([("lazyfree-lazy-user-flush", "yes")])
    assert dirty_after("FLUSHALL") > 0
    assert dirty_after("FLUSHALL", "SYNC") == 0


def test_a_flush_counts_each_key_as_a_change(world: World) -> None:
    world.do("CONFIG", "SET", "save", "")
    world.do("MSET", "a", "1", "b", "2")
    before = world.engine.keyspace.changes.since_save()
    world.do("FLUSHALL")
    assert world.engine.keyspace.changes.since_save() - before == 2
    world.do("FLUSHALL")
    world.do("FLUSHDB")
    assert world.engine.keyspace.changes.since_save() - before == 2


def test_a_flush_is_notified_once_per_database(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2")
    journal = Journal(world)
    world.do("FLUSHDB")
    assert journal.take() == ["flushed"]


def test_a_flush_resets_the_average_time_to_live(world: World) -> None:
    world.do("SET", "a", "1", "EX", "100")
    world.advance(100)
    database = world.engine.keyspace.databases[0]
    assert database.average_ttl > 0
    world.do("FLUSHDB")
    assert database.average_ttl == 0


def test_a_flush_fails_the_transactions_that_watch_an_existing_key(world: World) -> None:
    world.do("SET", "a", "1")
    present, missing, elsewhere = watch(world, 0, b"a"), watch(world, 0, b"b"), watch(world, 1, b"a")
    world.do("FLUSHDB")
    assert (present.dirty, missing.dirty, elsewhere.dirty) == (True, False, False)


# SWAPDB


def test_after_swapdb_clients_see_the_keys_of_the_other_database(world: World) -> None:
    world.do("SET", "a", "1", "EX", "100")
    in_database(world, 1, "SET", "b", "2")
    assert world.do("SWAPDB", "0", "1") == OK
    assert world.do("MGET", "a", "b") == [None, b"2"]
    assert in_database(world, 1, "TTL", "a") == 100


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("x", "y", "invalid first DB index"),
        ("99999999999", "0", "invalid first DB index"),
        ("0", "y", "invalid second DB index"),
        ("99", "y", "invalid second DB index"),
        ("0", "16", "DB index is out of range"),
        ("-1", "0", "DB index is out of range"),
    ],
)
def test_swapdb_checks_its_indices(world: World, first: str, second: str, message: str) -> None:
    assert world.do("SWAPDB", first, second) == Error(b"ERR %b" % message.encode())


def test_a_database_may_be_swapped_with_itself(world: World) -> None:
    world.do("SET", "a", "1")
    watcher = watch(world, 0, b"a")
    journal = Journal(world)
    assert world.do("SWAPDB", "0", "0") == OK
    assert world.do("EXISTS", "a") == 1
    assert journal.take() == []
    assert not watcher.dirty


def test_a_swap_fails_the_transactions_that_watch_a_key_that_exists_before_or_after_it(world: World) -> None:
    world.do("SET", "a", "1")
    in_database(world, 1, "SET", "b", "2")
    watchers = [watch(world, database, key) for database in (0, 1) for key in (b"a", b"b", b"c")]
    world.do("SWAPDB", "0", "1")
    assert [watcher.dirty for watcher in watchers] == [True, True, False] * 2


def test_an_expired_key_is_no_change_for_a_swap(world: World) -> None:
    in_database(world, 1, "SET", "a", "1", "PX", "5")
    world.clock.advance_ms(6)
    watcher = watch(world, 0, b"a")
    world.do("SWAPDB", "0", "1")
    assert not watcher.dirty
    assert world.do("DBSIZE") == 0


def test_a_swap_is_notified_and_counts_as_a_change(world: World) -> None:
    journal = Journal(world)
    before = world.engine.keyspace.changes.since_save()
    world.do("SWAPDB", "0", "3")
    assert journal.take() == ["swapped 0 3"]
    assert world.engine.keyspace.changes.since_save() - before == 1
