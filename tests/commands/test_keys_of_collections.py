"""The generic commands on keys of every type: what TYPE, SCAN, OBJECT, COPY, RENAME, MOVE, DEBUG and MEMORY say."""

from __future__ import annotations

import pytest

from tests.support.hosted import Hosted
from tests.support.replies import OK, Error, Reply, Simple, Verbatim
from tests.support.servers import Server

# For each kind of value: its type, its encoding, and commands that create a key k that holds one.
MADE: dict[str, tuple[str, str, list[list[str]]]] = {
    "list": ("list", "listpack", [["RPUSH", "k", "a", "b", "7"]]),
    "long list": ("list", "quicklist", [["RPUSH", "k", "x" * 5000, "y" * 5000, "z"]]),
    "hash": ("hash", "listpack", [["HSET", "k", "f", "v", "n", "12"]]),
    "big hash": ("hash", "hashtable", [["HSET", "k", "f", "v" * 65, "n", "12"]]),
    "numbers": ("set", "intset", [["SADD", "k", "1", "2", "300"]]),
    "set": ("set", "listpack", [["SADD", "k", "a", "b", "3"]]),
    "big set": ("set", "hashtable", [["SADD", "k", "a", "b" * 65]]),
    "sorted set": ("zset", "listpack", [["ZADD", "k", "1.5", "a", "2", "b"]]),
    "big sorted set": ("zset", "skiplist", [["ZADD", "k", "1.5", "a" * 65, "2", "b"]]),
    "stream": ("stream", "stream", [["XADD", "k", "1-1", "f", "v"], ["XGROUP", "CREATE", "k", "g", "0"]]),
    "hyperloglog": ("string", "raw", [["PFADD", "k", "a", "b"]]),
    "places": ("zset", "listpack", [["GEOADD", "k", "13.361389", "38.115556", "Palermo"]]),
}
KINDS = list(MADE)


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def make(hosted: Hosted, kind: str) -> None:
    for command in MADE[kind][2]:
        assert not isinstance(hosted.do(*command), Error)


def keys_in(reply: Reply) -> list[bytes]:
    assert isinstance(reply, list)
    listing = reply[1]
    assert isinstance(listing, list)
    return sorted(item for item in listing if isinstance(item, bytes))


def digest(hosted: Hosted, key: str) -> Reply:
    reply = hosted.do("DEBUG", "DIGEST-VALUE", key)
    assert isinstance(reply, list)
    return reply[0]


@pytest.mark.parametrize("kind", KINDS)
def test_type_and_encoding(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    assert hosted.do("TYPE", "k") == Simple(MADE[kind][0].encode())
    assert hosted.do("OBJECT", "ENCODING", "k") == MADE[kind][1].encode()


@pytest.mark.parametrize("kind", KINDS)
def test_one_reference_and_no_idle_time(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    assert hosted.do("OBJECT", "REFCOUNT", "k") == 1
    hosted.tick(7000)
    assert hosted.do("OBJECT", "IDLETIME", "k") == 7


@pytest.mark.parametrize("kind", KINDS)
def test_frequency_under_an_lfu_policy(hosted: Hosted, kind: str) -> None:
    hosted.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    hosted.do(*MADE[kind][2][0])
    assert hosted.do("OBJECT", "FREQ", "k") == 5


@pytest.mark.parametrize("wanted", ["string", "list", "set", "hash", "zset", "stream", "ZSet", "nothing"])
def test_scan_by_type(hosted: Hosted, wanted: str) -> None:
    for kind in KINDS:
        make(hosted, kind)
        hosted.do("RENAME", "k", kind)
    found = keys_in(hosted.do("SCAN", "0", "COUNT", "100", "TYPE", wanted))
    assert found == sorted(kind.encode() for kind in KINDS if MADE[kind][0] == wanted.lower())


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_equal_and_independent(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    before = digest(hosted, "k")
    assert hosted.do("COPY", "k", "copy") == 1
    assert digest(hosted, "copy") == before
    assert hosted.do("OBJECT", "ENCODING", "copy") == MADE[kind][1].encode()
    hosted.do("DEL", "k")
    assert digest(hosted, "copy") == before
    assert hosted.do("MEMORY", "AUDIT") == OK


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_may_replace_a_key_of_another_database_and_keeps_the_expire_time(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    hosted.do("EXPIRE", "k", "100")
    hosted.do("SELECT", "1")
    hosted.do("SET", "k", "x")
    hosted.do("SELECT", "0")
    assert hosted.do("COPY", "k", "k", "DB", "1") == 0
    assert hosted.do("COPY", "k", "k", "DB", "1", "REPLACE") == 1
    hosted.do("SELECT", "1")
    assert hosted.do("TYPE", "k") == Simple(MADE[kind][0].encode())
    assert hosted.do("TTL", "k") == 100
    assert hosted.do("MEMORY", "AUDIT") == OK


@pytest.mark.parametrize("kind", KINDS)
def test_renaming_and_moving_a_key_keep_the_value(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    before = digest(hosted, "k")
    hosted.do("SET", "other", "x")
    assert hosted.do("RENAME", "k", "other") == OK
    assert digest(hosted, "other") == before
    assert hosted.do("MOVE", "other", "1") == 1
    assert hosted.do("EXISTS", "other") == 0
    assert hosted.do("SWAPDB", "0", "1") == OK
    assert digest(hosted, "other") == before
    assert hosted.do("MEMORY", "AUDIT") == OK


@pytest.mark.parametrize("kind", KINDS)
def test_deleting_frees_all_memory(hosted: Hosted, kind: str) -> None:
    for command in (["DEL", "k"], ["UNLINK", "k"]):
        for _ in range(2):  # the second time, whatever is allocated only once has been allocated
            before = int(hosted.engine.allocator.used_memory)
            make(hosted, kind)
            hosted.do(*command)
        assert int(hosted.engine.allocator.used_memory) == before


# For a set in a hash table Redis counts an entry for each member, though the first one of a bucket has none.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "big set"])
def test_memory_usage_of_all_samples_is_what_was_allocated(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    hosted.do("MEMORY", "USAGE", "k")
    reply = hosted.do("MEMORY", "USAGE", "k", "SAMPLES", "0")
    hosted.do("DEL", "none")
    before = int(hosted.engine.allocator.used_memory)
    hosted.do("DEL", "k")
    if kind == "stream":  # the consumer group's tree is estimated
        assert isinstance(reply, int)
        return
    assert reply == before - int(hosted.engine.allocator.used_memory)


# DEBUG.


@pytest.mark.parametrize("kind", KINDS)
def test_debug_object_names_the_encoding(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    reply = hosted.do("DEBUG", "OBJECT", "k")
    assert isinstance(reply, Simple)
    assert f" refcount:1 encoding:{MADE[kind][1]} ".encode() in reply.text
    assert (b" ql_nodes:" in reply.text) == (MADE[kind][1] == "quicklist")


@pytest.mark.parametrize("kind", KINDS)
def test_htstats_key_describes_a_hash_table_if_the_value_has_one(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    reply = hosted.do("DEBUG", "HTSTATS-KEY", "k")
    if MADE[kind][1] in {"hashtable", "skiplist"}:
        assert isinstance(reply, bytes | Verbatim)
        assert "number of elements: 2" in repr(reply)
    else:
        assert reply == Error(b"ERR The value stored at the specified key is not represented using an hash table")


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_value_in_a_listpack_is_printed_as_a_listpack(hosted: Hosted, kind: str) -> None:
    make(hosted, kind)
    reply = hosted.do("DEBUG", "LISTPACK", "k")
    if MADE[kind][1] == "listpack":
        assert reply == Simple(b"Listpack structure printed on stdout")
    else:
        assert reply == Error(b"ERR Not a listpack encoded object.")


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("list", ["listpack of 15 bytes, 3 entries", "  0: 3 bytes, 'a'", "  1: 3 bytes, 'b'", "  2: 2 bytes, '7'"]),
        ("hash", ["listpack of 18 bytes, 4 entries", "  0: 3 bytes, 'f'", "  1: 3 bytes, 'v'"]),
        ("set", ["listpack of 15 bytes, 3 entries", "  0: 3 bytes, 'a'"]),
        ("sorted set", ["listpack of 20 bytes, 4 entries", "  0: 3 bytes, 'a'", "  1: 5 bytes, '1.5'"]),
    ],
)
def test_the_entries_of_a_listpack_go_to_the_log(hosted: Hosted, kind: str, lines: list[str]) -> None:
    make(hosted, kind)
    hosted.do("DEBUG", "LISTPACK", "k")
    assert hosted.host.logged[: len(lines)] == [("notice", line) for line in lines]


def test_the_nodes_of_a_quicklist_go_to_the_log(hosted: Hosted) -> None:
    make(hosted, "long list")
    assert hosted.do("DEBUG", "QUICKLIST", "k") == Simple(b"Quicklist structure printed on stdout")
    assert [line for _, line in hosted.host.logged] == [
        "quicklist of 2 nodes, 3 elements, fill -2, compress depth 0",
        "node 0: listpack of 5014 bytes, 1 elements",
        "node 1: listpack of 5017 bytes, 2 elements",
    ]


def test_the_elements_of_a_quicklist_go_to_the_log_if_that_is_asked_for(hosted: Hosted) -> None:
    make(hosted, "long list")
    hosted.do("DEBUG", "QUICKLIST", "k", "1")
    assert hosted.host.logged[-1] == ("notice", "  1: 3 bytes, 'z'")


def test_a_small_list_is_no_quicklist(hosted: Hosted) -> None:
    make(hosted, "list")
    assert hosted.do("DEBUG", "QUICKLIST", "k") == Error(b"ERR Not a quicklist encoded object.")


@pytest.mark.needs_redis
@pytest.mark.parametrize("kind", KINDS)
def test_digests_are_those_of_redis(hosted: Hosted, real: Server, kind: str) -> None:
    make(hosted, kind)
    hosted.do("EXPIRE", "k", "100")
    with real.connect() as wire:
        for command in [*MADE[kind][2], ["EXPIRE", "k", "100"]]:
            wire.do(*command)
        theirs = wire.do("DEBUG", "DIGEST-VALUE", "k", "none"), wire.do("DEBUG", "DIGEST")
    assert (hosted.reply("DEBUG", "DIGEST-VALUE", "k", "none"), hosted.reply("DEBUG", "DIGEST")) == theirs


def test_object_of_a_missing_key_is_null(hosted: Hosted) -> None:
    for word in ("ENCODING", "REFCOUNT", "IDLETIME", "FREQ"):
        assert hosted.do("OBJECT", word, "none") is None
