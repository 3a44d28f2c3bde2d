"""Transactions on two connections, and commands that change the state of a connection."""

from __future__ import annotations

from tests.differential.grammar import (
    DATABASE,
    INTEGER,
    KEY,
    MILLISECONDS_TO_LIVE,
    PATTERN,
    VALUE,
    form,
    some,
    words,
)
from tests.differential.rules import MILLISECONDS, ignored, in_any_order, same_type

TRANSACTIONS = [
    form("MULTI", weight=5),
    form("EXEC", weight=5),
    form("DISCARD", weight=1),
    form("WATCH", some(KEY), weight=4),
    form("UNWATCH"),
    form("SET", KEY, VALUE, weight=4),
    form("GET", KEY, weight=2),
    form("INCRBY", KEY, INTEGER, weight=2),
    form("DEL", some(KEY)),
    form("PEXPIRE", KEY, MILLISECONDS_TO_LIVE),
    form("PTTL", KEY, rule=MILLISECONDS),
    form("KEYS", PATTERN, rule=in_any_order),
    form("SELECT", DATABASE),
    form("SWAPDB", DATABASE, DATABASE),
    form("FLUSHDB"),
    form("MOVE", KEY, DATABASE),
    form("RENAME", KEY, KEY),
    form("NOSUCHCOMMAND", some(VALUE, least=0, most=2)),
    form("GET"),
    form("RESET"),
]

CONNECTION = [
    form("PING", words([], [], [b"hello"], [b""], [b"a", b"b"])),
    form("ECHO", VALUE),
    form("SELECT", DATABASE),
    form("CLIENT SETNAME", words(b"name", b"", b"two words", b"new\nline", b"x")),
    form("CLIENT GETNAME"),
    form("CLIENT ID", rule=same_type),
    form("CLIENT INFO", rule=same_type),
    form("CLIENT NO-EVICT", words(b"on", b"off", b"x")),
    form("CLIENT UNPAUSE"),
    form("CLIENT KILL", words([b"ID", b"x"], [b"TYPE", b"nosuch"], [b"1.2.3.4:5"], [b"SKIPME", b"x"], [b"x"])),
    form("CLIENT KILL", words([b"ID", b"999999999"], [b"ADDR", b"1.2.3.4:5"], [b"LADDR", b"x", b"ID", b"0"])),
    form("CLIENT LIST", words([b"TYPE", b"nosuch"], [b"ID"], [b"ID", b"x"], [b"TYPE"], [b"x"]), rule=same_type),
    form("CLIENT LIST", words([], [b"TYPE", b"normal"], [b"ID", b"1"]), rule=same_type),
    form("CLIENT REPLY", words([b"ON"], [b"x"], [])),
    form("CLIENT NOSUCH"),
    form("HELLO", words([], [b"2"], [b"3"], [b"SETNAME"]), rule=ignored),
    form(
        "HELLO",
        words([b"x"], [b"1"], [b"4"], [b"3", b"x"], [b"3", b"AUTH", b"x"], [b"2", b"SETNAME", b"a b"]),
        rule=same_type,
    ),
    form("AUTH", words([b"x"], [b"default", b"x"], [b"nosuch", b"x"], [b"a", b"b", b"c"], [])),
    form("RESET"),
    form("COMMAND COUNT", rule=same_type),
    form(
        "COMMAND GETKEYS",
        words([b"GET", b"a"], [b"MSET", b"a", b"1", b"b", b"2"], [b"PING"], [b"SET", b"a"], [b"x"]),
    ),
    form("COMMAND GETKEYSANDFLAGS", words([b"SET", b"a", b"b"], [b"GETDEL", b"a"], [b"COPY", b"a", b"b"])),
    form("COMMAND INFO", words([b"get"], [b"SET"], [b"nosuch"], [b"get", b"x", b"ping"]), rule=same_type),
    form("OBJECT", words([b"NOSUCH", b"a"], [b"HELP"], [b"ENCODING"], []), rule=same_type),
]
