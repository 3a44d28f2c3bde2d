"""The string group."""

from __future__ import annotations

from tests.differential.grammar import (
    EXPIRY,
    FLOAT,
    INTEGER,
    KEY,
    MILLISECONDS_TO_LIVE,
    OFFSET,
    RANGE_END,
    SECONDS_TO_LIVE,
    VALUE,
    form,
    option,
    options,
    sequence,
    some,
)

STRINGS = [
    form("SET", KEY, VALUE, weight=4),
    form("SET", KEY, VALUE, options(EXPIRY, ["NX"], ["XX"], ["GET"], ["KEEPTTL"]), weight=4),
    form("GET", KEY, weight=2),
    form("GETDEL", KEY),
    form("GETEX", KEY, options(EXPIRY, ["PERSIST"])),
    form("GETSET", KEY, VALUE),
    form("GETRANGE", KEY, RANGE_END, RANGE_END),
    form("SUBSTR", KEY, RANGE_END, RANGE_END),
    form("SETRANGE", KEY, OFFSET, VALUE, weight=2),
    form("STRLEN", KEY),
    form("APPEND", KEY, VALUE, weight=2),
    form("SETNX", KEY, VALUE),
    form("SETEX", KEY, SECONDS_TO_LIVE, VALUE),
    form("PSETEX", KEY, MILLISECONDS_TO_LIVE, VALUE),
    form("MGET", some(KEY)),
    form("MSET", some(sequence(KEY, VALUE))),
    form("MSETNX", some(sequence(KEY, VALUE))),
    form("INCR", KEY),
    form("DECR", KEY),
    form("INCRBY", KEY, INTEGER, weight=2),
    form("DECRBY", KEY, INTEGER, weight=2),
    form("INCRBYFLOAT", KEY, FLOAT, weight=2),
    form("LCS", KEY, KEY, options(["LEN"], ["IDX"], ["WITHMATCHLEN"], option("MINMATCHLEN", INTEGER))),
]
