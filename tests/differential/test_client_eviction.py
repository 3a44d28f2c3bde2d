"""maxmemory-clients compared with the real server: which client is closed, which is spared, and from which limit on."""

from __future__ import annotations

import contextlib

import pytest

from tests.support.servers import Server
from tests.support.wire import OK, Closed, Error, Reply, Simple, Wire, info

pytestmark = pytest.mark.needs_redis

#: A request of three megabytes, of which half is sent.
BIG = b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 1_500_000


def _evicted(control: Wire) -> int:
    return int(info(control, "stats")["evicted_clients"])


def _is_closed(wire: Wire) -> bool:
    try:
        wire.receive()
    except Closed:
        return True
    except TimeoutError:
        return False
    return False


def _outcome(server: Server, limit: str, maxmemory: str = "0", no_evict: bool = False) -> tuple[bool, int, Reply]:
    """Whether the client with the large request was closed, how many were, and the reply to another client."""
    with server.connect() as control, server.connect(timeout=1.0) as victim:
        control.do("CONFIG", "RESETSTAT")
        if no_evict:  # the other one would be closed instead
            assert control.do("CLIENT", "NO-EVICT", "ON") == OK
            assert victim.do("CLIENT", "NO-EVICT", "ON") == OK
        victim.send(BIG)
        control.do("CONFIG", "SET", "maxmemory", maxmemory, "maxmemory-clients", limit)
        closed = _is_closed(victim)
        return closed, _evicted(control), control.do("PING")


@pytest.mark.parametrize(
    ("limit", "maxmemory", "expected"),
    [
        ("1mb", "0", (True, 1)),
        ("100mb", "0", (False, 0)),
        ("0", "0", (False, 0)),
        ("1%", "100mb", (True, 1)),
        ("50%", "100mb", (False, 0)),
        ("1%", "0", (False, 0)),  # percent of maxmemory, which is not set, are no limit
        ("1", "0", (True, 1)),  # the limit is at least 128 KiB, so the other client stays
    ],
)
def test_a_client_with_too_much_memory_is_closed(
    real: Server, ours: Server, limit: str, maxmemory: str, expected: tuple[bool, int]
) -> None:
    wanted = (*expected, Simple(b"PONG"))
    assert _outcome(real, limit, maxmemory) == wanted
    assert _outcome(ours, limit, maxmemory) == wanted


def test_a_client_is_closed_as_it_grows(real: Server, ours: Server) -> None:
    for server in (real, ours):
        with server.connect() as control, server.connect() as victim:
            control.do("CONFIG", "RESETSTAT")
            control.do("CONFIG", "SET", "maxmemory-clients", "1mb")
            with contextlib.suppress(Closed):  # the server may close it before it has sent everything
                victim.send(BIG)
            assert _is_closed(victim), server.name
            assert _evicted(control) == 1, server.name


def test_no_evict_spares_a_client(real: Server, ours: Server) -> None:
    for server in (real, ours):
        assert _outcome(server, "1mb", no_evict=True) == (False, 0, Simple(b"PONG")), server.name


@pytest.mark.parametrize("value", ["-1", "101%", "0%", "x", "5 %", "100%", "12kb"])
def test_the_setting_accepts_what_the_real_server_accepts(real: Server, ours: Server, value: str) -> None:
    def outcome(server: Server) -> tuple[bool, Reply]:
        with server.connect() as wire:
            refused = isinstance(wire.do("CONFIG", "SET", "maxmemory-clients", value), Error)
            return refused, wire.do("CONFIG", "GET", "maxmemory-clients")

    assert outcome(ours) == outcome(real)
