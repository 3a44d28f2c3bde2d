"""CLIENT, but for tracking."""

from __future__ import annotations

import pytest

from tests.support.engine import World, do

BAD_ARGUMENTS = [
    (["SETNAME", "a b"], b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"),
    (["SETINFO", "lib-name", "a b"], b"-ERR lib-name cannot contain spaces, newlines or special characters.\r\n"),
    (["SETINFO", "lib-foo", "a"], b"-ERR Unrecognized option 'lib-foo'\r\n"),
    (["REPLY", "foo"], b"-ERR syntax error\r\n"),
    (["NO-EVICT", "foo"], b"-ERR syntax error\r\n"),
    (["NO-TOUCH", "foo"], b"-ERR syntax error\r\n"),
    (["LIST", "foo"], b"-ERR syntax error\r\n"),
    (["LIST", "TYPE"], b"-ERR syntax error\r\n"),
    (["LIST", "TYPE", "foo"], b"-ERR Unknown client type 'foo'\r\n"),
    (["LIST", "ID"], b"-ERR syntax error\r\n"),
    (["LIST", "ID", "x"], b"-ERR Invalid client ID\r\n"),
    (["KILL", "1.2.3.4:5"], b"-ERR No such client\r\n"),
    (["KILL", "ID", "0"], b"-ERR client-id should be greater than 0\r\n"),
    (["KILL", "ID", "x"], b"-ERR client-id should be greater than 0\r\n"),
    (["KILL", "TYPE", "foo"], b"-ERR Unknown client type 'foo'\r\n"),
    (["KILL", "USER", "bob"], b"-ERR No such user 'bob'\r\n"),
    (["KILL", "SKIPME", "maybe"], b"-ERR syntax error\r\n"),
    (["KILL", "FOO", "bar"], b"-ERR syntax error\r\n"),
    (["KILL", "ID", "1", "ADDR"], b"-ERR syntax error\r\n"),
    (["PAUSE", "x"], b"-ERR timeout is not an integer or out of range\r\n"),
    (["PAUSE", "-1"], b"-ERR timeout is negative\r\n"),
    (["PAUSE", "1", "foo"], b"-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"),
    (
        ["PAUSE", "1", "ALL", "x"],
        b"-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n",
    ),
    (["UNBLOCK", "x"], b"-ERR value is not an integer or out of range\r\n"),
    (["UNBLOCK", "9", "foo"], b"-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"),
    (["FOO"], b"-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"),
]


@pytest.mark.parametrize(("words", "reply"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused_in_redis_words(world: World, words: list[str], reply: bytes) -> None:
    assert world.do("CLIENT", *words) == reply


# Oneself.


def test_id(world: World) -> None:
    assert world.do("CLIENT", "ID") == b":1\r\n"


def test_a_name_is_given_and_taken(world: World) -> None:
    assert world.do("CLIENT", "GETNAME") == b"$-1\r\n"
    assert world.do("CLIENT", "SETNAME", "me") == b"+OK\r\n"
    assert world.do("CLIENT", "GETNAME") == b"$2\r\nme\r\n"
    assert world.do("CLIENT", "SETNAME", "") == b"+OK\r\n"
    assert world.do("CLIENT", "GETNAME") == b"$-1\r\n"


def test_the_library_says_its_name_and_version(world: World) -> None:
    assert world.do("CLIENT", "SETINFO", "lib-name", "redis-py") == b"+OK\r\n"
    assert world.do("CLIENT", "SETINFO", "LIB-VER", "5.0") == b"+OK\r\n"
    assert b" lib-name=redis-py lib-ver=5.0\n" in world.do("CLIENT", "INFO")


def test_info_counts_its_own_request(world: World) -> None:
    world.engine.switches.reply_buffer_resizing = False
    line = world.do("CLIENT", "INFO")
    for field in (b" qbuf=26 ", b" qbuf-free=20448 ", b" argv-mem=10 ", b" tot-mem=37786 ", b" cmd=client|info "):
        assert field in line


def test_info_is_verbatim_text_under_resp3(world: World) -> None:
    world.do("HELLO", 3)
    assert world.do("CLIENT", "INFO").startswith(b"=")


def test_reply_skip_skips_one_reply(world: World) -> None:
    assert world.do("CLIENT", "REPLY", "SKIP") == b""
    assert world.do("PING") == b""
    assert world.do("PING") == b"+PONG\r\n"


def test_reply_skip_twice_skips_on(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    world.do("CLIENT", "REPLY", "SKIP")
    assert world.do("PING") == b""
    assert world.do("PING") == b"+PONG\r\n"


def test_reply_off_silences_everything_until_on(world: World) -> None:
    assert world.do("CLIENT", "REPLY", "OFF") == b""
    assert world.do("PING") == b""
    assert world.do("NOSUCH") == b""
    assert world.do("GET") == b""
    assert world.do("CLIENT", "REPLY", "SKIP") == b""
    assert world.do("CLIENT", "REPLY", "ON") == b"+OK\r\n"
    assert world.do("PING") == b"+PONG\r\n"


def test_a_skipped_reply_may_be_an_unknown_commands(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    assert world.do("NOSUCH") == b""
    assert world.do("PING") == b"+PONG\r\n"


def test_a_transaction_after_reply_on_is_answered(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    world.do("CLIENT", "REPLY", "ON")
    assert world.do("MULTI") == b"+OK\r\n"
    assert world.do("PING") == b"+QUEUED\r\n"
    assert world.do("EXEC") == b"*1\r\n+PONG\r\n"


def test_no_touch_leaves_idle_times_alone(world: World) -> None:
    world.do("SET", "k", "v")
    world.advance(9000)
    world.do("CLIENT", "NO-TOUCH", "ON")
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == b":9\r\n"
    world.do("CLIENT", "NO-TOUCH", "OFF")
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == b":0\r\n"


# Others.


def test_list_shows_all_in_the_order_in_which_they_came(world: World) -> None:
    world.connect()
    listing = world.do("CLIENT", "LIST")
    assert [line.split(b" ")[0] for line in listing.splitlines()[1:-1]] == [b"id=1", b"id=2"]


def test_list_by_id_shows_those_that_are_there(world: World) -> None:
    world.connect()
    listing = world.do("CLIENT", "LIST", "ID", 2, 99, 1)
    assert [line.split(b" ")[0] for line in listing.splitlines()[1:-1]] == [b"id=2", b"id=1"]


def test_list_by_type(world: World) -> None:
    assert b"id=1 " in world.do("CLIENT", "LIST", "TYPE", "NORMAL")
    for kind in ("master", "replica", "slave", "pubsub"):
        assert world.do("CLIENT", "LIST", "TYPE", kind) == b"$0\r\n\r\n"


def test_kill_by_address(world: World) -> None:
    victim = world.engine.connect("tcp", "127.0.0.1:777", "127.0.0.1:6379")
    assert world.do("CLIENT", "KILL", "127.0.0.1:777") == b"+OK\r\n"
    assert victim.aborted


def test_kill_counts_whom_all_filters_fit(world: World) -> None:
    victims = [world.connect() for _ in range(3)]
    assert world.do("CLIENT", "KILL", "TYPE", "normal", "ID", victims[0].id) == b":1\r\n"
    assert world.do("CLIENT", "KILL", "TYPE", "pubsub", "ID", victims[1].id) == b":0\r\n"
    assert world.do("CLIENT", "KILL", "USER", "default") == b":2\r\n"
    assert not world.session.is_closing()


def test_kill_spares_the_caller_unless_told(world: World) -> None:
    assert world.do("CLIENT", "KILL", "ID", 1) == b":0\r\n"
    assert world.do("CLIENT", "KILL", "ID", 1, "SKIPME", "NO") == b":1\r\n"
    assert world.session.is_closing()


def test_kill_by_local_address(world: World) -> None:
    victim = world.engine.connect("tcp", "127.0.0.1:777", "127.0.0.1:9")
    assert world.do("CLIENT", "KILL", "LADDR", "127.0.0.1:9") == b":1\r\n"
    assert victim.aborted


def test_unblock_ends_a_wait(world: World) -> None:
    waiting = world.connect()
    do(waiting, "WAIT", 1, 0)
    assert world.do("CLIENT", "UNBLOCK", waiting.id) == b":1\r\n"
    assert waiting.take_output() == b":0\r\n"
    assert do(waiting, "PING") == b"+PONG\r\n"


def test_unblock_with_an_error(world: World) -> None:
    waiting = world.connect()
    do(waiting, "WAIT", 1, 0)
    assert world.do("CLIENT", "UNBLOCK", waiting.id, "ERROR") == b":1\r\n"
    assert waiting.take_output() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"


def test_who_does_not_wait_is_not_unblocked(world: World) -> None:
    other = world.connect()
    assert world.do("CLIENT", "UNBLOCK", other.id) == b":0\r\n"
    assert world.do("CLIENT", "UNBLOCK", 99) == b":0\r\n"


# PAUSE.


def test_a_paused_command_is_run_when_the_pause_is_over(world: World) -> None:
    other = world.connect()
    assert world.do("CLIENT", "PAUSE", 1000) == b"+OK\r\n"
    assert do(other, "INCR", "n") == b""
    assert do(other, "INCR", "n") == b""
    world.advance(900)
    assert other.take_output() == b""
    world.advance(200)
    assert other.take_output() == b":1\r\n:2\r\n"


def test_a_pause_of_writes_lets_reads_through(world: World) -> None:
    other = world.connect()
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    assert do(other, "GET", "n") == b"$-1\r\n"
    assert do(other, "INCR", "n") == b""
    assert do(other, "GET", "n") == b""
    world.advance(1100)
    assert other.take_output() == b":1\r\n$1\r\n1\r\n"


def test_a_pause_of_writes_holds_what_may_replicate(world: World) -> None:
    world.do("PFADD", "n", "a")
    other = world.connect()
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    assert do(other, "PFCOUNT", "n") == b""
    world.advance(1100)
    assert other.take_output() == b":1\r\n"


def test_unpause_ends_a_pause_of_writes(world: World) -> None:
    other = world.connect()
    world.do("CLIENT", "PAUSE", 100_000, "WRITE")
    do(other, "INCR", "n")
    assert world.do("CLIENT", "UNPAUSE") == b"+OK\r\n"
    assert other.take_output() == b":1\r\n"


def test_unpause_waits_itself_when_everything_is_paused(world: World) -> None:
    world.do("CLIENT", "PAUSE", 1000)
    assert world.do("CLIENT", "UNPAUSE") == b""


def test_a_transaction_waits_with_its_exec(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    do(world.connect(), "CLIENT", "PAUSE", 1000, "WRITE")
    assert world.do("EXEC") == b""
    world.advance(1100)
    assert world.session.take_output() == b"*1\r\n+OK\r\n"


def test_of_two_pauses_the_stricter_and_the_later_hold(world: World) -> None:
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    do(world.connect(), "CLIENT", "PAUSE", 10, "ALL")
    world.advance(500)
    assert world.do("GET", "k") == b""
    world.advance(600)
    assert world.session.take_output() == b"$-1\r\n"


def test_nothing_expires_while_clients_are_paused(world: World) -> None:
    world.do("SET", "k", "v", "PX", 100)
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    world.advance(500)
    assert world.do("GET", "k") == b"$-1\r\n"
    assert world.do("DBSIZE") == b":1\r\n"
    world.advance(700)
    assert world.do("DBSIZE") == b":0\r\n"


def test_a_paused_client_may_go(world: World) -> None:
    other = world.connect()
    world.do("CLIENT", "PAUSE", 1000)
    do(other, "PING")
    assert world.engine.clients.blocked() == 1
    world.engine.disconnect(other)
    world.advance(1100)
    assert other.take_output() == b""


def test_help_names_every_subcommand(world: World) -> None:
    text = world.do("CLIENT", "HELP")
    for word in (b"CACHING", b"KILL", b"NO-TOUCH", b"SETINFO", b"TRACKINGINFO", b"UNPAUSE", b"HELP"):
        assert b"+" + word in text
