"""Scripts that run for long on a server inside the process: other threads and tasks get answers meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.client.server import Server
from tests.client.conftest import check
from tests.client.test_sync import SECONDS, in_thread

FOR_EVER = "while true do end"
FOR_LONG = "local n = 0; for i = 1, 3e7 do n = n + i end; return 'done'"
BUSY = "Redis is busy running a script"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that calls a script slow after 20 ms."""
    with Server(busy_reply_threshold=20) as server:
        yield server
        check(server)


def client_of(server: Server, **options: Any) -> redis.Redis:
    """A client that tries everything once."""
    return server.client(retry=Retry(NoBackoff(), 0), **options)


def wait_until_busy(server: Server) -> None:
    client = client_of(server)
    deadline = time.monotonic() + SECONDS

    def ping_on() -> None:
        while time.monotonic() < deadline:
            client.ping()
            time.sleep(0.001)

    with pytest.raises(redis.ResponseError, match=BUSY):
        ping_on()


def kill_script(server: Server) -> None:
    """Kill the script that runs."""
    assert client_of(server).script_kill()


def test_another_thread_is_told_that_the_server_is_busy_and_may_kill_the_script(server: Server) -> None:
    result = in_thread(lambda: client_of(server, socket_timeout=None).eval(FOR_EVER, 0))
    wait_until_busy(server)
    kill_script(server)
    with pytest.raises(redis.ResponseError, match="killed by user"):
        result()
    assert client_of(server).ping()


def test_a_long_script_ends_although_others_ask_meanwhile(server: Server) -> None:
    result = in_thread(lambda: client_of(server, socket_timeout=None).eval(FOR_LONG, 0))
    wait_until_busy(server)
    assert result() == b"done"


def test_a_thread_that_was_blocked_before_goes_on_after_the_script(server: Server) -> None:
    popped = in_thread(lambda: client_of(server, socket_timeout=None).blpop(["q"], timeout=0))
    while server.blocked_clients < 1:
        time.sleep(0.001)
    result = in_thread(lambda: client_of(server, socket_timeout=None).eval(FOR_LONG, 0))
    wait_until_busy(server)
    assert result() == b"done"
    client_of(server).rpush("q", "v")
    assert popped() == (b"q", b"v")


def test_a_timeout_that_passes_during_a_script_ends_after_it(server: Server) -> None:
    popped = in_thread(lambda: client_of(server, socket_timeout=None).blpop(["q"], timeout=0.05))
    while server.blocked_clients < 1:
        time.sleep(0.001)
    assert client_of(server, socket_timeout=None).eval(FOR_LONG, 0) == b"done"
    assert popped() is None


def test_a_script_whose_client_gave_up_ends(server: Server) -> None:
    with pytest.raises(redis.TimeoutError):
        client_of(server, socket_timeout=0.1).eval(FOR_EVER, 0)
    assert client_of(server).ping()


async def test_a_task_runs_a_script_while_a_thread_kills_it(server: Server) -> None:
    async with server.async_client(socket_timeout=None) as client:
        running = asyncio.ensure_future(client.eval(FOR_EVER, 0))
        await asyncio.sleep(0)
        await asyncio.to_thread(wait_until_busy, server)
        await asyncio.to_thread(kill_script, server)
        with pytest.raises(redis.ResponseError, match="killed by user"):
            await running


async def test_a_task_kills_the_script_of_another_task(server: Server) -> None:
    async with server.async_client(socket_timeout=None) as client, server.async_client() as other:
        running = asyncio.ensure_future(client.eval(FOR_EVER, 0))
        await asyncio.sleep(0.05)
        with pytest.raises(redis.ResponseError, match=BUSY):
            await other.get("k")
        await other.script_kill()
        with pytest.raises(redis.ResponseError, match="killed by user"):
            await running


def test_a_closed_server_ends_its_scripts() -> None:
    server = Server(busy_reply_threshold=20)
    result = in_thread(lambda: client_of(server, socket_timeout=None).eval(FOR_EVER, 0))
    wait_until_busy(server)
    server.close()
    with pytest.raises(redis.RedisError):
        result()
