"""The worker thread of lazy free, in a real server in this process that serves clients while the thread works."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pyredmem.server.app import Server
from tests.server.processes import wait_until
from tests.server.test_app import server_on
from tests.support.audit import assert_sound
from tests.support.servers import free_port
from tests.support.wire import OK, Error, Wire, info


@pytest.fixture
def server() -> Iterator[Server]:
    one = server_on(free_port())
    one.start()
    yield one
    one.stop()


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pyredmem-lazyfree"]


def fill(wire: Wire, key: str, members: int) -> None:
    for first in range(0, members, 1000):
        wire.do("SADD", key, *[f"{key}:{number}" for number in range(first, min(first + 1000, members))])


def fill_all_types(wire: Wire, count: int) -> None:
    fill(wire, "set", count)
    numbers = range(count)
    wire.do("HSET", "hash", *[text for number in numbers for text in (f"f:{number}", f"v:{number}")])
    wire.do("ZADD", "zset", *[text for number in numbers for text in (str(number), f"m:{number}")])
    wire.do("RPUSH", "list", *["x" * 100 for _ in numbers])
    for number in range(200):
        wire.do("XADD", "stream", "*", "f", str(number) * 50)
    for number in range(50):
        wire.do("SET", f"string:{number}", "v" * number * 20, "PX", "10000000")


def figure(wire: Wire, name: str) -> int:
    return int(info(wire)[name])


def wait_until_all_is_freed(wire: Wire) -> None:
    wait_until(lambda: figure(wire, "lazyfree_pending_objects") == 0, "the end of the work")


def test_the_thread_starts_and_ends_with_its_server() -> None:
    before = len(workers())
    server = server_on(free_port())
    server.start()
    assert len(workers()) == before + 1
    server.stop()
    assert len(workers()) == before


def test_an_unlinked_value_is_freed_without_another_command(server: Server) -> None:
    with Wire(server.port) as wire:
        fill(wire, "k", 20_000)
        wire.do("UNLINK", "k")
        wait_until(lambda: server.engine.keyspace.lazyfree.pending == 0, "the end of the work")
        assert figure(wire, "lazyfreed_objects") == 1
        assert_sound(wire)


def test_flushing_frees_values_of_all_types(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.do("FLUSHALL", "ASYNC")
        fill_all_types(wire, 3000)
        keys = int(getattr(wire.do("DBSIZE"), "value", 0))
        full = figure(wire, "used_memory")
        assert wire.do("FLUSHALL", "ASYNC") == OK
        wait_until_all_is_freed(wire)
        assert figure(wire, "lazyfreed_objects") == keys == 55
        assert figure(wire, "used_memory") < full - 500_000
        assert_sound(wire)


def test_values_can_be_created_and_deleted_while_it_works(server: Server) -> None:
    with Wire(server.port) as wire:
        for _ in range(5):
            fill_all_types(wire, 1000)
            for key in ("set", "hash", "zset", "list", "stream"):
                wire.do("UNLINK", key)
            fill(wire, "again", 500)
            wire.do("FLUSHDB", "ASYNC")
        wait_until_all_is_freed(wire)
        assert_sound(wire)


def test_an_audit_while_it_works_finds_no_leak(server: Server) -> None:
    with Wire(server.port) as wire:
        for _ in range(5):
            fill(wire, "k", 5000)
            wire.do("UNLINK", "k")
            assert_sound(wire)
        assert figure(wire, "lazyfree_pending_objects") == 0


def test_several_clients_delete_and_flush_at_once(server: Server) -> None:
    failures: list[str] = []

    def client(number: int) -> None:
        with Wire(server.port) as wire:
            for turn in range(8):
                fill(wire, f"k:{number}", 300 + 400 * (turn % 3))
                reply = wire.do("SMEMBERS" if turn % 4 == 3 else "SCARD", f"k:{number}")
                if isinstance(reply, Error) and b"LOADING" not in reply.text:
                    failures.append(repr(reply))
                wire.do(("UNLINK", "DEL", "UNLINK")[turn % 3], f"k:{number}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with Wire(server.port) as wire:
        for _ in range(10):
            wire.do("FLUSHALL", "ASYNC")
            assert_sound(wire)
    for thread in threads:
        thread.join()
    assert not failures
    with Wire(server.port) as wire:
        wait_until_all_is_freed(wire)
        assert_sound(wire)


def test_the_engine_frees_what_is_left_when_the_thread_stops() -> None:
    server = server_on(free_port())
    server.start()
    with Wire(server.port) as wire:
        fill(wire, "k", 50_000)
        wire.do("UNLINK", "k")
    server.stop()
    assert server.engine.audit().ok
    assert server.engine.keyspace.lazyfree.pending == 0
