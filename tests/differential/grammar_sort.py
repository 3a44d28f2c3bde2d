"""SORT and SORT_RO over lists, sets and sorted sets, with other keys to sort by and to fetch.

Elements that compare equal have no defined order, nor have the members of a set with BY nosort. Such replies are
compared as multisets.
"""

from __future__ import annotations

from tests.differential.grammar import INTEGER, KEY, form, maybe, one_of, option, options, sequence, some, words
from tests.differential.rules import in_any_order

_ELEMENTS = (b"1", b"2", b"3", b"10", b"-1", b"1.5", b"1e3", b"0x10", b"inf", b"-0", b"0")
NUMBER = words(*_ELEMENTS)
ODD = words(b"a", b"b", b"", b" 1", b"1 ", b"nan", b"A", b"ab", b"a\x00b", b"a\x00a", b"\xff", b"1\x00x")
ELEMENT = one_of(NUMBER, NUMBER, NUMBER, NUMBER, ODD)
ELEMENTS = one_of(some(NUMBER, 1, 6), some(ELEMENT, 1, 6))
# The keys that the patterns below make from the elements.
WEIGHT_KEY = words(*(b"w_" + element for element in _ELEMENTS), b"w_a", b"w_b", b"w_", b"#1", b"1")
FIELD_KEY = words(*(b"h_" + element for element in _ELEMENTS), b"h_a", b"h_b->", b"h_->x")
FIELD = words(b"f", b"g", b"", b"->f")
BY = words(b"w_*", b"h_*->f", b"h_*->g", b"h_*->", b"*", b"none_*", b"w_*->f", b"h_*->->f")
CONSTANT = words(b"nosort", b"", b"#", b"x\x00*")
GET = words(b"#", b"w_*", b"h_*->f", b"h_*->g", b"h_*->", b"fixed", b"*", b"h_*->f*", b"#\x00x", b"w_*\x00")
OFFSET = one_of(words(b"0", b"1", b"2", b"-1", b"100"), INTEGER)
LIMIT = sequence(words(b"LIMIT"), OFFSET, OFFSET)
DIRECTION = (["ASC"], ["DESC"])
GETS = maybe(some(option("GET", GET), 1, 3))
STORE = option("STORE", KEY)
LIST, SET, SORTED_SET = words(b"list"), words(b"set"), words(b"zset")
SORTABLE = words(b"list", b"set", b"zset", b"a", b"b", b"c")
ORDERED = words(b"list", b"zset")

SORTING = [
    form("RPUSH", LIST, ELEMENTS, weight=3),
    form("SADD", SET, ELEMENTS, weight=3),
    form("ZADD", SORTED_SET, some(sequence(words(b"1", b"2", b"-1", b"1.5"), ELEMENT)), weight=3),
    form("SET", WEIGHT_KEY, ELEMENT, weight=4),
    form("HSET", FIELD_KEY, FIELD, ELEMENT, weight=4),
    form("SET", KEY, ELEMENT),
    form("SORT", SORTABLE, options(*DIRECTION, LIMIT), weight=3),
    form("SORT_RO", SORTABLE, options(*DIRECTION, LIMIT, option("BY", BY))),
    form("SORT", SORTABLE, option("BY", BY), options(*DIRECTION), GETS, weight=3),
    form("SORT", SORTABLE, option("BY", BY), words(b"ALPHA"), rule=in_any_order),
    form("SORT", ORDERED, words(b"ALPHA"), options(*DIRECTION), GETS, rule=in_any_order),
    form("SORT", SORTABLE, words(b"ALPHA"), options(*DIRECTION), STORE, GETS, weight=2),
    form("SORT", SORTABLE, options(*DIRECTION, LIMIT), GETS, STORE, weight=2),
    form("SORT", SORTABLE, option("BY", BY), options(LIMIT, STORE, *DIRECTION)),
    form("SORT", ORDERED, option("BY", CONSTANT), options(*DIRECTION, LIMIT, STORE), GETS, weight=3),
    form("SORT", SET, option("BY", CONSTANT), options(*DIRECTION), rule=in_any_order),
    form("SORT", SET, option("BY", CONSTANT), options(*DIRECTION, LIMIT), STORE, GETS),
    form("SORT", ORDERED, options(["BY"], ["GET"], ["STORE"], ["LIMIT", "1"], ["LIMIT", "x", "1"], ["FOO"])),
    form("SORT_RO", ORDERED, options(STORE, ["BY"], ["GET"])),
]
