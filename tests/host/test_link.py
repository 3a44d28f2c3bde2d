"""Connections to other servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from pyredmem.host.link import SocketLink

HOST = b"127.0.0.1"
SECONDS = 10.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def pair(listener: socket.socket) -> Iterator[tuple[SocketLink, socket.socket]]:
    """A link, and the other server's end of it."""
    link = SocketLink(HOST, listener.getsockname()[1], SECONDS)
    other, _ = listener.accept()
    yield link, other
    link.close()
    other.close()


def test_lines_are_read_however_they_arrive(pair: tuple[SocketLink, socket.socket]) -> None:
    link, other = pair
    other.sendall(b"+OK\r\n-ERR no")
    assert link.read_line(SECONDS) == b"+OK"
    other.sendall(b"\r\n+last\n")
    assert link.read_line(SECONDS) == b"-ERR no"
    assert link.read_line(SECONDS) == b"+last"


def test_much_data_is_sent_while_the_other_server_reads(pair: tuple[SocketLink, socket.socket]) -> None:
    link, other = pair
    data = bytes(range(256)) * 40_000
    received = bytearray()

    def read() -> None:
        while len(received) < len(data):
            received.extend(other.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    link.send(data, SECONDS)
    reader.join()
    assert bytes(received) == data


def test_a_server_that_does_not_read_is_a_timeout(pair: tuple[SocketLink, socket.socket]) -> None:
    link, _ = pair
    with pytest.raises(TimeoutError):
        link.send(bytes(64 << 20), 0.05)


def test_a_server_that_says_nothing_is_a_timeout(pair: tuple[SocketLink, socket.socket]) -> None:
    link, other = pair
    other.sendall(b"+unfinished")
    with pytest.raises(TimeoutError):
        link.read_line(0.02)


def test_the_end_of_a_connection_is_not_a_line(pair: tuple[SocketLink, socket.socket]) -> None:
    link, other = pair
    other.sendall(b"+unfinished")
    other.close()
    with pytest.raises(ConnectionResetError):
        link.read_line(SECONDS)


def test_a_refused_connection_is_noticed_when_something_is_sent(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    link = SocketLink(HOST, port, SECONDS)
    with pytest.raises(ConnectionRefusedError):
        link.send(b"PING", SECONDS)
    link.close()


@pytest.mark.parametrize("address", [b"", b"a..b", b"a" * 100, b"\xff\xfe", b"nosuch.invalid"])
def test_an_address_that_does_not_exist_is_an_error(address: bytes) -> None:
    with pytest.raises(OSError, match=r"."):
        SocketLink(address, 1, SECONDS)


def test_an_address_ends_at_a_nul(listener: socket.socket) -> None:
    link = SocketLink(b"127.0.0.1\0nonsense", listener.getsockname()[1], SECONDS)
    other, _ = listener.accept()
    other.sendall(b"+OK\r\n")
    assert link.read_line(SECONDS) == b"+OK"
    link.close()
    other.close()


def test_the_longest_timeout_is_accepted(listener: socket.socket) -> None:
    longest = ((1 << 63) - 1) / 1000
    link = SocketLink(HOST, listener.getsockname()[1], longest)
    other, _ = listener.accept()
    other.sendall(b"+OK\r\n")
    link.send(b"PING", longest)
    assert link.read_line(longest) == b"+OK"
    link.close()
    other.close()
