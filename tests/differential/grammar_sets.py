"""The set group.

Chance decides which members SPOP removes, so a sequence pops all members of a set or none. A partial SPOP is tested
with its handler.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.grammar import (
    INTEGER,
    INTEGERS,
    KEY,
    PATTERN,
    VALUE,
    form,
    one_of,
    option,
    options,
    some,
    words,
)
from tests.differential.rules import in_any_order, same_type, scanned
from tests.support.wire import Array, Reply, Set


def as_many(theirs: Reply, ours: Reply) -> str | None:
    """Replies of the same aggregate type and size, whatever they contain."""
    if isinstance(theirs, Array | Set) and isinstance(ours, Array | Set):
        same = type(theirs) is type(ours) and len(theirs.items) == len(ours.items)
        return None if same else "different sizes"
    return same_type(theirs, ours)


def _series(pattern: bytes, start: int, count: int) -> list[bytes]:
    return [pattern % number for number in range(start, start + count)]


NUMBER = words(b"1", b"2", b"3", b"-1", b"100", b"32768", b"-40000", b"3000000000", b"9223372036854775807", *INTEGERS)
WORD = words(b"a", b"b", b"c", b"1", b"2", b"", b"01", b"x" * 64, b"y" * 65, b"\x00\xff\r\n")
MEMBER = one_of(WORD, NUMBER, VALUE)
# Enough members that a single command can cross a limit.
MANY = st.sampled_from(
    [
        _series(b"%d", 0, 128),
        _series(b"m%d", 0, 128),
        _series(b"m%d", 100, 40),
        _series(b"%d", 100, 513),
        _series(b"m%d", 0, 200),
        _series(b"m%d", 0, 199),
        [b"a"] * 129,
        [b"1"] * 513,
    ]
)
MEMBERS = one_of(some(NUMBER), some(WORD), some(MEMBER), MANY)
EXTREMES = words(b"0", b"1000000", b"9223372036854775807", b"-1", b"x", b"", b"1.5", b"9223372036854775808")
REPEATED = words(b"-1", b"-5", b"-100", b"-9223372036854775808", b"0", b"3", b"1000000", b"x")
SOLE = words(b"sole")  # a key that has at most one member

SETS = [
    form("SADD", KEY, MEMBERS, weight=10),
    form("SREM", KEY, MEMBERS, weight=4),
    form("SMOVE", KEY, KEY, MEMBER, weight=3),
    form("SCARD", KEY),
    form("SISMEMBER", KEY, MEMBER),
    form("SMISMEMBER", KEY, some(MEMBER)),
    form("SMEMBERS", KEY, rule=in_any_order),
    form("SINTER", some(KEY), rule=in_any_order, weight=2),
    form("SUNION", some(KEY), rule=in_any_order, weight=2),
    form("SDIFF", some(KEY), rule=in_any_order, weight=2),
    form("SINTERSTORE", KEY, some(KEY), weight=2),
    form("SUNIONSTORE", KEY, some(KEY), weight=2),
    form("SDIFFSTORE", KEY, some(KEY), weight=2),
    form("SINTERCARD", words(b"1", b"2", b"1", b"0", b"3", b"-1", b"x"), some(KEY), weight=2),
    form("SINTERCARD", words(b"1", b"2"), some(KEY, 1, 2), options(option("LIMIT", INTEGER)), weight=2),
    form("SPOP", KEY, EXTREMES, rule=in_any_order, weight=2),
    form("SPOP", KEY, EXTREMES, words(b"x", b"1")),
    form("SADD", SOLE, words(b"only")),
    form("SPOP", SOLE),
    form("SRANDMEMBER", SOLE),
    form("SRANDMEMBER", KEY, rule=same_type),
    form("SRANDMEMBER", KEY, EXTREMES.filter(lambda one: one != [b"-1"]), rule=in_any_order),
    form("SRANDMEMBER", KEY, REPEATED, rule=as_many, weight=2),
    form("SSCAN", KEY, words(b"0"), words([b"COUNT", b"1000000"]), rule=scanned, weight=2),
    form("SSCAN", KEY, words(b"0"), words([b"COUNT", b"1000000"]), option("MATCH", PATTERN), rule=scanned),
    form("SSCAN", KEY, words(b"x", b"-", b""), options(["MATCH", "*"], ["COUNT", "0"], ["TYPE", "set"]), rule=as_many),
    form("SSCAN", KEY, words(b"0"), options(["COUNT", "0"], ["TYPE", "set"], ["MATCH"], ["COUNT", "x"]), rule=as_many),
]
