"""MIGRATE, with another server whose replies the test chooses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyredmem.engine.host import Host, Link
from tests.support.replies import OK, Error, Simple
from tests.support.world import World


class Target(Link):
    """The other server: it notes what it is sent, and gives these replies in turn."""

    def __init__(self, replies: Sequence[bytes | OSError], fails_at_write: OSError | None = None) -> None:
        self.received = b""
        self.is_closed = False
        self._replies = list(replies)
        self._fails_at_write = fails_at_write

    def send(self, data: bytes) -> None:
        if self._fails_at_write is not None:
            raise self._fails_at_write
        self.received += data

    def read_line(self) -> bytes:
        reply = self._replies.pop(0)
        if isinstance(reply, OSError):
            raise reply
        return reply

    def close(self) -> None:
        self.is_closed = True


class Network(Host):
    """A host that reaches these servers, one for each attempt to connect."""

    def __init__(self, *targets: Target | OSError) -> None:
        self.targets = list(targets)
        self.asked: list[tuple[bytes, bytes, float]] = []

    def connect(self, address: bytes, port: bytes, timeout_s: float) -> Link:
        self.asked.append((address, port, timeout_s))
        target = self.targets[len(self.asked) - 1]
        if isinstance(target, OSError):
            raise target
        return target


def world_with(*targets: Target | OSError) -> tuple[World, Network]:
    """A world that has the keys a and b, and the network that it reaches."""
    network = Network(*targets)
    world = World(host=network)
    assert world.do("MSET", "a", "1", "b", "2") == OK
    return world, network


def test_a_key_moves() -> None:
    target = Target([b"+OK", b"+OK"])
    world, network = world_with(target)
    assert world.do("MIGRATE", "host", "6379", "a", "3", "500") == OK
    assert world.do("EXISTS", "a", "b") == 1
    assert network.asked == [(b"host", b"6379", 0.5)]
    assert target.received.startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*4\r\n$7\r\nRESTORE\r\n$1\r\na\r\n$1\r\n0\r\n")
    assert target.is_closed
    world.check()


def test_the_time_to_live_goes_along() -> None:
    target = Target([b"+OK", b"+OK"])
    world, _ = world_with(target)
    world.do("PEXPIRE", "a", "1500")
    world.tick(500)
    world.do("MIGRATE", "host", "6379", "a", "0", "500", "REPLACE")
    assert b"$1\r\na\r\n$4\r\n1000\r\n" in target.received
    assert target.received.endswith(b"$7\r\nREPLACE\r\n")


def test_a_key_that_is_copied_stays() -> None:
    world, _ = world_with(Target([b"+OK", b"+OK"]))
    assert world.do("MIGRATE", "host", "6379", "a", "0", "500", "COPY") == OK
    assert world.do("EXISTS", "a") == 1


def test_a_key_that_the_other_server_refuses_stays_while_the_others_move() -> None:
    world, _ = world_with(Target([b"+OK", b"-BUSYKEY Target key name already exists.", b"+OK"]))
    reply = world.do("MIGRATE", "host", "6379", "", "0", "500", "KEYS", "a", "b")
    assert reply == Error(b"ERR Target instance replied with error: BUSYKEY Target key name already exists.")
    assert world.do("KEYS", "*") == [b"a"]


def test_nothing_moves_if_the_password_is_wrong() -> None:
    world, _ = world_with(Target([b"-WRONGPASS no", b"+OK", b"+OK"]))
    reply = world.do("MIGRATE", "host", "6379", "a", "0", "500", "AUTH", "x")
    assert reply == Error(b"ERR Target instance replied with error: WRONGPASS no")
    assert world.do("EXISTS", "a") == 1


def test_without_a_key_that_exists_nothing_is_sent() -> None:
    world, network = world_with()
    assert world.do("MIGRATE", "host", "6379", "nosuch", "0", "500") == Simple(b"NOKEY")
    assert network.asked == []


@pytest.mark.parametrize("timeout", ["0", "-1"])
def test_without_a_timeout_it_is_a_second(timeout: str) -> None:
    world, network = world_with(Target([b"+OK", b"+OK"]))
    world.do("MIGRATE", "host", "6379", "a", "0", timeout)
    assert network.asked[0][2] == 1.0


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([OSError("no such host")], b"IOERR error or timeout connecting to the client"),
        ([TimeoutError()], b"IOERR error or timeout connecting to the client"),
        ([ConnectionRefusedError()] * 2, b"IOERR error or timeout writing to target instance"),
        ([Target([], TimeoutError())], b"IOERR error or timeout writing to target instance"),
        ([Target([TimeoutError()])], b"IOERR error or timeout reading to target instance"),
        ([Target([ConnectionResetError()]), Target([ConnectionResetError()])],
         b"IOERR error or timeout reading to target instance"),
    ],
)  # fmt: skip
def test_a_key_stays_if_the_other_server_cannot_be_reached(targets: list[Target | OSError], message: bytes) -> None:
    world, network = world_with(*targets)
    assert world.do("MIGRATE", "host", "6379", "a", "0", "500") == Error(message)
    assert world.do("EXISTS", "a") == 1
    assert len(network.asked) == len(targets)
    assert all(target.is_closed for target in targets if isinstance(target, Target))


def test_it_tries_again_after_the_other_server_has_closed_the_connection() -> None:
    world, _ = world_with(Target([ConnectionResetError()]), Target([b"+OK", b"+OK"]))
    assert world.do("MIGRATE", "host", "6379", "a", "0", "500") == OK


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "x", "1"], b"ERR value is not an integer or out of range"),
        (["a", "0", "x"], b"ERR value is not an integer or out of range"),
        (["a", "0", "1", "AUTH"], b"ERR syntax error"),
        (["a", "0", "1", "AUTH2", "user"], b"ERR syntax error"),
        (["a", "0", "1", "NOSUCH"], b"ERR syntax error"),
        (["a", "0", "1", "KEYS", "b"],
         b"ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(words: list[str], message: bytes) -> None:
    world, network = world_with()
    assert world.do("MIGRATE", "host", "6379", *words) == Error(message)
    assert network.asked == []


def test_an_engine_without_a_network_cannot_migrate(world: World) -> None:
    world.do("SET", "a", "1")
    reply = world.do("MIGRATE", "host", "6379", "a", "0", "500")
    assert reply == Error(b"IOERR error or timeout connecting to the client")
