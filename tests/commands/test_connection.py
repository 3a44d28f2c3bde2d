"""The group *connection* without CLIENT, and MONITOR."""

from __future__ import annotations

import pytest

from pyredmem.engine import figures
from tests.support.hosted import Hosted
from tests.support.replies import (
    DB_INDEX_OUT_OF_RANGE,
    NEEDS_AUTHENTICATION,
    NO_REPLY,
    NOT_AN_INTEGER,
    OK,
    PONG,
    SYNTAX_ERROR,
    Error,
    Map,
    Reply,
    Simple,
    wrong_arity,
)
from tests.support.world import World

WRONG = Error(b"WRONGPASS invalid username-password pair or user is disabled.")


# PING, ECHO, SELECT, QUIT.


def test_ping_replies_with_pong_or_the_message(world: World) -> None:
    assert world.do("PING") == PONG
    assert world.do("PING", "hi") == b"hi"
    assert world.do("PING", "a", "b") == wrong_arity("ping")


def test_echo_replies_with_the_message(world: World) -> None:
    assert world.do("ECHO", b"a\r\n\x00") == b"a\r\n\x00"


def test_select_changes_the_database(world: World) -> None:
    world.do("SET", "k", "v")
    assert world.do("SELECT", 3) == OK
    assert world.do("GET", "k") is None


@pytest.mark.parametrize(
    ("index", "reply"),
    [
        ("16", DB_INDEX_OUT_OF_RANGE),
        ("-1", DB_INDEX_OUT_OF_RANGE),
        ("x", NOT_AN_INTEGER),
        ("99999999999", Error(b"ERR value is out of range, value must between -2147483648 and 2147483647")),
    ],
)
def test_select_refuses_an_index_that_is_no_database(world: World, index: str, reply: Reply) -> None:
    assert world.do("SELECT", index) == reply


def test_quit_replies_and_closes(world: World) -> None:
    assert world.do("QUIT") == OK
    assert world.session.is_closing()
    assert world.do("PING") == NO_REPLY


# HELLO.


def test_hello_describes_server_and_connection() -> None:
    hosted = Hosted(redis_version="7.4.1")
    reply = hosted.do("HELLO", 3)
    assert isinstance(reply, Map)
    assert list(reply) == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
    assert reply[b"version"] == b"7.4.1"


def test_hello_changes_the_protocol_of_its_own_reply(world: World) -> None:
    assert world.raw("HELLO", 3).startswith(b"%7\r\n")
    assert world.do("GET", "none") is None
    assert world.raw("HELLO", 2).startswith(b"*14\r\n")
    assert world.do("GET", "none") is None


def test_hello_without_arguments_changes_nothing(world: World) -> None:
    assert world.raw("HELLO").startswith(b"*14\r\n")


def test_hello_names_the_connection(world: World) -> None:
    world.do("HELLO", 2, "SETNAME", "me")
    assert world.do("CLIENT", "GETNAME") == b"me"


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["4"], Error(b"NOPROTO unsupported protocol version")),
        (["1"], Error(b"NOPROTO unsupported protocol version")),
        (["x"], Error(b"ERR Protocol version is not an integer or out of range")),
        (["3", "foo"], Error(b"ERR Syntax error in HELLO option 'foo'")),
        (["3", "SETNAME"], Error(b"ERR Syntax error in HELLO option 'SETNAME'")),
        (["3", "AUTH", "x"], Error(b"ERR Syntax error in HELLO option 'AUTH'")),
        (["3", "AUTH", "nobody", "x"], WRONG),
        (
            ["3", "SETNAME", "a b", "AUTH", "nobody", "x"],
            Error(b"ERR Client names cannot contain spaces, newlines or special characters."),
        ),
    ],
)
def test_a_refused_hello_changes_nothing(world: World, words: list[str], reply: Reply) -> None:
    assert world.do("HELLO", *words) == reply
    assert world.session.reply.protocol == 2


# AUTH.


def test_auth_without_a_password_set(world: World) -> None:
    assert world.raw("AUTH", "x").startswith(b"-ERR AUTH <password> called without any password configured")
    assert world.do("AUTH", "default", "x") == OK
    assert world.do("AUTH", "nobody", "x") == WRONG
    assert world.do("AUTH", "a", "b", "c") == SYNTAX_ERROR


@pytest.fixture
def locked() -> World:
    """A server with a password."""
    return World(requirepass="secret")


def test_no_command_runs_before_authentication(locked: World) -> None:
    assert locked.do("SET", "k", "v") == NEEDS_AUTHENTICATION
    assert locked.do("AUTH", "secret") == OK
    assert locked.do("EXISTS", "k") == 0


def test_a_wrong_password_is_refused_and_counted(locked: World) -> None:
    assert locked.do("AUTH", "wrong") == WRONG
    assert locked.do("AUTH", "default", "wrong") == WRONG
    assert locked.engine.figures.value(figures.DENIED_AUTH) == 2


def test_hello_can_authenticate(locked: World) -> None:
    assert locked.raw("HELLO", 3).startswith(b"-NOAUTH HELLO must be called with the client already authenticated")
    assert locked.raw("HELLO", 3, "AUTH", "default", "secret").startswith(b"%7\r\n")
    assert locked.do("PING") == PONG


def test_quit_and_reset_need_no_password(locked: World) -> None:
    assert locked.do("RESET") == Simple(b"RESET")
    assert locked.do("QUIT") == OK


def test_only_small_requests_are_accepted_before_authentication(locked: World) -> None:
    locked.first.receive(b"*11\r\n")
    assert locked.replies() == [Error(b"ERR Protocol error: unauthenticated multibulk length")]


def test_big_requests_may_follow_auth_in_the_same_read(locked: World) -> None:
    locked.first.receive(
        b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" + b"*2\r\n$4\r\nECHO\r\n$20000\r\n" + b"x" * 20000 + b"\r\n"
    )
    assert locked.session.take_output().startswith(b"+OK\r\n$20000\r\n")


def test_setting_a_password_does_not_lock_out_connected_clients(world: World) -> None:
    world.do("CONFIG", "SET", "requirepass", "secret")
    assert world.do("PING") == PONG
    assert world.client().do("PING") == NEEDS_AUTHENTICATION


def test_removing_the_password_admits_every_client(locked: World) -> None:
    other = locked.client()
    locked.do("AUTH", "secret")
    locked.do("CONFIG", "SET", "requirepass", "")
    assert other.do("PING") == PONG


def test_a_client_that_never_authenticated_must_do_so_when_a_password_is_set_again(locked: World) -> None:
    other = locked.client()
    locked.do("AUTH", "secret")
    locked.do("CONFIG", "SET", "requirepass", "")
    locked.do("CONFIG", "SET", "requirepass", "new")
    assert other.do("PING") == NEEDS_AUTHENTICATION
    assert locked.do("PING") == PONG


# RESET.


def test_reset_puts_a_connection_into_its_first_state(world: World) -> None:
    for words in (
        ["HELLO", "3"],
        ["CLIENT", "SETNAME", "me"],
        ["SELECT", "2"],
        ["CLIENT", "NO-EVICT", "ON"],
        ["CLIENT", "NO-TOUCH", "ON"],
        ["CLIENT", "TRACKING", "ON"],
        ["WATCH", "k"],
        ["MONITOR"],
        ["MULTI"],
    ):
        world.replies(*words)
    assert world.replies("RESET")[-1] == Simple(b"RESET")
    line = world.do("CLIENT", "INFO")
    for field in (b" name= ", b" flags=N ", b" db=0 ", b" multi=-1 ", b" redir=-1 ", b" resp=2 "):
        assert field in line


def test_after_reset_the_password_is_needed_again(locked: World) -> None:
    locked.do("AUTH", "secret")
    assert locked.do("RESET") == Simple(b"RESET")
    assert locked.do("PING") == NEEDS_AUTHENTICATION


def test_reset_turns_replies_on_again(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    assert world.do("RESET") == Simple(b"RESET")
    assert world.do("PING") == PONG


# MONITOR.


def lines(world: World, *words: str) -> list[Reply]:
    """What a monitor is sent when another client runs a command."""
    monitor = world.client()
    monitor.do("MONITOR")
    world.do(*words)
    return monitor.replies()


def test_a_monitor_sees_time_database_address_and_arguments(world: World) -> None:
    world.do("SELECT", 3)
    seconds, micros = divmod(int(world.clock.now_us()), 1_000_000)
    assert lines(world, "SET", "k", 'a"\n\x00') == [
        Simple(b'%d.%06d [3 127.0.0.1:50000] "SET" "k" "a\\"\\n\\x00"' % (seconds, micros))
    ]


def test_a_monitor_sees_no_passwords(world: World) -> None:
    [line] = lines(world, "AUTH", "default", "x")
    assert line.text.endswith(b'"AUTH" "(redacted)" "(redacted)"')


def test_a_monitor_sees_no_administration(world: World) -> None:
    assert lines(world, "CONFIG", "GET", "port") == []
    assert lines(world, "CLIENT", "LIST") == []


def test_a_monitor_sees_no_refused_commands(world: World) -> None:
    assert lines(world, "GET") == []


def test_a_monitor_sees_a_transaction_when_it_is_run(world: World) -> None:
    monitor = world.client()
    monitor.do("MONITOR")
    world.do("MULTI")
    world.do("SET", "k", "v")
    assert len(monitor.replies()) == 1
    world.do("EXEC")
    assert [line.text.split(b" ")[3] for line in monitor.replies()] == [b'"SET"', b'"EXEC"']


def test_a_monitor_may_not_touch_keys(world: World) -> None:
    assert world.do("MONITOR") == OK
    assert world.do("GET", "k") == Error(b"ERR Replica can't interact with the keyspace")
    assert world.replies("PING")[0] == PONG


def test_a_second_monitor_command_gets_no_reply(world: World) -> None:
    world.do("MONITOR")
    assert world.do("MONITOR") == NO_REPLY


def test_without_monitors_no_gate_is_set(world: World) -> None:
    monitor = world.client()
    monitor.do("MONITOR")
    monitor.leave()
    assert world.engine.core.gates.bits == 0
