"""The list group."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.grammar import (
    INTEGER,
    KEY,
    RANGE_END,
    VALUE,
    form,
    one_of,
    option,
    options,
    sequence,
    some,
    words,
)


def _series(pattern: bytes, count: int) -> list[bytes]:
    return [pattern % number for number in range(count)]


ELEMENT = one_of(words(b"a", b"b", b"c", b"1", b"2", b"", b"a" * 63, b"a" * 64, b"b" * 4096), VALUE)
# Enough elements for several nodes; a few are repeated again and again.
MANY = st.sampled_from(
    [
        _series(b"%d", 600),
        _series(b"element:%010d", 500),
        [b"a", b"b", b"c"] * 200,
        [b"a" * 300, b"b"] * 40,
        [b"c" * 5000, b"a"] * 3,
        _series(b"-%d", 200),
    ]
)
ELEMENTS = one_of(some(ELEMENT), some(ELEMENT), MANY)
COUNT = one_of(words(b"0", b"1", b"2", b"3", b"10", b"300", b"-1", b"-2"), INTEGER)
SMALL_INDEX = words(b"0", b"-1", b"1", b"2", b"-2", b"299", b"-299")
INDEX = one_of(SMALL_INDEX, RANGE_END)
#: Of an index with more than 32 bits 7.2 takes the low ones, unlike 7.0; `test_scenarios` has those.
INDEX_OF_LSET = one_of(SMALL_INDEX, words(b"2147483647", b"-2147483648", b"x", b"1.0", b"", b"9223372036854775808"))
END = words(b"LEFT", b"RIGHT", b"LEFT", b"RIGHT", b"left", b"Right", b"MIDDLE", b"")
SIDE = words(b"BEFORE", b"AFTER", b"before", b"After", b"NEXT")
# Never a time that a client could wait for: outside transactions no command of a sequence blocks.
NO_TIMEOUT = words(b"x", b"-1", b"", b"1e", b"nan", b"-0.5")
KEYS_AND_END = one_of(
    sequence(words(b"1"), KEY, END),
    sequence(words(b"2"), KEY, KEY, END),
    sequence(words(b"0", b"3", b"-1", b"x", b"9223372036854775807"), KEY, END),
)

LISTS = [
    form("RPUSH", KEY, ELEMENTS, weight=8),
    form("LPUSH", KEY, ELEMENTS, weight=8),
    form("LPUSHX", KEY, ELEMENTS),
    form("RPUSHX", KEY, ELEMENTS),
    form("LPOP", KEY, weight=2),
    form("RPOP", KEY, weight=2),
    form("LPOP", KEY, COUNT, weight=2),
    form("RPOP", KEY, COUNT, weight=2),
    form("LLEN", KEY),
    form("LRANGE", KEY, INDEX, INDEX, weight=3),
    form("LINDEX", KEY, INDEX, weight=2),
    form("LSET", KEY, INDEX_OF_LSET, ELEMENT, weight=3),
    form("LINSERT", KEY, SIDE, ELEMENT, ELEMENT, weight=4),
    form("LREM", KEY, COUNT, ELEMENT, weight=3),
    form("LTRIM", KEY, INDEX, INDEX, weight=2),
    form(
        "LPOS",
        KEY,
        ELEMENT,
        options(option("RANK", COUNT), option("COUNT", COUNT), option("MAXLEN", COUNT), ["RANK"], ["NX"]),
        weight=4,
    ),
    form("LMOVE", KEY, KEY, END, END, weight=4),
    form("RPOPLPUSH", KEY, KEY, weight=2),
    form("LMPOP", KEYS_AND_END, options(option("COUNT", COUNT)), weight=3),
    form("BLPOP", KEY, NO_TIMEOUT),
    form("BRPOP", some(KEY), NO_TIMEOUT),
    form("BLMOVE", KEY, KEY, END, END, NO_TIMEOUT),
    form("BRPOPLPUSH", KEY, KEY, NO_TIMEOUT),
    form("BLMPOP", NO_TIMEOUT, KEYS_AND_END, options(option("COUNT", COUNT))),
    form("COPY", KEY, KEY, options(["REPLACE"])),
    form("RENAME", KEY, KEY),
]
