"""Real sockets for a server inside the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis
import redis.asyncio

from pyredmem.client.server import Server
from tests.client.test_sync import SECONDS, in_thread, wait_for_blocked
from tests.support.wire import Simple, Wire


def test_a_client_connects_over_tcp(server: Server) -> None:
    listener = server.listen()
    client = redis.Redis(listener.host, listener.port)
    client.set("k", "v")
    assert redis.from_url(listener.url).get("k") == b"v"
    assert server.client().get("k") == b"v"


def test_a_client_connects_over_a_unix_socket(server: Server, tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    listener = server.listen(path=path)
    assert redis.from_url(listener.url).ping()
    listener.close()
    assert not Path(path).exists()


def test_clients_of_both_kinds_wait_for_one_another(server: Server) -> None:
    listener = server.listen()
    popped = in_thread(lambda: redis.Redis(port=listener.port).blpop(["q"], timeout=0))
    wait_for_blocked(server, 1)
    server.client().rpush("q", "from inside")
    assert popped() == (b"q", b"from inside")
    popped = in_thread(lambda: server.client().blpop(["q"], timeout=0))
    wait_for_blocked(server, 1)
    redis.Redis(port=listener.port).rpush("q", "from outside")
    assert popped() == (b"q", b"from outside")


def test_messages_cross_the_socket(server: Server) -> None:
    listener = server.listen()
    with redis.Redis(port=listener.port).pubsub() as pubsub:
        pubsub.subscribe("c")
        assert pubsub.get_message(timeout=SECONDS) is not None
        server.client().publish("c", "hello")
        message = pubsub.get_message(timeout=SECONDS)
        assert message is not None
        assert message["data"] == b"hello"


async def test_a_loop_of_the_program_may_use_the_socket(server: Server) -> None:
    listener = server.listen()
    async with redis.asyncio.Redis(port=listener.port) as client, server.async_client() as inside:
        await client.set("k", "v")
        assert await inside.get("k") == b"v"


def test_another_process_connects(server: Server) -> None:
    listener = server.listen()
    code = f"import redis; redis.from_url({listener.url!r}).set('k', 'from a process')"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert server.client().get("k") == b"from a process"


def test_timeouts_of_clients_outside_are_kept(server: Server) -> None:
    """Nobody inside waits: the thread of the listener lets the time pass."""
    listener = server.listen()
    assert redis.Redis(port=listener.port).blpop(["q"], timeout=0.1) is None


def test_a_client_that_sends_no_requests_is_told_so(server: Server) -> None:
    with Wire(server.listen().port) as wire:
        wire.send(b"*1\r\nPING\r\n")
        assert "Protocol error" in str(wire.receive())


def test_a_long_reply_crosses_the_socket(server: Server) -> None:
    value = bytes(range(256)) * 40_000
    server.client().set("k", value)
    assert redis.Redis(port=server.listen().port).get("k") == value


def test_two_listeners_of_one_server(server: Server) -> None:
    one, other = server.listen(), server.listen()
    redis.Redis(port=one.port).set("k", "v")
    assert redis.Redis(port=other.port).get("k") == b"v"


def test_a_taken_address_is_an_error(server: Server) -> None:
    listener = server.listen()
    with pytest.raises(OSError, match="in use"):
        server.listen(port=listener.port)


def test_a_closed_server_listens_no_more() -> None:
    server = Server()
    port = server.listen().port
    with Wire(port) as wire:
        assert wire.do("PING") == Simple(b"PONG")
        server.close()
        assert wire.receive_until_closed() == []
    with pytest.raises(ConnectionRefusedError):
        Wire(port)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pyredmem")]


async def test_virtual_time_passes_for_clients_outside(server: Server) -> None:
    server.clock.freeze()
    listener = server.listen()
    async with redis.asyncio.Redis(port=listener.port) as client:
        popped: asyncio.Future[object] = asyncio.ensure_future(client.blpop(["q"], timeout=60))
        while server.blocked_clients < 1:
            await asyncio.sleep(0.001)
        server.clock.advance(60)
        assert await popped is None


def test_a_listener_can_be_closed_as_soon_as_it_listens(server: Server) -> None:
    """Its thread may not have come to listen yet."""
    for _ in range(100):
        server.listen().close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pyredmem")]
