"""The state of MULTI and WATCH, without commands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.world import World


def test_a_change_of_a_watched_key_makes_the_transaction_dirty(world: World) -> None:
    events = world.engine.keyspace.changes
    transaction = world.session.transaction
    transaction.watch(0, b"k")
    events.modified(1, b"k")
    events.modified(0, b"other")
    assert not transaction.watcher.dirty
    events.modified(0, b"k")
    assert world.session.transaction.watcher.dirty


def test_watching_a_key_twice_is_watching_it_once(world: World) -> None:
    world.session.transaction.watch(0, b"k")
    world.session.transaction.watch(0, b"k")
    assert world.engine.keyspace.changes.watching == 1


def test_starting_a_transaction_ends_its_watches_and_keeps_its_queue(world: World) -> None:
    command = world.engine.commands.commands[b"ping"]
    transaction = world.session.transaction
    transaction.begin()
    transaction.watch(0, b"k")
    transaction.enqueue(command, [b"PING"])
    assert [queued.argv for queued in transaction.start()] == [[b"PING"]]
    assert world.engine.keyspace.changes.watching == 0
    assert transaction.active
    transaction.reset()
    assert not world.session.transaction.active


def test_nothing_is_queued_once_exec_cannot_run_it(world: World) -> None:
    command = world.engine.commands.commands[b"ping"]
    transaction = world.session.transaction
    transaction.aborted = True
    transaction.enqueue(command, [b"PING"])
    transaction.reset()
    transaction.watcher.dirty = True
    transaction.enqueue(command, [b"PING"])
    assert transaction.queue == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from([b"a", b"b", b""])), max_size=30))
def test_the_count_of_watched_keys_is_that_of_all_clients(steps: list[tuple[int, int, bytes]]) -> None:
    world = World()
    events = world.engine.keyspace.changes
    clients = [world.session.transaction, world.client().session.transaction]
    for kind, client, key in steps:
        if kind == 0:
            clients[client].watch(0, key)
        elif kind == 1:
            clients[client].unwatch()
        else:
            events.modified(0, key)
        assert events.watching == sum(len(one.watched) for one in clients)
        assert sorted(events.watched_keys(0)) == sorted({key for one in clients for _, key in one.watched})
    world.check()
