"""SLOWLOG, and how commands get into the slow log."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.differential.harness import Pair, step
from tests.support.replies import Error
from tests.support.servers import Server
from tests.support.specs import ask, items
from tests.support.wire import Array, Bulk, Wire
from tests.support.world import World


@pytest.fixture
def logging(world: World) -> World:
    """A world in which every command is slow."""
    world.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
    world.do("SLOWLOG", "RESET")
    return world


def logged(world: World) -> list[object]:
    """The arguments of the entries, oldest first, without those of SLOWLOG itself."""
    entries = [items(entry)[3] for entry in items(ask(world, "SLOWLOG", "GET", "-1"))]
    return [entry for entry in reversed(entries) if items(entry)[0] != "SLOWLOG"]


def test_fast_commands_are_not_logged(world: World) -> None:
    world.do("GET", "k")
    assert world.do("SLOWLOG", "LEN") == 0
    assert world.do("SLOWLOG", "GET") == []


def test_an_entry_has_all_fields(logging: World) -> None:
    logging.session.name = b"me"
    logging.do("GET", "k")
    entry, reset = (items(one) for one in items(ask(logging, "SLOWLOG", "GET")))
    assert isinstance(entry[0], int)
    assert isinstance(reset[0], int)
    assert entry[0] == reset[0] + 1
    assert entry[1:] == [logging.clock.now_us() // 1_000_000, 0, ["GET", "k"], "127.0.0.1:50000", "me"]


def test_a_duration_is_measured_with_the_clock(world: World) -> None:
    def slow(context: object, argv: list[bytes]) -> None:
        world.clock.advance_ms(20)
        world.session.reply.null()

    world.handle("get", slow)
    world.do("GET", "k")
    (entry,) = items(ask(world, "SLOWLOG", "GET"))
    assert items(entry)[2] == 20_000


def test_get_gives_ten_entries_unless_a_count_is_given(logging: World) -> None:
    for _ in range(15):
        logging.do("PING")
    assert len(items(ask(logging, "SLOWLOG", "GET"))) == 10
    assert len(items(ask(logging, "SLOWLOG", "GET", "3"))) == 3
    assert len(items(ask(logging, "SLOWLOG", "GET", "0"))) == 0
    assert len(items(ask(logging, "SLOWLOG", "GET", "-1"))) > 15


@pytest.mark.parametrize("count", ["x", "-2", "1.5", "99999999999999999999"])
def test_get_refuses_other_counts(world: World, count: str) -> None:
    expected = Error(b"ERR count should be greater than or equal to -1")
    assert world.do("SLOWLOG", "GET", count) == expected


def test_commands_in_a_transaction_are_logged_and_exec_is_not(logging: World) -> None:
    logging.do("MULTI")
    logging.do("GET", "k")
    logging.do("EXEC")
    assert logged(logging) == [["MULTI"], ["GET", "k"]]


def test_the_settings_control_the_slow_log(logging: World) -> None:
    logging.do("CONFIG", "SET", "slowlog-max-len", "1")
    assert logging.do("SLOWLOG", "LEN") == 1
    logging.do("CONFIG", "SET", "slowlog-log-slower-than", "-1")
    logging.do("SLOWLOG", "RESET")
    logging.do("PING")
    assert logging.do("SLOWLOG", "LEN") == 0


PASSWORDS = [
    ("AUTH foo", "AUTH (redacted)"),
    ("AUTH default foo", "AUTH (redacted) (redacted)"),
    ("AUTH a b c", "AUTH a b c"),
    ("HELLO 2 AUTH default foo SETNAME x", "HELLO 2 AUTH (redacted) (redacted) SETNAME x"),
    ("HELLO 2 AUTH foo", "HELLO 2 AUTH foo"),
    ("CONFIG SET masterauth foo hz 10", "CONFIG SET masterauth (redacted) hz 10"),
]


@pytest.mark.parametrize(("call", "expected"), PASSWORDS)
def test_passwords_are_not_logged(logging: World, call: str, expected: str) -> None:
    logging.do(*call.split())
    assert logged(logging) == [expected.split()]


def test_other_clients_are_named(logging: World) -> None:
    other = logging.client(address="127.0.0.1:7")
    other.do("PING")
    entry = items(items(ask(logging, "SLOWLOG", "GET", "1"))[0])
    assert entry[4] == "127.0.0.1:7"


CALLS = [
    "SLOWLOG",
    "SLOWLOG GET x",
    "SLOWLOG GET 1 2",
    "SLOWLOG LEN x",
    "SLOWLOG RESET",
    "SLOWLOG NOSUCH",
    "SLOWLOG GET",
]


@pytest.mark.needs_redis
def test_a_real_server_gives_the_same_replies(real: Server, ours: Server) -> None:
    with closing(Pair(real, ours)) as pair:
        pair.check([step(*call.split()) for call in CALLS])


def _logged_by(server: Server) -> list[Array]:
    with server.connect() as wire:
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
        wire.do("SLOWLOG", "RESET")
        _run(wire, [call for call, _ in PASSWORDS])
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "-1", "masterauth", "")
        reply = wire.do("SLOWLOG", "GET", "-1")
    assert isinstance(reply, Array)
    entries = [entry.items[3] for entry in reply.items if isinstance(entry, Array)]
    return [entry for entry in entries if isinstance(entry, Array) and entry.items[0] != Bulk(b"SLOWLOG")]


def _run(wire: Wire, calls: list[str]) -> None:
    for call in calls:
        wire.do(*call.split())


@pytest.mark.needs_redis
def test_a_real_server_hides_the_same_arguments(real: Server, ours: Server) -> None:
    assert _logged_by(real) == _logged_by(ours)
