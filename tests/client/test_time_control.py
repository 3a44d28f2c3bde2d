"""The time of a server inside the process."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.server import Server
from tests.client.test_sync import SECONDS, in_thread, wait_for_blocked

DAY = 86_400


def test_a_frozen_server_shows_one_time(server: Server) -> None:
    server.clock.freeze(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    client = server.client()
    assert [client.time(), client.time()] == [(1893553445, 0)] * 2
    assert server.clock.now() == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_keys_expire_when_their_time_has_passed(server: Server) -> None:
    server.clock.freeze()
    client = server.client()
    client.set("k", "v", ex=10)
    server.clock.advance(9.5)
    assert client.pttl("k") == 499
    server.clock.advance(0.5)
    assert client.get("k") is None


def test_a_key_exists_for_exactly_as_long_as_it_was_given(server: Server) -> None:
    server.clock.freeze()
    client = server.client()
    client.set("k", "v", ex=10)
    server.clock.advance(10)
    assert client.get("k") is None


def test_fields_of_hashes_expire(server: Server) -> None:
    server.clock.freeze()
    client = server.client()
    client.hset("h", mapping={"a": 1, "b": 2})
    client.execute_command("HEXPIRE", "h", 60, "FIELDS", 1, "a")  # older clients have no method for it
    server.clock.advance(timedelta(minutes=1))
    assert client.hgetall("h") == {b"b": b"2"}


def test_expired_events_come_in_the_order_of_the_times(server: Server) -> None:
    server.clock.freeze()
    client = server.client(decode_responses=True)
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub() as pubsub:
        pubsub.psubscribe("__keyevent@0__:expired")
        pubsub.get_message(timeout=SECONDS)
        for name, seconds in (("c", 30), ("a", 10), ("b", 20)):
            client.set(name, "v", ex=seconds)
        server.clock.advance(40)
        assert [pubsub.get_message()["data"] for _ in range(3)] == ["a", "b", "c"]


def test_a_blocking_pop_times_out_when_its_time_has_passed(server: Server) -> None:
    server.clock.freeze()
    popped = in_thread(lambda: server.client().blpop(["q"], timeout=3600))
    wait_for_blocked(server, 1)
    server.clock.advance(3599)
    assert server.blocked_clients == 1
    server.clock.advance(1)
    assert popped() is None


def test_a_blocking_pop_in_frozen_time_gets_what_is_pushed(server: Server) -> None:
    server.clock.freeze()
    popped = in_thread(lambda: server.client().blpop(["q"], timeout=1))
    wait_for_blocked(server, 1)
    server.client().rpush("q", "v")
    assert popped() == (b"q", b"v")


def test_blocked_clients_time_out_in_the_order_of_their_deadlines(server: Server) -> None:
    server.clock.freeze()
    order: list[int] = []

    def wait(seconds: int) -> bool:
        assert server.client().blpop(["q"], timeout=seconds) is None
        order.append(seconds)
        return True

    waits = []
    for number, seconds in enumerate((30, 10, 20)):
        waits.append(in_thread(partial(wait, seconds)))
        wait_for_blocked(server, number + 1)
    for number in range(3):
        server.clock.advance(10)
        deadline = time.monotonic() + SECONDS
        while len(order) <= number:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert all(done() for done in waits)
    assert order == [10, 20, 30]


async def test_tasks_wait_for_virtual_time(server: Server) -> None:
    server.clock.freeze()
    async with server.async_client() as client:
        popped: asyncio.Future[object] = asyncio.ensure_future(client.blpop(["q"], timeout=60))
        while server.blocked_clients < 1:
            await asyncio.sleep(0)
        server.clock.advance(60)
        assert await popped is None


def test_ids_of_streams_are_made_of_the_time(server: Server) -> None:
    server.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    client = server.client()
    assert client.xadd("s", {"f": "v"}) == b"1893456000000-0"
    server.clock.advance(1.5)
    assert client.xadd("s", {"f": "v"}) == b"1893456001501-0"


def test_idle_times_grow(server: Server) -> None:
    server.clock.freeze()
    client = server.client()
    client.set("k", "v")
    server.clock.advance(100)
    assert client.object("idletime", "k") == 100


def test_time_can_run_faster(server: Server) -> None:
    server.clock.run_at(1000)
    client = server.client()
    client.set("k", "v", ex=20)
    started = time.monotonic()
    assert client.blpop(["q"], timeout=30) is None
    assert time.monotonic() - started < 10
    assert client.exists("k") == 0


def test_the_clock_can_be_set_back(server: Server) -> None:
    client = server.client()
    server.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    server.clock.travel_to(datetime(2020, 1, 1, tzinfo=UTC))
    assert client.time() == (1577836800, 0)
    client.set("k", "v", ex=10)
    server.clock.advance(10)
    assert client.get("k") is None


def test_the_real_time_returns(server: Server) -> None:
    server.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    server.clock.run_real()
    assert abs(server.client().time()[0] - time.time()) < SECONDS


@pytest.mark.parametrize("wrong", [lambda clock: clock.advance(-1), lambda clock: clock.run_at(-1)])
def test_time_does_not_run_backwards(server: Server, wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match="backwards"):
        wrong(server.clock)


def test_a_day_passes_at_once(server: Server) -> None:
    server.clock.freeze()
    client = server.client()
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.set(f"k{number}", "v", ex=1 + number * 80)
        pipeline.execute()
    server.clock.advance(DAY)
    assert client.info("stats")["expired_keys"] == 1000
    assert client.dbsize() == 0


def test_a_server_can_begin_with_frozen_time() -> None:
    with Server(frozen_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)) as server:
        client = server.client()
        assert client.time() == (1893553445, 0)
        assert client.lastsave() == datetime.fromtimestamp(1893553445)
        assert client.info("server")["uptime_in_seconds"] == 0


def test_a_server_that_obeys_python_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="obeys Python's time"):
        Server(obeys_python_time=True, frozen_at=datetime(2030, 1, 1, tzinfo=UTC))


def test_those_who_wait_do_not_delay_the_timer(server: Server) -> None:
    server.clock.freeze()
    ticks = [server.clock.now()]
    server.engine.cron.every(0, lambda: ticks.append(server.clock.now()))
    waiting = [LocalSocket(server.driver, "localhost", 6379, None) for _ in range(100)]
    for number, one in enumerate(waiting, 1):
        one.sendall(f"BLPOP queue {number / 4}\r\n".encode())
    server.clock.advance(60)
    ticks.append(server.clock.now())
    assert max(after - before for before, after in pairwise(ticks)) < timedelta(seconds=1.5)
    for one in waiting:
        one.close()


def test_the_heap_of_the_test_is_left_alone(server: Server) -> None:
    told = server.client().info("process")["process_compaction"]
    assert told == "impossible: the server shares its process with others"
