"""What commands mean in a trace."""

from __future__ import annotations

import pytest

from pyredmem.lab.commands import Operation, operations_of
from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, TYPES, WRITE

NOW_MS = 1_000_000_000_000
LIST, HASH, SET, ZSET, STREAM = (TYPES.index(name) for name in ("list", "hash", "set", "zset", "stream"))


def found(text: str) -> list[Operation]:
    return list(operations_of(text.encode().split(), NOW_MS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET a", [Operation(READ, b"a", kind=1)]),
        ("get a", [Operation(READ, b"a", kind=1)]),
        ("MGET a b", [Operation(READ, b"a", kind=1), Operation(READ, b"b", kind=1)]),
        ("SET a 12345", [Operation(WRITE, b"a", 5, NO_TTL, 1)]),
        ("SET a 12345 EX 10", [Operation(WRITE, b"a", 5, 10_000, 1)]),
        ("SET a 12345 NX px 10", [Operation(WRITE, b"a", 5, 10, 1)]),
        ("SET a 12345 PXAT 1000000000500", [Operation(WRITE, b"a", 5, 500, 1)]),
        ("SET a 12345 EXAT 5", [Operation(WRITE, b"a", 5, 0, 1)]),
        ("SET a 12345 KEEPTTL", [Operation(WRITE, b"a", 5, KEEP_TTL, 1)]),
        ("SETEX a 7 xyz", [Operation(WRITE, b"a", 3, 7000, 1)]),
        ("PSETEX a 7 xyz", [Operation(WRITE, b"a", 3, 7, 1)]),
        ("MSET a 1 b 22", [Operation(WRITE, b"a", 1, NO_TTL, 1), Operation(WRITE, b"b", 2, NO_TTL, 1)]),
        ("INCR a", [Operation(WRITE, b"a", kind=1)]),
        ("DEL a b", [Operation(DELETE, b"a"), Operation(DELETE, b"b")]),
        ("GETDEL a", [Operation(READ, b"a", kind=1), Operation(DELETE, b"a", kind=1)]),
        ("GETEX a", [Operation(READ, b"a", kind=1)]),
        ("GETEX a EX 5", [Operation(READ, b"a", kind=1), Operation(EXPIRE, b"a", ttl_ms=5000, kind=1)]),
        ("GETEX a PERSIST", [Operation(READ, b"a", kind=1), Operation(EXPIRE, b"a", ttl_ms=NO_TTL, kind=1)]),
        ("EXPIRE a 5", [Operation(EXPIRE, b"a", ttl_ms=5000)]),
        ("PEXPIREAT a 1000000000009", [Operation(EXPIRE, b"a", ttl_ms=9)]),
        ("PERSIST a", [Operation(EXPIRE, b"a", ttl_ms=NO_TTL)]),
        ("HSET a field value", [Operation(WRITE, b"a", 10, KEEP_TTL, HASH)]),
        ("HGET a field", [Operation(READ, b"a", kind=HASH)]),
        ("LPUSH a one two", [Operation(WRITE, b"a", 6, KEEP_TTL, LIST)]),
        ("SADD a one", [Operation(WRITE, b"a", 3, KEEP_TTL, SET)]),
        ("ZADD a 1 one", [Operation(WRITE, b"a", 4, KEEP_TTL, ZSET)]),
        ("XADD a * f v", [Operation(WRITE, b"a", 3, KEEP_TTL, STREAM)]),
        ("RENAME a b", [Operation(DELETE, b"a"), Operation(WRITE, b"b")]),
        ("EXISTS a", []),
        ("PING", []),
        ("NONSENSE a", []),
        ("SET a", []),
        ("EVAL return 1 a", []),
        ("CONFIG SET maxmemory 5", []),
    ],
)
def test_a_command_as_operations(text: str, expected: list[Operation]) -> None:
    assert found(text) == expected
