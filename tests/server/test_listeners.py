from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from pyredmem.host.loops import new_event_loop
from pyredmem.server.endpoints import TCP, TLS, UNIX, Endpoint
from pyredmem.server.listeners import Listeners, SocketOptions
from pyredmem.server.logs import NOTHING, Log
from tests.support.servers import free_port

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Greeter(asyncio.Protocol):
    """Says hello and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's transports only look like asyncio's
        stream.write(b"hello")
        stream.close()


def silent_log() -> Log:
    log = Log()
    log.level = NOTHING
    return log


def listeners() -> Listeners:
    return Listeners(lambda _kind: Greeter(), SocketOptions(backlog=16), silent_log())


async def greeting(port: int, host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


def run(kind: str, scenario: Callable[[], object]) -> None:
    loop = new_event_loop(kind)
    try:
        result = scenario()
        assert asyncio.iscoroutine(result)
        loop.run_until_complete(result)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


@pytest.fixture(params=["asyncio", "uvloop"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    assert isinstance(request.param, str)
    return request.param


def test_an_open_endpoint_accepts_connections(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        several.change(TCP, [Endpoint(TCP, "127.0.0.1", port), Endpoint(TCP, "127.0.0.2", port)])
        await several.attach()
        assert await greeting(port) == b"hello"
        assert await greeting(port, "127.0.0.2") == b"hello"
        several.close()

    run(kind, scenario)


def test_a_client_that_connects_before_the_listener_is_attached_is_not_refused(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        several.change(TCP, [Endpoint(TCP, "127.0.0.1", port)])
        with socket.create_connection(("127.0.0.1", port)) as early:
            several.attach_soon()
            early.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(early, 10) == b"hello"
        several.close()

    run(kind, scenario)


def test_a_closed_port_is_free_at_once(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        several.change(TCP, [Endpoint(TCP, "*", port)])
        await several.attach()
        several.change(TCP, [Endpoint(TCP, "127.0.0.1", port)])
        await several.attach()
        assert await greeting(port) == b"hello"
        several.close()

    run(kind, scenario)


def test_a_change_that_fails_restores_the_old_endpoints(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        several.change(TCP, [Endpoint(TCP, "127.0.0.1", port)])
        await several.attach()
        with pytest.raises(OSError, match="assign"):
            several.change(TCP, [Endpoint(TCP, "127.0.0.2", free_port()), Endpoint(TCP, "192.0.2.1", port)])
        await several.attach()
        assert several.endpoints() == [Endpoint(TCP, "127.0.0.1", port)]
        assert await greeting(port) == b"hello"
        several.close()

    run(kind, scenario)


def test_an_endpoint_that_stays_is_not_reopened(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        stays = Endpoint(TCP, "127.0.0.1", port)
        several.change(TCP, [stays])
        queued = socket.create_connection(("127.0.0.1", port))
        several.change(TCP, [stays, Endpoint(TCP, "127.0.0.2", port)])
        await several.attach()
        queued.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(queued, 10) == b"hello"
        queued.close()
        several.close()

    run(kind, scenario)


def test_an_optional_address_that_this_machine_does_not_have_is_left_out() -> None:
    several, port = listeners(), free_port()
    several.change(TCP, [Endpoint(TCP, "127.0.0.1", port), Endpoint(TCP, "192.0.2.1", port, optional=True)])
    assert several.endpoints() == [Endpoint(TCP, "127.0.0.1", port)]
    several.close()


def test_keepalive_can_change_while_listening(kind: str) -> None:
    async def scenario() -> None:
        several, port = listeners(), free_port()
        several.change(TCP, [Endpoint(TCP, "127.0.0.1", port)])
        await several.attach()
        several.set_keepalive(77)
        several.set_keepalive(0)
        assert several.options.keepalive_seconds == 0
        several.close()

    run(kind, scenario)


def test_closing_removes_the_unix_socket_file(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        several, path = listeners(), tmp_path / "s"
        several.change(UNIX, [Endpoint(UNIX, str(path))])
        await several.attach()
        reader, writer = await asyncio.open_unix_connection(str(path))
        assert await reader.read() == b"hello"
        writer.close()
        several.close()
        assert not path.exists()

    run(kind, scenario)


def test_a_new_tls_context_replaces_the_listeners() -> None:
    several, port = listeners(), free_port()
    endpoint = Endpoint(TLS, "127.0.0.1", port)
    first, second = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    several.change(TLS, [endpoint], first)
    before = several.listener_of(endpoint)
    several.change(TLS, [endpoint], first)
    assert several.listener_of(endpoint) is before
    several.change(TLS, [endpoint], second)
    assert several.listener_of(endpoint) is not before
    several.close()
