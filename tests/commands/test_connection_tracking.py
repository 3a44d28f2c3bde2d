"""Client-side caching: which client gets which invalidation message, and when."""

from __future__ import annotations

import pytest

from tests.support.replies import NOT_AN_INTEGER, OK, PONG, SYNTAX_ERROR, Error, Push, Reply, bulks
from tests.support.world import Client, World

ALL = Push([b"invalidate", None])


def invalidated(*keys: str) -> Push:
    """The invalidation message for these keys."""
    return Push([b"invalidate", bulks(*keys)])


def tracker(world: World, *options: str) -> Client:
    """A RESP3 client with tracking on."""
    client = world.client(3)
    assert client.do("CLIENT", "TRACKING", "ON", *options) == OK
    return client


def test_a_key_that_was_read_is_invalidated_once(world: World) -> None:
    cache = tracker(world)
    cache.do("GET", "k")
    world.do("SET", "k", 1)
    assert cache.replies() == [invalidated("k")]
    world.do("SET", "k", 2)
    assert cache.replies() == []


def test_keys_that_were_not_read_are_not_invalidated(world: World) -> None:
    cache = tracker(world)
    cache.do("GET", "k")
    world.do("SET", "other", 1)
    assert cache.replies() == []


def test_keys_that_were_written_are_not_remembered(world: World) -> None:
    cache = tracker(world)
    cache.do("SET", "k", 1)
    world.do("SET", "k", 2)
    assert cache.replies() == []


def test_the_message_about_a_clients_own_change_comes_after_the_reply(world: World) -> None:
    cache = tracker(world)
    cache.do("GET", "k")
    assert cache.replies("SET", "k", 1) == [OK, invalidated("k")]


def test_messages_about_a_clients_own_changes_in_a_transaction_come_after_it(world: World) -> None:
    cache = tracker(world)
    for words in (["GET", "k"], ["MULTI"], ["SET", "k", "1"], ["GET", "k"]):
        cache.do(*words)
    assert cache.replies("EXEC") == [[OK, b"1"], invalidated("k")]
    world.do("SET", "k", 2)
    assert cache.replies() == [invalidated("k")]


def test_tracking_may_begin_and_end_inside_a_transaction(world: World) -> None:
    world.do("HELLO", "3")
    world.do("MULTI")
    for words in (["CLIENT", "TRACKING", "ON"], ["GET", "k"], ["SET", "k", "v"], ["CLIENT", "TRACKING", "OFF"]):
        world.do(*words)
    assert world.replies("EXEC") == [[OK, None, OK, OK], invalidated("k")]
    assert world.do("PING") == PONG


def test_a_redirected_message_does_not_come_between_the_replies_of_a_transaction(world: World) -> None:
    world.do("HELLO", "3")
    other = tracker(world, "REDIRECT", str(world.session.id))
    other.do("GET", "k")
    world.do("MULTI")
    world.do("SET", "k", "v")
    world.do("PING")
    assert world.replies("EXEC") == [[OK, PONG], invalidated("k")]


def test_noloop_leaves_out_a_clients_own_changes(world: World) -> None:
    cache = tracker(world, "NOLOOP")
    cache.do("GET", "k")
    assert cache.do("SET", "k", 1) == OK


def test_a_flush_is_one_message_to_every_tracking_client(world: World) -> None:
    cache = tracker(world)
    world.do("FLUSHALL")
    assert cache.replies() == [ALL]
    assert cache.replies("FLUSHALL") == [OK, ALL]


def test_a_key_that_expires_is_invalidated(world: World) -> None:
    cache = tracker(world)
    world.do("SET", "k", 1, "PX", 500)
    cache.do("GET", "k")
    world.advance(1000)
    assert cache.replies() == [invalidated("k")]


def test_broadcast_sends_all_changes_under_a_prefix_in_one_message(world: World) -> None:
    cache = tracker(world, "BCAST", "PREFIX", "x", "PREFIX", "y")
    world.do("MSET", "x2", 1, "y1", 2, "x1", 3, "z", 4)
    assert cache.replies() == [invalidated("x1", "x2"), invalidated("y1")]


def test_broadcast_without_prefix_invalidates_every_changed_key(world: World) -> None:
    cache = tracker(world, "BCAST")
    world.do("SET", "k", 1)
    assert cache.replies() == [invalidated("k")]


def test_broadcast_with_noloop_leaves_out_a_clients_own_changes(world: World) -> None:
    cache = tracker(world, "BCAST", "NOLOOP")
    cache.do("SET", "a", 1)
    world.do("SET", "b", 1)
    assert cache.replies() == [invalidated("b")]


def test_optin_remembers_only_keys_read_after_caching_yes(world: World) -> None:
    cache = tracker(world, "OPTIN")
    cache.do("GET", "a")
    cache.do("CLIENT", "CACHING", "YES")
    cache.do("GET", "b")
    cache.do("GET", "c")
    world.do("MSET", "a", 1, "b", 1, "c", 1)
    assert cache.replies() == [invalidated("b")]


def test_optout_remembers_all_keys_but_those_read_after_caching_no(world: World) -> None:
    cache = tracker(world, "OPTOUT")
    cache.do("GET", "a")
    cache.do("CLIENT", "CACHING", "NO")
    cache.do("GET", "b")
    world.do("MSET", "a", 1, "b", 1)
    assert cache.replies() == [invalidated("a")]


def test_a_redirected_message_goes_to_the_other_client(world: World) -> None:
    target = world.client()
    target.do("HELLO", 3)
    assert world.do("CLIENT", "TRACKING", "ON", "REDIRECT", target.id) == OK
    world.do("GET", "k")
    world.client().do("SET", "k", 1)
    assert world.replies() == []
    assert target.replies() == [invalidated("k")]


def test_a_redirection_to_a_disconnected_client_is_broken(world: World) -> None:
    target = world.client()
    cache = tracker(world, "REDIRECT", str(target.id))
    target.leave()
    cache.do("GET", "k")
    world.do("SET", "k", 1)
    assert cache.replies() == [Push([b"tracking-redir-broken", target.id])]
    assert b"broken_redirect" in cache.do("CLIENT", "TRACKINGINFO")[b"flags"]


def test_a_resp2_client_gets_no_messages(world: World) -> None:
    world.do("CLIENT", "TRACKING", "ON")
    world.do("GET", "k")
    world.client().do("SET", "k", 1)
    assert world.replies() == []


def test_a_client_that_stops_tracking_gets_no_messages(world: World) -> None:
    cache = tracker(world)
    cache.do("GET", "k")
    cache.do("CLIENT", "TRACKING", "OFF")
    world.do("SET", "k", 1)
    assert cache.replies() == []


def test_without_tracking_clients_nothing_listens_for_changes(world: World) -> None:
    cache = tracker(world)
    cache.do("SET", "k", 1)
    cache.leave()
    assert not world.engine.keyspace.changes.listening
    assert world.engine.core.gates.bits == 0


@pytest.mark.parametrize("change", [("SET", "k", "1"), ("FLUSHALL",)])
def test_keys_that_a_client_has_left_in_the_table_stay_until_they_change(world: World, change: tuple[str, ...]) -> None:
    cache = tracker(world)
    cache.do("GET", "k")
    cache.leave()
    assert table_sizes(world) == (1, 1)
    assert world.engine.core.gates.bits == 0
    world.do(*change)
    assert table_sizes(world) == (0, 0)
    assert not world.engine.keyspace.changes.listening


def table_sizes(world: World) -> tuple[int, int]:
    """How many keys, and pairs of a key and a client, the table has by INFO."""
    lines = bytes(world.do("INFO", "stats")).decode().splitlines()
    found = dict(line.split(":") for line in lines if ":" in line)
    return int(found["tracking_total_keys"]), int(found["tracking_total_items"])


def limited() -> tuple[World, Client]:
    """A world whose table of tracked keys has a limit of 2, and a client that has read three keys."""
    world = World(tracking_table_max_keys="2")
    cache = tracker(world)
    cache.do("MGET", "a", "b", "c")
    return world, cache


A_KEY = [[invalidated(key)] for key in "abc"]


def test_the_timer_keeps_the_tracking_table_within_its_limit() -> None:
    world, cache = limited()
    world.advance(100)
    assert cache.replies() in A_KEY
    assert table_sizes(world) == (2, 2)


def test_a_command_keeps_the_tracking_table_within_its_limit_before_it_replies() -> None:
    world, cache = limited()
    message, reply = cache.replies("PING")
    assert [message] in A_KEY
    assert reply == PONG
    assert table_sizes(world) == (2, 2)


def test_keys_beyond_the_limit_are_dropped_at_random() -> None:
    dropped = set()
    for seed in range(20):
        world, cache = limited()
        world.engine.rng.seed(seed)
        world.do("PING")
        dropped.add(str(cache.replies()))
    assert len(dropped) == 3


def test_more_keys_are_dropped_each_time_while_there_are_too_many(world: World) -> None:
    cache = tracker(world)
    cache.do("MGET", *[f"key:{number}" for number in range(1000)])
    world.do("CONFIG", "SET", "tracking-table-max-keys", 100)
    left = []
    for _ in range(5):
        world.do("PING")
        left.append(world.engine.figures.value("tracking_total_keys"))
    assert left == [900, 700, 400, 100, 100]


def test_without_tracking_clients_the_tracking_table_has_no_limit() -> None:
    world, cache = limited()
    cache.leave()
    world.advance(1000)
    assert table_sizes(world) == (3, 3)


def test_what_tracking_takes_is_in_the_ledger_and_is_freed(world: World) -> None:
    used = []
    for _ in range(2):
        caches = [tracker(world) for _ in range(3)] + [tracker(world, "BCAST", "PREFIX", "ab", "PREFIX", "ac")]
        connected = world.used_memory
        for cache in caches:
            cache.do("MGET", *[f"key:{number}" for number in range(100)])
        assert world.used_memory - connected > 100 * 56 * 3
        world.check()
        for cache in caches:
            cache.leave()
        world.do("FLUSHALL")
        used.append(world.used_memory)
    assert used[0] == used[1]


@pytest.mark.parametrize(
    ("options", "grown"),
    [(["PREFIX", "a"], 64), (["PREFIX", "foo", "PREFIX", "fob"], 128), ([], 32)],
)
def test_the_memory_of_a_client_includes_the_prefixes(world: World, options: list[str], grown: int) -> None:
    world.do("PING")
    before = world.session.memory.total()
    world.do("CLIENT", "TRACKING", "ON", "BCAST", *options)
    assert world.session.memory.total() - before == grown
    world.do("CLIENT", "TRACKING", "OFF")
    assert world.session.memory.total() == before


def test_getredir(world: World) -> None:
    target = world.client()
    assert world.do("CLIENT", "GETREDIR") == -1
    world.do("CLIENT", "TRACKING", "ON")
    assert world.do("CLIENT", "GETREDIR") == 0
    world.do("CLIENT", "TRACKING", "ON", "REDIRECT", target.id)
    assert world.do("CLIENT", "GETREDIR") == target.id


def info(*words: str, redirect: int = 0, prefixes: tuple[str, ...] = ()) -> Reply:
    """The reply of TRACKINGINFO under RESP2."""
    return [b"flags", bulks(*words), b"redirect", redirect, b"prefixes", bulks(*prefixes)]


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
def test_trackinginfo(world: World, before: list[str], reply: Reply) -> None:
    for line in before:
        assert world.do("CLIENT", *line.split()) == OK
    assert world.do("CLIENT", "TRACKINGINFO") == reply


SWITCH = b"before disabling tracking for this client, and then re-enabling it with a different mode."


@pytest.mark.parametrize(
    ("before", "line", "reply"),
    [
        ("", "TRACKING foo", SYNTAX_ERROR),
        ("", "TRACKING ON foo", SYNTAX_ERROR),
        ("", "TRACKING ON REDIRECT", SYNTAX_ERROR),
        ("", "TRACKING ON REDIRECT x", NOT_AN_INTEGER),
        ("", "TRACKING ON REDIRECT 99", Error(b"ERR The client ID you want redirect to does not exist")),
        ("", "TRACKING ON REDIRECT 1 REDIRECT 1", Error(b"ERR A client can only redirect to a single other client")),
        ("", "TRACKING ON PREFIX a", Error(b"ERR PREFIX option requires BCAST mode to be enabled")),
        ("", "TRACKING ON BCAST OPTIN", Error(b"ERR OPTIN and OPTOUT are not compatible with BCAST")),
        ("", "TRACKING ON OPTIN OPTOUT", Error(b"ERR You can't specify both OPTIN mode and OPTOUT mode")),
        ("TRACKING ON BCAST", "TRACKING ON", Error(b"ERR You can't switch BCAST mode on/off " + SWITCH)),
        ("TRACKING ON OPTIN", "TRACKING ON OPTOUT", Error(b"ERR You can't switch OPTIN/OPTOUT mode " + SWITCH)),
        (
            "",
            "TRACKING ON BCAST PREFIX a PREFIX ab",
            Error(
                b"ERR Prefix 'a' overlaps with another provided prefix 'ab'. "
                b"Prefixes for a single client must not overlap."
            ),
        ),
        (
            "TRACKING ON BCAST PREFIX a",
            "TRACKING ON BCAST PREFIX ab",
            Error(
                b"ERR Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client must not overlap."
            ),
        ),
        (
            "",
            "CACHING YES",
            Error(
                b"ERR CLIENT CACHING can be called only when the client is in tracking mode "
                b"with OPTIN or OPTOUT mode enabled"
            ),
        ),
        (
            "TRACKING ON",
            "CACHING YES",
            Error(b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."),
        ),
        (
            "TRACKING ON OPTIN",
            "CACHING NO",
            Error(b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."),
        ),
        ("TRACKING ON OPTIN", "CACHING foo", SYNTAX_ERROR),
    ],
)
def test_options_that_do_not_go_together_are_refused(world: World, before: str, line: str, reply: Reply) -> None:
    if before:
        world.do("CLIENT", *before.split())
    assert world.do("CLIENT", *line.split()) == reply


def short_of_memory(world: World, *options: str) -> Client:
    """A client that tracks the key k, which the next command that stores 1,500 bytes evicts."""
    world.do("CONFIG", "SET", "maxmemory-policy", "volatile-lru", "maxmemory", "0")
    cache = tracker(world, *options)
    cache.do("SET", "k", "x" * 2000, "EX", 1000)
    cache.do("GET", "k")
    cache.replies()
    world.do("CONFIG", "SET", "maxmemory", world.used_memory + 1000)
    return cache


def test_the_invalidation_of_a_key_that_a_clients_command_evicts_precedes_the_reply(world: World) -> None:
    cache = short_of_memory(world)
    assert cache.replies("SET", "a", "x" * 1500) == [invalidated("k"), OK]


def test_noloop_leaves_out_a_key_that_a_clients_own_command_evicts(world: World) -> None:
    cache = short_of_memory(world, "NOLOOP")
    assert cache.replies("SET", "a", "x" * 1500) == [OK]


def test_noloop_with_broadcast_does_not_leave_out_a_key_that_a_clients_own_command_evicts(world: World) -> None:
    cache = short_of_memory(world, "BCAST", "NOLOOP")
    assert cache.replies("SET", "a", "x" * 1500) == [OK, invalidated("k")]


@pytest.mark.parametrize("options", [(), ("NOLOOP",)], ids=["", "NOLOOP"])
def test_the_invalidation_of_a_key_that_a_served_command_evicts_precedes_its_reply(
    world: World, options: tuple[str, ...]
) -> None:
    world.do("RPUSH", "source", "x" * 1500)
    cache = short_of_memory(world, *options)
    assert cache.replies("BLPOP", "q", 0) == []
    world.do("COPY", "source", "q")
    invalidations = [] if options else [invalidated("k")]
    assert cache.replies() == [*invalidations, [b"q", b"x" * 1500]]
