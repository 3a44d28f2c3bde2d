"""Many connections, and clients that do not read."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.audit import assert_sound
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Bulk, Integer, Simple, Wire, info, request

# used_memory changes with the buffers of the watching connection, RSS with the interpreter's free lists.
LEDGER_NOISE = 64 * 1024
RSS_NOISE = 12 * 1024 * 1024


def _rss(server: Server) -> int:
    pages = Path(f"/proc/{server.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def _use(server: Server, number: int) -> None:
    """Connect and disconnect, in one of several ways."""
    wire = server.connect(protocol=2 + number % 2)
    with wire:
        match number % 5:
            case 0:
                assert wire.do("PING") == Simple(b"PONG")
            case 1:
                assert wire.pipeline([("SET", "a", "1"), ("GET", "a")]) == [OK, Bulk(b"1")]
            case 2:  # disconnects in the middle of a request
                wire.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\nxx")
            case 3:  # disconnects in a transaction, with a watched key
                wire.pipeline([("WATCH", "a"), ("MULTI",), ("SET", "a", "2")])
            case _:  # disconnects before the replies have arrived
                wire.send(request("GET", "a") * 20)


def _churn(server: Server, count: int) -> None:
    for number in range(200):
        _use(server, number)
    with server.connect() as watcher:
        _wait_for_clients(watcher, 1)
        before = int(info(watcher, "memory")["used_memory"]), _rss(server)
        for number in range(count):
            _use(server, number)
        _wait_for_clients(watcher, 1)
        after = int(info(watcher, "memory")["used_memory"]), _rss(server)
        assert abs(after[0] - before[0]) < LEDGER_NOISE
        assert after[1] - before[1] < RSS_NOISE
        assert_sound(watcher)


def _wait_for_clients(watcher: Wire, count: int) -> None:
    """Wait until the server has noticed closed sockets, which takes a moment."""
    for _ in range(2000):
        if int(info(watcher, "clients")["connected_clients"]) == count:
            return
    pytest.fail(f"clients do not go away: {info(watcher, 'clients')}")


def test_closed_connections_leave_nothing_behind(ours: Server) -> None:
    _churn(ours, 500)


@pytest.mark.slow
@time_limit(600)
def test_thousands_of_closed_connections_leave_nothing_behind() -> None:
    with servers.pyredmem_server() as server:
        _churn(server, SUITE.connections)


def test_many_connections_at_once_are_served(ours: Server) -> None:
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(ours.connect()) for _ in range(300)]
        for number, wire in enumerate(wires):
            wire.send(request("SET", f"key:{number}", number))
        assert [wire.receive() for wire in wires] == [OK] * 300


def test_a_slow_reader_is_disconnected_at_its_limit_while_others_are_served(ours: Server) -> None:
    limit = 2_000_000
    with ours.connect() as control:
        assert control.do("CONFIG", "SET", "client-output-buffer-limit", f"normal {limit} 0 0") == OK
        control.do("SET", "big", b"x" * 100_000)
        slow = _SlowReader(ours)
        with contextlib.suppress(OSError):
            for number in range(400):
                slow.ask(request("GET", "big"))
                assert control.do("PING") == Simple(b"PONG"), number
        _wait_for_clients(control, 1)
        slow.read_to_the_end()
        slow.close()
        assert control.do("STRLEN", "big") == Integer(100_000)


class _SlowReader:
    """A client that sends requests and does not read."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)

    def ask(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_to_the_end(self) -> None:
        """Read until the server has closed the connection; if it does not, this times out."""
        with contextlib.suppress(ConnectionError):
            while self._socket.recv(1 << 20):
                pass

    def close(self) -> None:
        self._socket.close()
