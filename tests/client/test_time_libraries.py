"""freezegun and time-machine: a server obeys them if it is told to, and is not disturbed by them otherwise."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import redis

from pyredmem.client import listening
from pyredmem.client.server import Server
from pyredmem.config.profiles import MIXED
from tests.client.conftest import check
from tests.client.test_sync import in_thread, wait_for_blocked

freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "time.md"
BLOCKS: Final = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if PAGE.exists() else []
THEN: Final = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
THEN_S: Final = 1893553445


@pytest.fixture(name="obedient")
def fixture_obedient():  # type: ignore[no-untyped-def]
    with Server(obeys_python_time=True, redis_version=MIXED.name) as server:
        yield server
        check(server)


# Obey them.


def test_freezegun_rules_an_obedient_server(obedient: Server) -> None:
    client = obedient.client()
    with freezegun.freeze_time(THEN) as frozen:
        assert client.time() == (THEN_S, 0)
        client.set("k", "v", ex=60)
        frozen.tick(59)
        assert client.ttl("k") == 1
        frozen.tick(timedelta(seconds=1, milliseconds=1))
        assert client.get("k") is None


def test_freezegun_moves_the_time_of_an_obedient_server(obedient: Server) -> None:
    client = obedient.client()
    with freezegun.freeze_time(THEN) as frozen:
        client.hset("h", "f", "v")
        client.execute_command("HEXPIRE", "h", 3600, "FIELDS", 1, "f")
        frozen.move_to(THEN + timedelta(hours=2))
        assert client.hgetall("h") == {}
        assert client.time()[0] == THEN_S + 7200


def test_time_ticks_in_an_obedient_server_if_it_ticks_in_freezegun(obedient: Server) -> None:
    client = obedient.client()
    with freezegun.freeze_time(THEN, tick=True):
        first, second = client.time(), client.time()
        assert first[0] in {THEN_S, THEN_S + 1}
        assert second > first


def test_a_blocked_client_notices_that_freezegun_moves_the_time(obedient: Server) -> None:
    with freezegun.freeze_time(THEN) as frozen:
        popped = in_thread(lambda: obedient.client().blpop(["q"], timeout=60))
        wait_until_blocked(obedient)
        frozen.tick(61)
        assert popped() is None


def wait_until_blocked(server: Server) -> None:
    """`wait_for_blocked`, with a time that cannot be frozen."""
    for _ in range(5000):
        if server.blocked_clients:
            return
        time.sleep(0.001)
    raise AssertionError("nobody is blocked")


def test_time_machine_rules_an_obedient_server(obedient: Server) -> None:
    client = obedient.client()
    with time_machine.travel(THEN, tick=False) as traveller:
        assert client.time() == (THEN_S, 0)
        client.set("k", "v", ex=60)
        traveller.shift(59)
        assert client.ttl("k") == 1
        traveller.shift(1.001)
        assert client.get("k") is None
        traveller.move_to(THEN + timedelta(days=1))
        assert client.time() == (THEN_S + 86_400, 0)


def test_a_blocked_client_notices_that_time_machine_moves_the_time(obedient: Server) -> None:
    with time_machine.travel(THEN, tick=False) as traveller:
        popped = in_thread(lambda: obedient.client().blpop(["q"], timeout=60))
        wait_for_blocked(obedient, 1)
        traveller.shift(61)
        assert popped() is None


async def test_a_task_notices_that_time_machine_moves_the_time(obedient: Server) -> None:
    async with obedient.async_client() as client:
        with time_machine.travel(THEN, tick=False) as traveller:
            popped: asyncio.Future[object] = asyncio.ensure_future(client.blpop(["q"], timeout=60))
            while obedient.blocked_clients < 1:
                await asyncio.sleep(0)
            traveller.shift(61)
            assert await popped is None


async def test_a_task_notices_that_freezegun_moves_the_time(obedient: Server) -> None:
    async with obedient.async_client() as client:
        with freezegun.freeze_time(THEN, real_asyncio=True) as frozen:
            popped: asyncio.Future[object] = asyncio.ensure_future(client.blpop(["q"], timeout=60))
            while obedient.blocked_clients < 1:
                await asyncio.sleep(0)
            frozen.tick(61)
            assert await popped is None


def test_the_timer_goes_on_when_the_time_is_the_real_one_again(obedient: Server) -> None:
    client = obedient.client()
    with freezegun.freeze_time(THEN):
        client.ping()
    client.set("k", "v", px=20)
    deadline = time.monotonic() + 5
    while client.info("stats")["expired_keys"] == 0:  # nobody asks for the key
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Ignore them.


def test_a_server_of_its_own_time_ignores_freezegun(server: Server) -> None:
    client = server.client()
    real = int(client.time()[0])
    client.set("k", "v", ex=60)
    with freezegun.freeze_time(THEN) as frozen:
        frozen.tick(3600)
        assert real <= client.time()[0] < real + 60
        assert client.ttl("k") > 0


def test_a_server_of_its_own_time_ignores_time_machine(server: Server) -> None:
    client = server.client()
    real = int(client.time()[0])
    with time_machine.travel(THEN, tick=False):
        assert real <= client.time()[0] < real + 60


def test_both_clocks_can_be_moved_apart(server: Server) -> None:
    server.clock.freeze(THEN)
    client = server.client()
    with freezegun.freeze_time("2040-01-01"):
        client.set("k", "v", ex=60)
        server.clock.advance(60)
        assert client.get("k") is None
        assert client.time()[0] == THEN_S + 60


def test_a_blocking_pop_times_out_while_freezegun_has_stopped_the_time(server: Server) -> None:
    with freezegun.freeze_time(THEN):
        assert server.client().blpop(["q"], timeout=0.05) is None


def test_a_client_gives_up_while_freezegun_has_stopped_the_time(server: Server) -> None:
    with freezegun.freeze_time(THEN), pytest.raises(redis.TimeoutError):
        server.client(socket_timeout=0.05, retry=None).blpop(["q"], timeout=0)


def test_a_message_is_awaited_while_freezegun_has_stopped_the_time(server: Server) -> None:
    with freezegun.freeze_time(THEN), server.client().pubsub() as pubsub:
        pubsub.subscribe("c")
        assert pubsub.get_message(timeout=1)["type"] == "subscribe"
        assert pubsub.get_message(timeout=0.05) is None


@pytest.mark.parametrize("loop", ["usual", "asyncio"])
def test_a_client_over_tcp_times_out_while_freezegun_has_stopped_the_time(
    server: Server, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    if loop == "asyncio":
        monkeypatch.setattr(listening, "new_event_loop", asyncio.new_event_loop)
    port = server.listen().port
    with freezegun.freeze_time(THEN):
        assert redis.Redis(port=port).blpop(["q"], timeout=0.05) is None


async def test_a_task_waits_while_freezegun_has_stopped_the_time(server: Server) -> None:
    async with server.async_client() as client:
        with freezegun.freeze_time(THEN, real_asyncio=True):
            assert await client.blpop(["q"], timeout=0.05) is None


# The page.


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page_runs(number: int) -> None:
    assert "assert" in BLOCKS[number]
    exec(compile(BLOCKS[number], str(PAGE), "exec"), {})
