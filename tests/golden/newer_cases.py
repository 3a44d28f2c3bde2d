"""Keys beyond those that were recorded of Redis 7.2: what newer servers keep in one block, and fields that expire.

Redis 8 and Valkey 9 keep the name of a key, its time to live and a short string in one block, so the length of the name
and the time matter. A case is a category and commands, the last of which that is no CONFIG leaves the key ``key``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

Command = list[bytes | int]
Made = tuple[str, bytes, list[Command]]

NAME_LENGTHS = (
    *(1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 20, 23, 24, 25, 31, 32, 33, 40, 47, 48, 49, 56, 63, 64, 65, 100),
    *(120, 127, 128, 129, 200, 250, 255, 256, 300),
)
VALUE_LENGTHS = (0, 1, 7, 8, 9, 10, 16, 20, 31, 32, 33, 44, 45, 64, 100, 128)
FEW_NAME_LENGTHS = (1, 7, 8, 16, 31, 32, 64, 128, 256, 300)
TIME: Command = [b"EX", 100_000]


def newer_cases() -> Iterator[Made]:
    """The category, the key and the commands of each case, in an order that stays."""
    yield from _strings()
    yield from _other_types()
    yield from _changes()
    yield from _fields_with_times()


def _name(length: int) -> bytes:
    return (b"k" * length)[:length]


def _strings() -> Iterator[Made]:
    for length, size in product(NAME_LENGTHS, VALUE_LENGTHS):
        key = _name(length)
        yield "embedded/string", key, [[b"SET", key, b"x" * size]]
        yield "embedded/string-ttl", key, [[b"SET", key, b"x" * size, *TIME]]
    for length, number in product(NAME_LENGTHS, (7, 12345)):
        key = _name(length)
        yield "embedded/int", key, [[b"SET", key, number]]
        yield "embedded/int-ttl", key, [[b"SET", key, number, *TIME]]


def _builders(key: bytes) -> dict[str, list[Command]]:
    """Commands that make a small and a large value of each type."""
    fields: Command = [word for number in range(10) for word in (b"f%d" % number, b"v%d" % number)]
    many: list[Command] = [[b"HSET", key, b"field:%04d" % number, b"value:%04d" % number] for number in range(600)]
    return {
        "list": [[b"RPUSH", key, *(b"e%d" % number for number in range(10))]],
        "list-nodes": [[b"RPUSH", key, b"x" * 1000] for _ in range(30)],
        "hash": [[b"HSET", key, *fields]],
        "hash-table": many,
        "set-integers": [[b"SADD", key, *range(10)]],
        "set": [[b"SADD", key, *(b"m%d" % number for number in range(10))]],
        "set-table": [[b"SADD", key, b"member:%04d" % number] for number in range(200)],
        "zset": [[b"ZADD", key, *(word for number in range(10) for word in (number, b"m%d" % number))]],
        "zset-skiplist": [[b"ZADD", key, number, b"member:%04d" % number] for number in range(200)],
        "stream": [[b"XADD", key, b"1-%d" % number, b"f", b"v"] for number in range(1, 11)],
        "hyperloglog": [[b"PFADD", key, *(b"e%d" % number for number in range(10))]],
    }


def _other_types() -> Iterator[Made]:
    for length in FEW_NAME_LENGTHS:
        key = _name(length)
        for name, commands in _builders(key).items():
            yield f"embedded/{name}", key, commands
            yield f"embedded/{name}-ttl", key, [*commands, [b"EXPIRE", key, 100_000]]


def _changes() -> Iterator[Made]:
    """A value whose name, time or length changes after it was made."""
    for length, size in product((1, 8, 31, 64, 256), (3, 12, 40, 60)):
        key, value = _name(length), b"x" * size
        made: Command = [b"SET", key, value]
        yield "change/expire", key, [made, [b"EXPIRE", key, 100_000]]
        yield "change/persist", key, [[*made, *TIME], [b"PERSIST", key]]
        yield "change/append", key, [made, [b"APPEND", key, b"yy"]]
        yield "change/append-ttl", key, [[*made, *TIME], [b"APPEND", key, b"yy"]]
        yield "change/setrange", key, [made, [b"SETRANGE", key, 1, b"z"]]
        yield "change/overwrite", key, [[b"SET", key, b"o" * 100], made]
        yield "change/overwrite-int", key, [[b"SET", key, 5], made]
        yield "change/incr", key, [[b"SET", key, 10**7], [b"INCR", key]]
        yield "change/rename", key, [[b"SET", b"other", value], [b"RENAME", b"other", key]]
        yield "change/copy", key, [[b"SET", key + b"2", value], [b"COPY", key + b"2", key], [b"DEL", key + b"2"]]
        yield "change/getex", key, [made, [b"GETEX", key, *TIME]]


def _fields_with_times() -> Iterator[Made]:
    """Hashes whose fields expire: ``fields`` of them, ``timed`` of which have a time."""
    key = b"k"
    for fields, size in product((1, 2, 3, 5, 10, 50, 100, 512), (1, 10, 60)):
        for timed in dict.fromkeys((1, fields // 2 or 1, fields)):
            commands: list[Command] = [[b"HSET", key, b"f%03d" % number, b"x" * size] for number in range(fields)]
            names = [b"f%03d" % number for number in range(timed)]
            commands.append([b"HEXPIRE", key, 100_000, b"FIELDS", len(names), *names])
            yield "field-times/listpack", key, commands
            yield "field-times/persist", key, [*commands, [b"HPERSIST", key, b"FIELDS", len(names), *names]]
    for fields, timed in ((513, 1), (600, 600), (1000, 1), (1000, 500), (1000, 1000), (5000, 5000)):
        table: list[Command] = [[b"HSET", key, b"f%04d" % number, b"x" * 10] for number in range(fields)]
        names = [b"f%04d" % number for number in range(timed)]
        yield "field-times/table", key, [*table, [b"HEXPIRE", key, 100_000, b"FIELDS", len(names), *names]]
    for size in (65, 100, 1000):
        large: list[Command] = [[b"HSET", key, b"f", b"x" * size], [b"HEXPIRE", key, 100_000, b"FIELDS", 1, b"f"]]
        yield "field-times/large-value", key, large
