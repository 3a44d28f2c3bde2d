"""Client-side caching: what is told, to whom, when."""

from __future__ import annotations

import pytest

from pyredmem.engine.session import Session
from tests.support.engine import World, do

ALL = b">2\r\n$10\r\ninvalidate\r\n_\r\n"


def invalidated(*keys: str) -> bytes:
    """The message about keys."""
    items = b"".join(b"$%d\r\n%b\r\n" % (len(key), key.encode()) for key in keys)
    return b">2\r\n$10\r\ninvalidate\r\n*%d\r\n" % len(keys) + items


def tracker(world: World, *options: str) -> Session:
    """A RESP3 client that tracks."""
    session = world.connect()
    do(session, "HELLO", 3)
    assert do(session, "CLIENT", "TRACKING", "ON", *options) == b"+OK\r\n"
    return session


def test_a_change_of_a_key_that_was_read_is_told_once(world: World) -> None:
    cache = tracker(world)
    do(cache, "GET", "k")
    world.do("SET", "k", 1)
    assert cache.take_output() == invalidated("k")
    world.do("SET", "k", 2)
    assert cache.take_output() == b""


def test_keys_that_were_not_read_are_not_told(world: World) -> None:
    cache = tracker(world)
    do(cache, "GET", "k")
    world.do("SET", "other", 1)
    assert cache.take_output() == b""


def test_keys_that_were_written_are_not_remembered(world: World) -> None:
    cache = tracker(world)
    do(cache, "SET", "k", 1)
    world.do("SET", "k", 2)
    assert cache.take_output() == b""


def test_ones_own_change_is_told_behind_the_reply(world: World) -> None:
    cache = tracker(world)
    do(cache, "GET", "k")
    assert do(cache, "SET", "k", 1) == b"+OK\r\n" + invalidated("k")


def test_ones_own_changes_in_a_transaction_are_told_behind_it(world: World) -> None:
    cache = tracker(world)
    for words in (["GET", "k"], ["MULTI"], ["SET", "k", "1"], ["GET", "k"]):
        do(cache, *words)
    assert do(cache, "EXEC") == b"*2\r\n+OK\r\n$1\r\n1\r\n" + invalidated("k")
    world.do("SET", "k", 2)
    assert cache.take_output() == invalidated("k")


def test_tracking_may_begin_and_end_inside_of_a_transaction(world: World) -> None:
    world.do("HELLO", "3")
    world.do("MULTI")
    for words in (["CLIENT", "TRACKING", "ON"], ["GET", "k"], ["SET", "k", "v"], ["CLIENT", "TRACKING", "OFF"]):
        world.do(*words)
    assert world.do("EXEC") == b"*4\r\n+OK\r\n_\r\n+OK\r\n+OK\r\n" + invalidated("k")
    assert world.do("PING") == b"+PONG\r\n"


def test_a_redirected_message_does_not_come_between_the_replies_of_a_transaction(world: World) -> None:
    world.do("HELLO", "3")
    other = tracker(world, "REDIRECT", str(world.session.id))
    do(other, "GET", "k")
    world.do("MULTI")
    world.do("SET", "k", "v")
    world.do("PING")
    assert world.do("EXEC") == b"*2\r\n+OK\r\n+PONG\r\n" + invalidated("k")


def test_noloop_leaves_ones_own_changes_out(world: World) -> None:
    cache = tracker(world, "NOLOOP")
    do(cache, "GET", "k")
    assert do(cache, "SET", "k", 1) == b"+OK\r\n"


def test_a_flush_is_told_once_to_all_who_track(world: World) -> None:
    cache = tracker(world)
    world.do("FLUSHALL")
    assert cache.take_output() == ALL
    assert do(cache, "FLUSHALL") == b"+OK\r\n" + ALL


def test_an_expired_key_is_told(world: World) -> None:
    cache = tracker(world)
    world.do("SET", "k", 1, "PX", 500)
    do(cache, "GET", "k")
    world.advance(1000)
    assert cache.take_output() == invalidated("k")


def test_broadcast_tells_all_changes_under_a_prefix_in_one_message(world: World) -> None:
    cache = tracker(world, "BCAST", "PREFIX", "x", "PREFIX", "y")
    world.do("MSET", "x2", 1, "y1", 2, "x1", 3, "z", 4)
    assert cache.take_output() == invalidated("x1", "x2") + invalidated("y1")


def test_broadcast_without_prefix_tells_everything(world: World) -> None:
    cache = tracker(world, "BCAST")
    world.do("SET", "k", 1)
    assert cache.take_output() == invalidated("k")


def test_broadcast_with_noloop_leaves_ones_own_changes_out(world: World) -> None:
    cache = tracker(world, "BCAST", "NOLOOP")
    do(cache, "SET", "a", 1)
    world.do("SET", "b", 1)
    assert cache.take_output() == invalidated("b")


def test_optin_remembers_only_what_is_asked_for(world: World) -> None:
    cache = tracker(world, "OPTIN")
    do(cache, "GET", "a")
    do(cache, "CLIENT", "CACHING", "YES")
    do(cache, "GET", "b")
    do(cache, "GET", "c")
    world.do("MSET", "a", 1, "b", 1, "c", 1)
    assert cache.take_output() == invalidated("b")


def test_optout_remembers_all_but_what_is_excepted(world: World) -> None:
    cache = tracker(world, "OPTOUT")
    do(cache, "GET", "a")
    do(cache, "CLIENT", "CACHING", "NO")
    do(cache, "GET", "b")
    world.do("MSET", "a", 1, "b", 1)
    assert cache.take_output() == invalidated("a")


def test_a_redirected_message_goes_to_the_other_client(world: World) -> None:
    target = world.connect()
    do(target, "HELLO", 3)
    assert world.do("CLIENT", "TRACKING", "ON", "REDIRECT", target.id) == b"+OK\r\n"
    world.do("GET", "k")
    do(world.connect(), "SET", "k", 1)
    assert world.session.take_output() == b""
    assert target.take_output() == invalidated("k")


def test_a_redirection_to_a_client_that_is_gone_is_broken(world: World) -> None:
    target = world.connect()
    cache = tracker(world, "REDIRECT", str(target.id))
    world.engine.disconnect(target)
    do(cache, "GET", "k")
    world.do("SET", "k", 1)
    assert cache.take_output() == b">2\r\n$21\r\ntracking-redir-broken\r\n:%d\r\n" % target.id
    assert b"broken_redirect" in do(cache, "CLIENT", "TRACKINGINFO")


def test_a_resp2_client_is_told_nothing(world: World) -> None:
    world.do("CLIENT", "TRACKING", "ON")
    world.do("GET", "k")
    do(world.connect(), "SET", "k", 1)
    assert world.session.take_output() == b""


def test_a_client_that_stops_tracking_is_told_nothing(world: World) -> None:
    cache = tracker(world)
    do(cache, "GET", "k")
    do(cache, "CLIENT", "TRACKING", "OFF")
    world.do("SET", "k", 1)
    assert cache.take_output() == b""


def test_without_trackers_nothing_listens(world: World) -> None:
    cache = tracker(world)
    do(cache, "GET", "k")
    world.engine.disconnect(cache)
    assert not world.engine.keyspace.changes.listening
    assert world.engine.core.gates.bits == 0


def test_the_table_is_held_to_its_limit() -> None:
    world = World(tracking_table_max_keys="2")
    cache = tracker(world)
    do(cache, "MGET", "a", "b", "c")
    world.advance(100)
    assert cache.take_output() == invalidated("a")


def test_getredir(world: World) -> None:
    target = world.connect()
    assert world.do("CLIENT", "GETREDIR") == b":-1\r\n"
    world.do("CLIENT", "TRACKING", "ON")
    assert world.do("CLIENT", "GETREDIR") == b":0\r\n"
    world.do("CLIENT", "TRACKING", "ON", "REDIRECT", target.id)
    assert world.do("CLIENT", "GETREDIR") == b":%d\r\n" % target.id


def info(*words: str, redirect: int = 0, prefixes: tuple[str, ...] = ()) -> bytes:
    """The reply of TRACKINGINFO under RESP2."""
    flags = b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)
    under = b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in prefixes)
    return b"*6\r\n$5\r\nflags\r\n*%d\r\n%b$8\r\nredirect\r\n:%d\r\n$8\r\nprefixes\r\n*%d\r\n%b" % (
        len(words), flags, redirect, len(prefixes), under,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "reply"),
    [
        ([], info("off", redirect=-1)),
        (["TRACKING ON"], info("on")),
        (["TRACKING ON BCAST PREFIX b PREFIX a"], info("on", "bcast", prefixes=("a", "b"))),
        (["TRACKING ON BCAST PREFIX a", "TRACKING ON BCAST PREFIX b"], info("on", "bcast", prefixes=("a", "b"))),
        (["TRACKING ON OPTIN", "CACHING YES"], info("on", "optin", "caching-yes")),
        (["TRACKING ON OPTOUT NOLOOP", "CACHING NO"], info("on", "optout", "caching-no", "noloop")),
        (["TRACKING ON OPTIN", "TRACKING ON"], info("on")),
        (["TRACKING ON", "TRACKING OFF"], info("off", redirect=-1)),
    ],
)
def test_trackinginfo(world: World, before: list[str], reply: bytes) -> None:
    for line in before:
        assert world.do("CLIENT", *line.split()) == b"+OK\r\n"
    assert world.do("CLIENT", "TRACKINGINFO") == reply


SWITCH = b"before disabling tracking for this client, and then re-enabling it with a different mode."


@pytest.mark.parametrize(
    ("before", "line", "reply"),
    [
        ("", "TRACKING foo", b"-ERR syntax error\r\n"),
        ("", "TRACKING ON foo", b"-ERR syntax error\r\n"),
        ("", "TRACKING ON REDIRECT", b"-ERR syntax error\r\n"),
        ("", "TRACKING ON REDIRECT x", b"-ERR value is not an integer or out of range\r\n"),
        ("", "TRACKING ON REDIRECT 99", b"-ERR The client ID you want redirect to does not exist\r\n"),
        ("", "TRACKING ON REDIRECT 1 REDIRECT 1", b"-ERR A client can only redirect to a single other client\r\n"),
        ("", "TRACKING ON PREFIX a", b"-ERR PREFIX option requires BCAST mode to be enabled\r\n"),
        ("", "TRACKING ON BCAST OPTIN", b"-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n"),
        ("", "TRACKING ON OPTIN OPTOUT", b"-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n"),
        ("TRACKING ON BCAST", "TRACKING ON", b"-ERR You can't switch BCAST mode on/off " + SWITCH + b"\r\n"),
        ("TRACKING ON OPTIN", "TRACKING ON OPTOUT", b"-ERR You can't switch OPTIN/OPTOUT mode " + SWITCH + b"\r\n"),
        (
            "",
            "TRACKING ON BCAST PREFIX a PREFIX ab",
            b"-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not "
            b"overlap.\r\n",
        ),
        (
            "TRACKING ON BCAST PREFIX a",
            "TRACKING ON BCAST PREFIX ab",
            b"-ERR Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client must not "
            b"overlap.\r\n",
        ),
        (
            "",
            "CACHING YES",
            b"-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
            b"enabled\r\n",
        ),
        (
            "TRACKING ON",
            "CACHING YES",
            b"-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n",
        ),
        (
            "TRACKING ON OPTIN",
            "CACHING NO",
            b"-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.\r\n",
        ),
        ("TRACKING ON OPTIN", "CACHING foo", b"-ERR syntax error\r\n"),
    ],
)
def test_what_does_not_go_together_is_refused(world: World, before: str, line: str, reply: bytes) -> None:
    if before:
        world.do("CLIENT", *before.split())
    assert world.do("CLIENT", *line.split()) == reply
