"""The commands that `flatness.py` measures on collections of each kind, and how the collections are filled.

If a command removes an element, another one adds an element in the same call or before it, so that a collection keeps
its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

PER_FILL = 500  # elements in a command that fills, and commands in a batch
LATER = 5_000_000  # elements with numbers from here on are not in the collection
Command = tuple[bytes, ...]


@dataclass(frozen=True)
class Probe:
    """A command, or a few that undo each other, about the n-th element of ``key``, which is filled as said below."""

    kind: str
    name: str
    commands: Callable[[bytes, int], list[Command]]
    ordered: bool = False  # the numbers are consecutive and new, instead of those of random elements


def member(number: int) -> bytes:
    """The element with a number; all elements have the same length."""
    return b"m%09d" % number


def one(*words: bytes | Callable[[int], bytes]) -> Callable[[bytes, int], list[Command]]:
    """A probe of one command; words that are functions are called with the number of the element."""
    return lambda key, number: [_words(words, key, number)]


def both(*commands: tuple[bytes | Callable[[int], bytes], ...]) -> Callable[[bytes, int], list[Command]]:
    """A probe of several commands."""
    return lambda key, number: [_words(words, key, number) for words in commands]


def _words(words: tuple[bytes | Callable[[int], bytes], ...], key: bytes, number: int) -> Command:
    first, *rest = words
    assert isinstance(first, bytes)
    at = 1 if first == b"OBJECT" else 0
    given = [word if isinstance(word, bytes) else word(number) for word in rest]
    return (first, *given[:at], key, *given[at:])


def score(number: int) -> bytes:
    """The score of an element of the sorted sets."""
    return b"%d" % number


def entry(number: int) -> bytes:
    """The id of an entry of the streams."""
    return b"%d-1" % (number + 1)


def place(number: int) -> bytes:
    """A longitude or latitude, another one for each element."""
    return b"%.6f" % (number * 7919 % 80_000_000 / 1e6)


def new_member(number: int) -> bytes:
    """An element that is not in the collection."""
    return member(number + LATER)


def new_entry(number: int) -> bytes:
    """An id after those of all entries."""
    return entry(number + LATER)


def new_score(number: int) -> bytes:
    """The score of a new element."""
    return score(number + LATER)


PROBES = [
    Probe("list", "LINDEX 0", one(b"LINDEX", b"0")),
    Probe("list", "LINDEX -1", one(b"LINDEX", b"-1")),
    Probe("list", "LLEN", one(b"LLEN")),
    Probe("list", "LPUSH + LPOP", both((b"LPUSH", member), (b"LPOP",))),
    Probe("list", "RPUSH + RPOP", both((b"RPUSH", member), (b"RPOP",))),
    Probe("list", "LPUSH + RPOP", both((b"LPUSH", member), (b"RPOP",))),
    Probe("list", "LSET 0", one(b"LSET", b"0", member)),
    Probe("list", "LRANGE 0 9", one(b"LRANGE", b"0", b"9")),
    Probe("list", "LMOVE onto itself", lambda key, _: [(b"LMOVE", key, key, b"LEFT", b"RIGHT")]),
    Probe("hash", "HGET", one(b"HGET", member)),
    Probe("hash", "HSET, field there", one(b"HSET", member, b"value")),
    Probe("hash", "HSET, new field + HDEL", both((b"HSET", new_member, b"value"), (b"HDEL", new_member))),
    Probe("hash", "HDEL + HSET", both((b"HDEL", member), (b"HSET", member, b"value"))),
    Probe("hash", "HEXISTS", one(b"HEXISTS", member)),
    Probe("hash", "HLEN", one(b"HLEN")),
    Probe("hash", "HMGET of 3", one(b"HMGET", member, new_member, member)),
    Probe("hash", "HSTRLEN", one(b"HSTRLEN", member)),
    Probe("hash", "HRANDFIELD", one(b"HRANDFIELD")),
    Probe("hash", "HRANDFIELD 5", one(b"HRANDFIELD", b"5")),
    Probe("hash", "HSCAN, one call", one(b"HSCAN", lambda n: b"%d" % n)),
    Probe("set", "SISMEMBER", one(b"SISMEMBER", member)),
    Probe("set", "SMISMEMBER of 2", one(b"SMISMEMBER", member, new_member)),
    Probe("set", "SCARD", one(b"SCARD")),
    Probe("set", "SADD + SREM", both((b"SADD", new_member), (b"SREM", new_member))),
    Probe("set", "SREM + SADD", both((b"SREM", member), (b"SADD", member))),
    Probe("set", "SPOP + SADD", both((b"SPOP",), (b"SADD", new_member)), ordered=True),
    Probe("set", "SRANDMEMBER", one(b"SRANDMEMBER")),
    Probe("set", "SRANDMEMBER 5", one(b"SRANDMEMBER", b"5")),
    Probe("zset", "ZSCORE", one(b"ZSCORE", member)),
    Probe("zset", "ZMSCORE of 2", one(b"ZMSCORE", member, new_member)),
    Probe("zset", "ZCARD", one(b"ZCARD")),
    Probe("zset", "ZADD + ZREM", both((b"ZADD", score, new_member), (b"ZREM", new_member))),
    Probe("zset", "ZADD, other score", both((b"ZADD", new_score, member), (b"ZADD", score, member))),
    Probe("zset", "ZINCRBY", both((b"ZINCRBY", b"1000.5", member), (b"ZINCRBY", b"-1000.5", member))),
    Probe("zset", "ZRANK", one(b"ZRANK", member)),
    Probe("zset", "ZREVRANK", one(b"ZREVRANK", member)),
    Probe("zset", "ZRANGE by rank, 10 deep inside", one(b"ZRANGE", lambda n: b"%d" % n, lambda n: b"%d" % (n + 9))),
    Probe("zset", "ZRANGE by score, LIMIT 10",
          one(b"ZRANGE", score, b"+inf", b"BYSCORE", b"LIMIT", b"0", b"10")),
    Probe("zset", "ZRANGE by score, LIMIT at 1/2",
          one(b"ZRANGE", score, lambda n: score(n + 9), b"BYSCORE")),
    Probe("zset", "ZREVRANGE by rank", one(b"ZREVRANGE", lambda n: b"%d" % n, lambda n: b"%d" % (n + 9))),
    Probe("zset", "ZCOUNT", one(b"ZCOUNT", score, b"+inf")),
    Probe("zset", "ZLEXCOUNT", one(b"ZLEXCOUNT", b"-", b"+")),
    Probe("zset", "ZPOPMIN + ZADD", both((b"ZPOPMIN",), (b"ZADD", score, new_member)), ordered=True),
    Probe("zset", "ZPOPMAX + ZADD", both((b"ZPOPMAX",), (b"ZADD", score, new_member)), ordered=True),
    Probe("zset", "ZRANDMEMBER", one(b"ZRANDMEMBER")),
    Probe("zset", "ZREMRANGEBYRANK 0 0 + ZADD",
          both((b"ZREMRANGEBYRANK", b"0", b"0"), (b"ZADD", score, new_member)), ordered=True),
    Probe("stream", "XLEN", one(b"XLEN")),
    Probe("stream", "XRANGE of one id", one(b"XRANGE", entry, entry)),
    Probe("stream", "XRANGE COUNT 10", one(b"XRANGE", entry, b"+", b"COUNT", b"10")),
    Probe("stream", "XREVRANGE COUNT 1", one(b"XREVRANGE", b"+", b"-", b"COUNT", b"1")),
    Probe("stream", "XREAD COUNT 1", lambda key, n: [(b"XREAD", b"COUNT", b"1", b"STREAMS", key, entry(n))]),
    Probe("stream", "XDEL of none", one(b"XDEL", lambda n: entry(n + 3 * LATER))),
    Probe("stream", "XGROUP SETID + XREADGROUP + XACK", lambda key, n: [
        (b"XGROUP", b"SETID", key, b"g", b"%d-1" % n),
        (b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"1", b"STREAMS", key, b">"),
        (b"XACK", key, b"g", entry(n)),
    ]),
    Probe("stream", "XPENDING", one(b"XPENDING", b"g")),
    Probe("stream", "XADD", one(b"XADD", new_entry, b"f", b"v"), ordered=True),
    Probe("stream", "XADD MAXLEN ~", lambda key, n: [(b"XADD", key, b"MAXLEN", b"~", b"10000000", new_entry(n + LATER),
                                                     b"f", b"v")], ordered=True),
    Probe("hll", "PFADD", one(b"PFADD", member)),
    Probe("hll", "PFCOUNT", one(b"PFCOUNT")),
    Probe("geo", "GEOADD + ZREM", both((b"GEOADD", place, place, new_member), (b"ZREM", new_member))),
    Probe("geo", "GEODIST", one(b"GEODIST", member, member)),
    Probe("geo", "GEOPOS", one(b"GEOPOS", member)),
    Probe("geo", "GEOHASH", one(b"GEOHASH", member)),
    Probe("set", "OBJECT ENCODING", one(b"OBJECT", b"ENCODING")),
    Probe("zset", "MEMORY USAGE", lambda key, _: [(b"MEMORY", b"USAGE", key)]),
    Probe("hash", "RENAME there and back", lambda key, _: [(b"RENAME", key, b"away"), (b"RENAME", b"away", key)]),
]  # fmt: skip


# Filling.

#: For each kind the command that adds elements, and the arguments for one element.
FILLERS: dict[str, tuple[bytes, Callable[[int], list[bytes]]]] = {
    "list": (b"RPUSH", lambda n: [member(n)]),
    "hash": (b"HSET", lambda n: [member(n), b"value"]),
    "set": (b"SADD", lambda n: [member(n)]),
    "zset": (b"ZADD", lambda n: [score(n), member(n)]),
    "stream": (b"XADD", lambda n: [entry(n), b"f", b"v"]),
    "hll": (b"PFADD", lambda n: [member(n)]),
    "geo": (b"GEOADD", lambda n: [place(n), place(n), member(n)]),
}
#: Lookups that let a rehash go on by one bucket each.
LOOKUPS = {"hash": b"HEXISTS", "set": b"SISMEMBER", "zset": b"ZSCORE", "geo": b"ZSCORE"}


def filling(kind: str, key: bytes, size: int) -> Iterator[list[Command]]:
    """Batches of commands that make a collection of ``size`` elements, and end the rehash of its hash table."""
    command, words_of = FILLERS[kind]
    if kind == "stream":
        for start in range(0, size, PER_FILL):
            yield [(command, key, *words_of(number)) for number in range(start, min(start + PER_FILL, size))]
        yield [(b"XGROUP", b"CREATE", key, b"g", b"0")]
    else:
        for start in range(0, size, PER_FILL):
            numbers = range(start, min(start + PER_FILL, size))
            yield [(command, key, *[word for number in numbers for word in words_of(number)])]
    if kind in LOOKUPS:
        lookups: list[Command] = [(LOOKUPS[kind], key, member(0))] * PER_FILL
        yield from [lookups] * (size // PER_FILL)
