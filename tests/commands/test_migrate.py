"""MIGRATE, with another server whose replies the test chooses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyredmem.engine.command_stream import CommandStream
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

    def send(self, data: bytes, timeout_s: float) -> None:
        if self._fails_at_write is not None:
            raise self._fails_at_write
        self.received += data

    def read_line(self, timeout_s: float) -> bytes:
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
        self.asked: list[tuple[bytes, int, float]] = []

    def connect(self, address: bytes, port: int, timeout_s: float) -> Link:
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
    assert network.asked == [(b"host", 6379, 0.5)]
    assert target.received.startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*4\r\n$7\r\nRESTORE\r\n$1\r\na\r\n$1\r\n0\r\n")
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
        ([Target([], ConnectionRefusedError()), Target([], ConnectionRefusedError())],
         b"IOERR error or timeout writing to target instance"),
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


# What is left when the other server fails on the way.


KEYS = ["MIGRATE", "host", "6379", "", "0", "500", "KEYS", "a", "b"]


def test_keys_that_have_moved_before_a_failure_are_deleted() -> None:
    world, network = world_with(Target([b"+OK", b"+OK", ConnectionResetError()]))
    assert world.do(*KEYS) == Error(b"IOERR error or timeout reading to target instance")
    assert world.do("KEYS", "*") == [b"b"]
    assert len(network.asked) == 1  # it does not try again: the other server has worked on the request


def test_an_error_reply_before_a_failure_is_the_one_that_counts() -> None:
    world, _ = world_with(Target([b"+OK", b"-BUSYKEY no", ConnectionResetError()]))
    assert world.do(*KEYS) == Error(b"ERR Target instance replied with error: BUSYKEY no")
    assert world.do("EXISTS", "a", "b") == 2


def test_a_refused_database_moves_nothing_although_the_keys_are_accepted() -> None:
    world, _ = world_with(Target([b"-ERR DB index is out of range", b"+OK", b"+OK"]))
    assert world.do(*KEYS) == Error(b"ERR Target instance replied with error: ERR DB index is out of range")
    assert world.do("EXISTS", "a", "b") == 2


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        (KEYS, [[b"SELECT", b"0"], [b"DEL", b"a", b"b"]]),
        ([*KEYS[:6], "COPY", *KEYS[6:]], []),
        (["MIGRATE", "host", "6379", "nosuch", "0", "500"], []),
    ],
)
def test_the_deletion_of_what_has_moved_is_recorded(words: list[str], recorded: list[list[bytes]]) -> None:
    world, _ = world_with(Target([b"+OK", b"+OK", b"+OK"]))
    stream = CommandStream()
    world.engine.record(stream)
    world.do(*words)
    assert stream.take() == recorded


# The connection, which is kept for a while.


def cached(world: World) -> bytes:
    [line] = [line for line in world.do("INFO", "stats").splitlines() if line.startswith(b"migrate_cached_sockets:")]
    return bytes(line.partition(b":")[2])


def test_a_connection_is_used_again_and_its_database_is_selected_once() -> None:
    target = Target([b"+OK"] * 3)
    world, network = world_with(target)
    world.do("MIGRATE", "host", "6379", "a", "3", "500")
    world.do("MIGRATE", "host", "6379", "b", "3", "500")
    assert len(network.asked) == 1
    assert target.received.count(b"SELECT") == 1
    assert cached(world) == b"1"


def test_the_database_is_selected_again_after_an_error() -> None:
    target = Target([b"+OK", b"-BUSYKEY no", b"+OK", b"+OK"])
    world, _ = world_with(target)
    world.do("MIGRATE", "host", "6379", "a", "3", "500")
    assert world.do("MIGRATE", "host", "6379", "a", "3", "500") == OK
    assert target.received.count(b"SELECT") == 2


def test_another_port_is_another_connection() -> None:
    world, network = world_with(Target([b"+OK"] * 2), Target([b"+OK"] * 2))
    world.do("MIGRATE", "host", "1", "a", "3", "500")
    world.do("MIGRATE", "host", "2", "b", "3", "500")
    assert len(network.asked) == 2
    assert cached(world) == b"2"
    world.check()


def test_an_idle_connection_is_closed_after_ten_seconds() -> None:
    target = Target([b"+OK"] * 2)
    world, _ = world_with(target)
    world.do("INFO", "stats")
    before = world.used_memory
    world.do("MIGRATE", "host", "6379", "nosuch", "0", "500")
    world.do("MIGRATE", "host", "6379", "a", "0", "500", "COPY")
    assert world.used_memory > before
    world.advance(10_000)
    was_closed = target.is_closed
    world.advance(2_000)
    assert (was_closed, target.is_closed) == (False, True)
    assert cached(world) == b"0"
    world.check()


def test_at_most_64_connections_are_kept() -> None:
    targets = [Target([b"+OK"] * 2) for _ in range(65)]
    world, _ = world_with(*targets)
    for port in range(65):
        world.do("MIGRATE", "host", port, "a", "0", "500", "COPY")
    assert cached(world) == b"64"
    assert [target.is_closed for target in targets].count(True) == 1
    world.check()


# Its arguments.


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("k 0 1 AUTH secret", "k 0 1 AUTH (redacted)"),
        ("k 0 1 COPY AUTH2 me secret REPLACE", "k 0 1 COPY AUTH2 (redacted) (redacted) REPLACE"),
        ("k 0 1 AUTH auth AUTH2 me secret x AUTH y", "k 0 1 AUTH (redacted) AUTH2 (redacted) (redacted) x AUTH y"),
        ("k 0 1 AUTH", "k 0 1 AUTH"),
        ("k 0 1 AUTH2 me", "k 0 1 AUTH2 me"),
    ],
)
def test_passwords_do_not_appear_in_the_slow_log(words: str, shown: str) -> None:
    world = World(slowlog_log_slower_than="0")
    world.do("MIGRATE", "host", "1", *words.split())
    assert world.do("SLOWLOG", "GET", 1)[0][3] == [b"MIGRATE", b"host", b"1", *shown.encode().split()]


@pytest.mark.parametrize(("port", "number"), [("x", 0), (" +12ab", 12), ("-5", -5), ("99999999999", 2147483647)])
def test_the_port_is_the_number_at_the_beginning(port: str, number: int) -> None:
    world, network = world_with(OSError())
    world.do("MIGRATE", "host", port, "a", "0", "500")
    assert network.asked[0][1] == number
