"""What a command means in a trace: on which keys it is a read, a write, a deletion, or a new time to live.

Keys, and what a command does with them, are found by the specifications of commands. Of an existing value only the
length of a write is known: the bytes of the string, or of everything that is added to a collection.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from pyredmem.assembly import REGISTRY
from pyredmem.base.numbers import parse_integer
from pyredmem.engine.key_extraction import find_keys
from pyredmem.engine.spec import ACCESS, READ_ONLY, RUNS_SCRIPT
from pyredmem.engine.spec import DELETE as DELETES
from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, STRING, TYPES, UNKNOWN_SIZE, WRITE

#: The type of the values that the commands of a group are about.
_TYPES_OF_GROUPS: Final = {
    "string": STRING,
    "bitmap": STRING,
    "hyperloglog": STRING,
    "list": TYPES.index("list"),
    "hash": TYPES.index("hash"),
    "set": TYPES.index("set"),
    "sorted-set": TYPES.index("zset"),
    "geo": TYPES.index("zset"),
    "stream": TYPES.index("stream"),
}
#: The commands that set a whole value, and how many arguments after the key it stands.
_VALUES: Final = {"set": 1, "setnx": 1, "getset": 1, "mset": 1, "msetnx": 1, "setex": 2, "psetex": 2}
#: The commands that give a time to live, with the milliseconds of their unit and whether the time begins now.
_EXPIRES: Final = {"expire": (1000, True), "pexpire": (1, True), "expireat": (1000, False), "pexpireat": (1, False)}
_LIFETIMES: Final = {"setex": (1000, True), "psetex": (1, True)}
#: The same as options.
_OPTIONS: Final = {b"EX": (1000, True), b"PX": (1, True), b"EXAT": (1000, False), b"PXAT": (1, False)}
_MOST_MS: Final = 1 << 52


class Operation(NamedTuple):
    """One operation on one key."""

    operation: int
    key: bytes
    size: int = UNKNOWN_SIZE
    ttl_ms: int = KEEP_TTL
    kind: int = 0


def operations_of(argv: list[bytes], now_ms: int) -> Iterator[Operation]:
    """The operations of a command that was sent at a unix time; none if it is unknown, or has no keys."""
    command = REGISTRY.table.lookup(argv)
    if command is None or command.flags & RUNS_SCRIPT:  # the commands of a script are recorded themselves
        return
    spec = command.spec
    kind = _TYPES_OF_GROUPS.get(spec.group, 0)
    if kind == 0 and spec.group != "generic":
        return
    found = find_keys(spec, argv)
    for number, place in enumerate(found):
        key = argv[place.place]
        if READ_ONLY in place.flags:
            if kind or ACCESS in place.flags:  # else it only asks about the key, as EXISTS does
                yield Operation(READ, key, kind=kind)
        elif spec.name in _EXPIRES:
            yield Operation(EXPIRE, key, ttl_ms=_ttl(argv[2], *_EXPIRES[spec.name], now_ms))
        elif spec.name == "persist":
            yield Operation(EXPIRE, key, ttl_ms=NO_TTL)
        elif spec.name == "getex":
            yield Operation(READ, key, kind=kind)
            ttl_ms = NO_TTL if b"PERSIST" in _upper(argv[2:]) else _option(argv[2:], now_ms)
            if ttl_ms != KEEP_TTL:
                yield Operation(EXPIRE, key, ttl_ms=ttl_ms, kind=kind)
        elif DELETES in place.flags and kind <= STRING:
            if spec.name == "getdel":
                yield Operation(READ, key, kind=kind)
            yield Operation(DELETE, key, kind=kind)
        else:
            end = found[number + 1].place if number + 1 < len(found) else len(argv)
            size = _size(spec.name, kind, argv, place.place, end, len(found))
            yield Operation(WRITE, key, size, _ttl_of_write(spec.name, argv, now_ms), kind)


def _size(name: str, kind: int, argv: list[bytes], place: int, end: int, keys: int) -> int:
    """How many bytes a command writes to a key."""
    if name in _VALUES:
        at = place + _VALUES[name]
        return len(argv[at]) if at < len(argv) else UNKNOWN_SIZE
    if kind <= STRING or keys > 1:
        return UNKNOWN_SIZE
    return sum(map(len, argv[place + 1 : end])) or UNKNOWN_SIZE


def _ttl_of_write(name: str, argv: list[bytes], now_ms: int) -> int:
    """The time to live that a write leaves, in milliseconds."""
    if name == "set":
        options = argv[3:]
        return KEEP_TTL if b"KEEPTTL" in _upper(options) else _option(options, now_ms, NO_TTL)
    if name in _LIFETIMES:
        return _ttl(argv[2], *_LIFETIMES[name], now_ms)
    return NO_TTL if name in _VALUES else KEEP_TTL


def _upper(words: list[bytes]) -> list[bytes]:
    return [word.upper() for word in words]


def _option(words: list[bytes], now_ms: int, default: int = KEEP_TTL) -> int:
    """The time to live among options."""
    for name, value in pairwise(words):
        if name.upper() in _OPTIONS:
            return _ttl(value, *_OPTIONS[name.upper()], now_ms)
    return default


def _ttl(text: bytes, unit_ms: int, is_relative: bool, now_ms: int) -> int:
    """A time to live in milliseconds, 0 if the time has passed already."""
    number = parse_integer(text)
    if number is None:
        return KEEP_TTL  # the server refuses the command
    moment = int(number) * unit_ms
    return min(max(moment if is_relative else moment - now_ms, 0), _MOST_MS)
