"""What Redis 8.2 has beyond 7.0: forms that are added to those of a group if a server of that version is the judge."""

from __future__ import annotations

from tests.differential.grammar import (
    FLOAT,
    INTEGER,
    INTEGERS,
    KEY,
    NOT_FLOATS,
    NOT_INTEGERS,
    Form,
    form,
    one_of,
    options,
    some,
    words,
)
from tests.differential.grammar import sequence as seq
from tests.differential.grammar_streams import CONSUMER, COUNT, FIELDS, GROUP, ID, LIMIT, NEW_ID, TRIM
from tests.differential.rules import same_key_sizes, same_type, scanned

REFERENCES = words(b"KEEPREF", b"DELREF", b"ACKED", b"acked")
IDS = one_of(
    *[seq(words([b"IDS", b"%d" % count]), some(ID, count, count)) for count in (1, 2, 3)],
    seq(words(b"IDS", b"ids"), one_of(words(b"1", b"2"), INTEGER), some(ID, least=0)),
)
CURSOR = words(*NOT_INTEGERS, *INTEGERS, b"\t1", b"--1", b"-18446744073709551615")

#: Commands that 8.2.3 cannot be asked, and why.
BROKEN = {
    "AUTH": "a wrong password in EXEC has no reply there, so that the others are taken for replies to its neighbours"
}

#: How many keys have which size, which every command that writes must keep up to date. BITFIELD of 8.2.3 does not: it
#: lengthens an empty string, which still counts as empty.
SIZES = form("INFO", words(b"keysizes"), rule=same_key_sizes)

NEWER: dict[str, list[Form]] = {
    "bitmaps": [
        form("BITOP", words(b"DIFF", b"DIFF1", b"ANDOR", b"ONE", b"diff", b"DIFF2"), KEY, some(KEY, most=4), weight=4),
        form("BITCOUNT", KEY, some(INTEGER, least=1, most=3)),
    ],
    "geo": [form("GEOPOS", KEY, some(words(b"Palermo", b"Catania", b"a", b"b"), most=3))],
    "sorted sets": [
        form("ZCOUNT", KEY, words(*NOT_FLOATS, b"(0x1", b"0x2", b"1\x002"), FLOAT),
        form("ZRANGEBYSCORE", KEY, FLOAT, words(*NOT_FLOATS, b"( 1", b"+inf", b"1e400"), words([], [b"WITHSCORES"])),
        form("ZRANK", KEY, words(b"a", b"b", b"m"), words(b"WITHSCORE")),
        form("ZREVRANK", KEY, words(b"a", b"b", b"m"), words(b"WITHSCORE")),
    ],
    "scan": [
        form("SCAN", CURSOR, rule=same_type),
        form(
            "HSCAN", KEY, words(b"0"), words([b"COUNT", b"1000"]), options(["NOVALUES"], ["MATCH", "*"]), rule=scanned
        ),
        form("HSCAN", KEY, CURSOR, rule=same_type),
        form("SSCAN", KEY, CURSOR, rule=same_type),
        form("ZSCAN", KEY, CURSOR, rule=same_type),
    ],
    "streams": [
        form("XADD", KEY, options(["NOMKSTREAM"], TRIM, REFERENCES), LIMIT, NEW_ID, FIELDS, weight=4),
        form("XTRIM", KEY, TRIM, LIMIT, REFERENCES, weight=3),
        form("XTRIM", KEY, REFERENCES, TRIM),
        form("XDELEX", KEY, options(REFERENCES), IDS, weight=4),
        form("XDELEX", words(b"a"), IDS, options(REFERENCES), weight=3),
        form("XACKDEL", KEY, GROUP, options(REFERENCES), IDS, weight=4),
        form("XACKDEL", words(b"a"), words(b"g"), words([], [b"ACKED"], [b"DELREF"]), IDS, weight=4),
        form("XREAD", options(COUNT), words(b"STREAMS"), KEY, words(b"+"), weight=2),
        form("XREADGROUP", words(b"GROUP"), GROUP, CONSUMER, words(b"STREAMS"), KEY, words(b"+", b"$")),
    ],
}
