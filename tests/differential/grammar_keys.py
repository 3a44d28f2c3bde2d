"""The generic group: names, expiry, iteration, and what OBJECT shows."""

from __future__ import annotations

from tests.differential.grammar import (
    DATABASE,
    EXPIRY,
    INTEGER,
    KEY,
    MILLISECOND,
    MILLISECONDS_TO_LIVE,
    PATTERN,
    SECOND,
    SECONDS_TO_LIVE,
    TYPES,
    VALUE,
    form,
    option,
    options,
    sequence,
    some,
    words,
)
from tests.differential.rules import MILLISECONDS, SECONDS, exactly, in_any_order, same_type, scanned
from tests.support.wire import Integer, Reply


def references(theirs: Reply, ours: Reply) -> str | None:
    """OBJECT REFCOUNT. In Redis a command of a running transaction refers to the value that it stored as well."""
    if isinstance(theirs, Integer) and isinstance(ours, Integer) and (theirs.value, ours.value) == (2, 1):
        return None
    return exactly(theirs, ours)


# GT and LT compare milliseconds, so the times must be absolute to be the same on both servers.
CONDITIONS = options(["NX"], ["XX"], ["GT"], ["LT"])
PRESENCE = options(["NX"], ["XX"])

EXPIRY_COMMANDS = [
    form("SET", KEY, VALUE, weight=3),
    form("SET", KEY, VALUE, EXPIRY, weight=2),
    form("EXPIRE", KEY, SECONDS_TO_LIVE, PRESENCE, weight=2),
    form("PEXPIRE", KEY, MILLISECONDS_TO_LIVE, PRESENCE, weight=2),
    form("EXPIREAT", KEY, SECOND, CONDITIONS, weight=2),
    form("PEXPIREAT", KEY, MILLISECOND, CONDITIONS, weight=2),
    form("PERSIST", KEY),
    form("TTL", KEY, rule=SECONDS),
    form("PTTL", KEY, rule=MILLISECONDS),
    form("EXPIRETIME", KEY, rule=SECONDS),
    form("PEXPIRETIME", KEY, rule=MILLISECONDS),
]

KEYS_COMMANDS = [
    form("SET", KEY, VALUE, weight=4),
    form("MSET", some(sequence(KEY, VALUE))),
    form("APPEND", KEY, VALUE),
    form("EXPIRE", KEY, SECONDS_TO_LIVE),
    form("DEL", some(KEY)),
    form("UNLINK", some(KEY)),
    form("EXISTS", some(KEY)),
    form("TOUCH", some(KEY)),
    form("TYPE", KEY),
    form("RENAME", KEY, KEY, weight=2),
    form("RENAMENX", KEY, KEY, weight=2),
    form("COPY", KEY, KEY, options(["REPLACE"], option("DB", DATABASE)), weight=3),
    form("MOVE", KEY, DATABASE, weight=2),
    form("SELECT", DATABASE),
    form("SWAPDB", DATABASE, DATABASE),
    form("KEYS", PATTERN, rule=in_any_order),
    form("RANDOMKEY", rule=same_type),
    form("DBSIZE"),
    form("FLUSHDB", words([], [], [b"ASYNC"], [b"SYNC"], [b"x"])),
    form("FLUSHALL", words([], [b"ASYNC"], [b"SYNC"], [b"x"])),
    form("OBJECT ENCODING", KEY),
    form("OBJECT REFCOUNT", KEY, rule=references),
    # All keys that hold a shared integer share its access time, which an earlier test may have set.
    form("OBJECT IDLETIME", KEY, rule=same_type),
    form("OBJECT FREQ", KEY),
    form("TTL", KEY, rule=SECONDS),
    form("GET", KEY),
    form("WAIT", words(b"0"), words(b"0", b"1")),
]

SCAN_COMMANDS = [
    form("MSET", some(sequence(KEY, VALUE)), weight=3),
    form("DEL", some(KEY)),
    form(
        "SCAN",
        words(b"0", b"0", b"0", b"x", b"", b"0 "),
        words([b"COUNT", b"1000"]),
        options(
            option("MATCH", PATTERN),
            option("TYPE", words(*TYPES)),
            option("COUNT", words(b"1000", b"0", b"x")),
        ),
        rule=scanned,
        weight=4,
    ),
    form("SCAN", words(b"0"), options(option("COUNT", INTEGER)), words([b"COUNT", b"1000"]), rule=scanned),
]
