"""CLIENT, except for tracking."""

from __future__ import annotations

import pytest

from tests.support.replies import NO_REPLY, NOT_AN_INTEGER, OK, PONG, QUEUED, SYNTAX_ERROR, Error, Reply, Verbatim
from tests.support.world import World

BAD_ARGUMENTS = [
    (["SETNAME", "a b"], Error(b"ERR Client names cannot contain spaces, newlines or special characters.")),
    (["SETINFO", "lib-name", "a b"], Error(b"ERR lib-name cannot contain spaces, newlines or special characters.")),
    (["SETINFO", "lib-foo", "a"], Error(b"ERR Unrecognized option 'lib-foo'")),
    (["REPLY", "foo"], SYNTAX_ERROR),
    (["NO-EVICT", "foo"], SYNTAX_ERROR),
    (["NO-TOUCH", "foo"], SYNTAX_ERROR),
    (["LIST", "foo"], SYNTAX_ERROR),
    (["LIST", "TYPE"], SYNTAX_ERROR),
    (["LIST", "TYPE", "foo"], Error(b"ERR Unknown client type 'foo'")),
    (["LIST", "ID"], SYNTAX_ERROR),
    (["LIST", "ID", "x"], Error(b"ERR Invalid client ID")),
    (["KILL", "1.2.3.4:5"], Error(b"ERR No such client")),
    (["KILL", "ID", "0"], Error(b"ERR client-id should be greater than 0")),
    (["KILL", "ID", "x"], Error(b"ERR client-id should be greater than 0")),
    (["KILL", "TYPE", "foo"], Error(b"ERR Unknown client type 'foo'")),
    (["KILL", "USER", "bob"], Error(b"ERR No such user 'bob'")),
    (["KILL", "SKIPME", "maybe"], SYNTAX_ERROR),
    (["KILL", "MAXAGE", "0"], Error(b"ERR maxage should be greater than 0")),
    (["KILL", "MAXAGE", "x"], Error(b"ERR maxage is not an integer or out of range")),
    (["KILL", "FOO", "bar"], SYNTAX_ERROR),
    (["KILL", "ID", "1", "ADDR"], SYNTAX_ERROR),
    (["PAUSE", "x"], Error(b"ERR timeout is not an integer or out of range")),
    (["PAUSE", "-1"], Error(b"ERR timeout is negative")),
    (["PAUSE", "1", "foo"], Error(b"ERR CLIENT PAUSE mode must be WRITE or ALL")),
    (
        ["PAUSE", "1", "ALL", "x"],
        Error(b"ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."),
    ),
    (["UNBLOCK", "x"], NOT_AN_INTEGER),
    (["UNBLOCK", "9", "foo"], Error(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    (["FOO"], Error(b"ERR unknown subcommand 'FOO'. Try CLIENT HELP.")),
]


@pytest.mark.parametrize(("words", "reply"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused_in_redis_words(world: World, words: list[str], reply: Reply) -> None:
    assert world.do("CLIENT", *words) == reply


# The calling client itself.


def test_id(world: World) -> None:
    assert world.do("CLIENT", "ID") == 1


def test_a_name_can_be_set_and_removed(world: World) -> None:
    assert world.do("CLIENT", "GETNAME") is None
    assert world.do("CLIENT", "SETNAME", "me") == OK
    assert world.do("CLIENT", "GETNAME") == b"me"
    assert world.do("CLIENT", "SETNAME", "") == OK
    assert world.do("CLIENT", "GETNAME") is None


def test_setinfo_sets_the_name_and_version_of_the_library(world: World) -> None:
    assert world.do("CLIENT", "SETINFO", "lib-name", "redis-py") == OK
    assert world.do("CLIENT", "SETINFO", "LIB-VER", "5.0") == OK
    assert b" lib-name=redis-py lib-ver=5.0\n" in world.do("CLIENT", "INFO")


def test_info_counts_its_own_request(world: World) -> None:
    world.engine.switches.reply_buffer_resizing = False
    line = world.do("CLIENT", "INFO")
    for field in (b" qbuf=26 ", b" qbuf-free=20448 ", b" argv-mem=10 ", b" tot-mem=37786 ", b" cmd=client|info "):
        assert field in line


def test_info_is_verbatim_text_under_resp3(world: World) -> None:
    world.do("HELLO", 3)
    assert isinstance(world.do("CLIENT", "INFO"), Verbatim)


def test_reply_skip_skips_one_reply(world: World) -> None:
    assert world.do("CLIENT", "REPLY", "SKIP") == NO_REPLY
    assert world.do("PING") == NO_REPLY
    assert world.do("PING") == PONG


def test_reply_skip_sent_twice_still_skips_the_next_reply(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    world.do("CLIENT", "REPLY", "SKIP")
    assert world.do("PING") == NO_REPLY
    assert world.do("PING") == PONG


def test_reply_off_silences_everything_until_on(world: World) -> None:
    assert world.do("CLIENT", "REPLY", "OFF") == NO_REPLY
    assert world.do("PING") == NO_REPLY
    assert world.do("NOSUCH") == NO_REPLY
    assert world.do("GET") == NO_REPLY
    assert world.do("CLIENT", "REPLY", "SKIP") == NO_REPLY
    assert world.do("CLIENT", "REPLY", "ON") == OK
    assert world.do("PING") == PONG


def test_reply_skip_skips_the_error_for_an_unknown_command(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    assert world.do("NOSUCH") == NO_REPLY
    assert world.do("PING") == PONG


def test_a_transaction_after_reply_on_gets_its_replies(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    world.do("CLIENT", "REPLY", "ON")
    assert world.do("MULTI") == OK
    assert world.do("PING") == QUEUED
    assert world.do("EXEC") == [PONG]


def test_no_touch_leaves_idle_times_alone(world: World) -> None:
    world.do("SET", "k", "v")
    world.advance(9000)
    world.do("CLIENT", "NO-TOUCH", "ON")
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == 9
    world.do("CLIENT", "NO-TOUCH", "OFF")
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == 0


# Other clients.


def test_list_shows_all_clients_in_the_order_in_which_they_connected(world: World) -> None:
    world.client()
    listing = world.do("CLIENT", "LIST")
    assert [line.split(b" ")[0] for line in listing.splitlines()] == [b"id=1", b"id=2"]


def test_list_by_id_shows_the_clients_that_are_connected(world: World) -> None:
    world.client()
    listing = world.do("CLIENT", "LIST", "ID", 2, 99, 1)
    assert [line.split(b" ")[0] for line in listing.splitlines()] == [b"id=2", b"id=1"]


def test_list_by_type(world: World) -> None:
    assert b"id=1 " in world.do("CLIENT", "LIST", "TYPE", "NORMAL")
    for kind in ("master", "replica", "slave", "pubsub"):
        assert world.do("CLIENT", "LIST", "TYPE", kind) == b""


def test_kill_by_address(world: World) -> None:
    victim = world.engine.connect("tcp", "127.0.0.1:777", "127.0.0.1:6379")
    assert world.do("CLIENT", "KILL", "127.0.0.1:777") == OK
    assert victim.aborted


def test_kill_closes_and_counts_the_clients_that_match_all_filters(world: World) -> None:
    victims = [world.client() for _ in range(3)]
    assert world.do("CLIENT", "KILL", "TYPE", "normal", "ID", victims[0].id) == 1
    assert world.do("CLIENT", "KILL", "TYPE", "pubsub", "ID", victims[1].id) == 0
    assert world.do("CLIENT", "KILL", "USER", "default") == 2
    assert not world.session.is_closing()


def test_kill_spares_the_caller_unless_skipme_is_no(world: World) -> None:
    assert world.do("CLIENT", "KILL", "ID", 1) == 0
    assert world.do("CLIENT", "KILL", "ID", 1, "SKIPME", "NO") == 1
    assert world.session.is_closing()


def test_kill_by_age_closes_those_who_have_been_connected_for_as_long(world: World) -> None:
    old = world.client()
    world.advance(5_000)
    world.client()
    world.advance(4_000)
    assert world.do("CLIENT", "KILL", "MAXAGE", 10) == 0
    assert world.do("CLIENT", "KILL", "MAXAGE", 9) == 1
    assert old.session.aborted
    assert world.do("CLIENT", "KILL", "MAXAGE", 4) == 1


def test_kill_by_local_address(world: World) -> None:
    victim = world.engine.connect("tcp", "127.0.0.1:777", "127.0.0.1:9")
    assert world.do("CLIENT", "KILL", "LADDR", "127.0.0.1:9") == 1
    assert victim.aborted


def test_unblock_ends_a_wait_as_if_it_had_timed_out(world: World) -> None:
    waiting = world.client()
    waiting.do("WAIT", 1, 0)
    assert world.do("CLIENT", "UNBLOCK", waiting.id) == 1
    assert waiting.replies() == [0]
    assert waiting.do("PING") == PONG


def test_unblock_with_an_error(world: World) -> None:
    waiting = world.client()
    waiting.do("WAIT", 1, 0)
    assert world.do("CLIENT", "UNBLOCK", waiting.id, "ERROR") == 1
    assert waiting.replies() == [Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]


def test_a_client_that_is_not_blocked_cannot_be_unblocked(world: World) -> None:
    other = world.client()
    assert world.do("CLIENT", "UNBLOCK", other.id) == 0
    assert world.do("CLIENT", "UNBLOCK", 99) == 0


# PAUSE.


def test_a_paused_command_runs_after_the_pause(world: World) -> None:
    other = world.client()
    assert world.do("CLIENT", "PAUSE", 1000) == OK
    assert other.do("INCR", "n") == NO_REPLY
    assert other.do("INCR", "n") == NO_REPLY
    world.advance(900)
    assert other.replies() == []
    world.advance(200)
    assert other.replies() == [1, 2]


def test_a_pause_of_writes_lets_reads_through(world: World) -> None:
    other = world.client()
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    assert other.do("GET", "n") is None
    assert other.do("INCR", "n") == NO_REPLY
    assert other.do("GET", "n") == NO_REPLY
    world.advance(1100)
    assert other.replies() == [1, b"1"]


def test_a_pause_of_writes_holds_back_commands_that_may_replicate(world: World) -> None:
    world.do("PFADD", "n", "a")
    other = world.client()
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    assert other.do("PFCOUNT", "n") == NO_REPLY
    world.advance(1100)
    assert other.replies() == [1]


def test_unpause_ends_a_pause_of_writes(world: World) -> None:
    other = world.client()
    world.do("CLIENT", "PAUSE", 100_000, "WRITE")
    other.do("INCR", "n")
    assert world.do("CLIENT", "UNPAUSE") == OK
    assert other.replies() == [1]


def test_unpause_waits_itself_when_everything_is_paused(world: World) -> None:
    world.do("CLIENT", "PAUSE", 1000)
    assert world.do("CLIENT", "UNPAUSE") == NO_REPLY


def test_a_transaction_waits_with_its_exec(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    world.client().do("CLIENT", "PAUSE", 1000, "WRITE")
    assert world.do("EXEC") == NO_REPLY
    world.advance(1100)
    assert world.replies() == [[OK]]


def test_of_two_pauses_the_stricter_kind_and_the_later_end_apply(world: World) -> None:
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    world.client().do("CLIENT", "PAUSE", 10, "ALL")
    world.advance(500)
    assert world.do("GET", "k") == NO_REPLY
    world.advance(600)
    assert world.replies() == [None]


def test_nothing_expires_while_clients_are_paused(world: World) -> None:
    world.do("SET", "k", "v", "PX", 100)
    world.do("CLIENT", "PAUSE", 1000, "WRITE")
    world.advance(500)
    assert world.do("GET", "k") is None
    assert world.do("DBSIZE") == 1
    world.advance(700)
    assert world.do("DBSIZE") == 0


def test_a_paused_client_may_disconnect(world: World) -> None:
    other = world.client()
    world.do("CLIENT", "PAUSE", 1000)
    other.do("PING")
    assert world.engine.clients.blocked() == 1
    other.leave()
    world.advance(1100)
    assert other.replies() == []


def test_help_names_every_subcommand(world: World) -> None:
    text = world.do("CLIENT", "HELP")
    for word in (b"CACHING", b"KILL", b"NO-TOUCH", b"SETINFO", b"TRACKINGINFO", b"UNPAUSE", b"HELP"):
        assert any(line.text.startswith(word) for line in text)
