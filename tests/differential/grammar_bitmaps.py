"""The bitmap group."""

from __future__ import annotations

from tests.differential.grammar import (
    KEY,
    OFFSET,
    RANGE_END,
    VALUE,
    form,
    maybe,
    one_of,
    sequence,
    some,
    words,
)

BIT = words(b"0", b"1", b"1", b"0", b"2", b"-1", b"x")
KIND = words(b"u8", b"i8", b"u1", b"i1", b"u63", b"i64", b"u64", b"i65", b"u0", b"i0", b"u16", b"i5", b"x8", b"u", b"")
PLACE = words(b"0", b"#0", b"1", b"#1", b"7", b"#3", b"100", b"#", b"-1", b"#-1", b"x", b"4294967296")
AMOUNT = words(b"1", b"0", b"-1", b"10", b"255", b"256", b"-128", b"127", b"9223372036854775807", b"x")
UNIT = maybe(words(b"BYTE", b"BIT", b"bit", b"x"))
SUBCOMMAND = one_of(
    sequence(words(b"GET"), KIND, PLACE),
    sequence(words(b"SET"), KIND, PLACE, AMOUNT),
    sequence(words(b"INCRBY"), KIND, PLACE, AMOUNT),
    sequence(words(b"OVERFLOW"), words(b"WRAP", b"SAT", b"FAIL", b"sat", b"x")),
)

BITMAPS = [
    form("SET", KEY, VALUE, weight=2),
    form("SETBIT", KEY, OFFSET, BIT, weight=4),
    form("GETBIT", KEY, OFFSET),
    form("BITCOUNT", KEY, weight=2),
    form("BITCOUNT", KEY, RANGE_END, RANGE_END, UNIT, weight=2),
    form("BITPOS", KEY, BIT, weight=2),
    form("BITPOS", KEY, BIT, RANGE_END),
    form("BITPOS", KEY, BIT, RANGE_END, RANGE_END, UNIT, weight=2),
    form("BITOP", words(b"AND", b"OR", b"XOR", b"NOT", b"xor", b"NAND"), KEY, some(KEY, most=3), weight=3),
    form("BITFIELD", KEY, some(SUBCOMMAND, least=0), weight=4),
    form("BITFIELD_RO", KEY, some(sequence(words(b"GET"), KIND, PLACE), least=0)),
    form("BITFIELD_RO", KEY, some(SUBCOMMAND, least=0)),
    form("GET", KEY),
]
