"""The dataset of a server as Python values.

===================  ==================================================
a value in Redis     in Python
===================  ==================================================
string               str, bytes, int or float; `dump` gives a str
list                 list
set                  set or frozenset; `dump` gives a set
hash                 dict
sorted set           `SortedSet`: a dict from members to scores
stream               `Stream`
===================  ==================================================

`Expiring` around a value, or around the value of a field of a hash, says in how many seconds it expires. Bytes that are
no UTF-8 are surrogates in a str (as in names of files), so that what was dumped can be loaded.

All of it goes through commands, so values are checked, accounted for and announced as if a client had sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pyredmem.client.driver import Driver
from pyredmem.client.local_session import LocalSession, decode, encode

_Argument = str | bytes | int | float
_Command = list[_Argument]

#: So many elements are written by one command.
_CHUNK: Final = 1000


class SortedSet(dict[Any, float]):
    """A sorted set: a dict from members to scores."""

    def __repr__(self) -> str:
        return f"SortedSet({super().__repr__()})"


@dataclass
class Stream:
    """A stream: its entries, each an id and a dict, and its groups with the last id that each has delivered.

    ``last_id`` is needed only if it is not the id of the last entry. Pending entries of groups are left out.
    """

    entries: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    last_id: str = ""


@dataclass
class Expiring:
    """A value that expires in so many seconds, by the clock of the server."""

    value: Any
    seconds: float


def load(driver: Driver, values: Mapping[Any, Any], database: int) -> None:
    """Write values to keys, in place of what was there. Raises before it writes if one of them can't be written."""
    commands = [command for key, value in values.items() for command in _writing(key, value)]
    with LocalSession(driver, database) as session:
        for command in commands:
            session.do(*command)


def _writing(key: str | bytes, value: Any) -> Iterable[_Command]:
    """The commands that write a value. Raises TypeError or ValueError if it can't be written."""
    if not isinstance(key, str | bytes):
        raise TypeError(f"a key is a str or bytes, not {key!r}")
    seconds = None
    if isinstance(value, Expiring):
        value, seconds = value.value, value.seconds
    yield ["DEL", key]
    if isinstance(value, str | bytes | int | float) and not isinstance(value, bool):
        yield ["SET", key, value]
    elif isinstance(value, Stream):
        yield from _writing_stream(key, value)
    elif isinstance(value, Mapping | list | tuple | set | frozenset):
        if not value:
            raise ValueError(f"{key!r}: Redis has no empty {type(value).__name__}")
        yield from _writing_collection(key, value)
    else:
        raise TypeError(f"{key!r}: {type(value).__name__} is no type of Redis")
    if seconds is not None:
        yield ["PEXPIRE", key, _milliseconds(key, seconds)]


def _writing_collection(key: str | bytes, value: Any) -> Iterable[_Command]:
    if isinstance(value, SortedSet):
        yield from _in_chunks("ZADD", key, [_plain(key, one) for pair in value.items() for one in reversed(pair)])
    elif isinstance(value, Mapping):
        plain = {name: one.value if isinstance(one, Expiring) else one for name, one in value.items()}
        yield from _in_chunks("HSET", key, [_plain(key, one) for pair in plain.items() for one in pair])
        for name, one in value.items():
            if isinstance(one, Expiring):
                yield ["HPEXPIRE", key, _milliseconds(key, one.seconds), "FIELDS", 1, name]
    elif isinstance(value, list | tuple):
        yield from _in_chunks("RPUSH", key, [_plain(key, one) for one in value])
    else:
        members = sorted(encode(_plain(key, one)) for one in value)  # the same order in every process
        yield from _in_chunks("SADD", key, list(members))


def _writing_stream(key: str | bytes, stream: Stream) -> Iterable[_Command]:
    for number, fields in stream.entries:
        if not fields:
            raise ValueError(f"{key!r}: the entry {number} of the stream has no fields")
        yield ["XADD", key, number, *(_plain(key, one) for pair in fields.items() for one in pair)]
    if not stream.entries:  # the only way to make an empty one
        yield ["XGROUP", "CREATE", key, "new", "0", "MKSTREAM"]
        yield ["XGROUP", "DESTROY", key, "new"]
    if stream.last_id:
        yield ["XSETID", key, stream.last_id]
    for name, delivered in stream.groups.items():
        yield ["XGROUP", "CREATE", key, name, delivered]


def _in_chunks(name: str, key: str | bytes, arguments: Iterable[_Argument]) -> Iterable[_Command]:
    rest = list(arguments)
    for at in range(0, len(rest), 2 * _CHUNK):
        yield [name, key, *rest[at : at + 2 * _CHUNK]]


def _plain(key: str | bytes, value: Any) -> _Argument:
    """An element of a value, which must be a string or a number."""
    if isinstance(value, str | bytes | int | float) and not isinstance(value, bool):
        return value
    raise TypeError(f"{key!r}: an element is a str, bytes, int or float, not {value!r}")


def _milliseconds(key: str | bytes, seconds: float) -> int:
    if seconds <= 0:
        raise ValueError(f"{key!r}: it can't expire in {seconds} seconds")
    return max(round(seconds * 1000), 1)


def dump(driver: Driver, pattern: str | bytes, database: int) -> dict[str, Any]:
    """The values of all keys that match a pattern, in the order of the keys."""
    with LocalSession(driver, database) as session:
        keys = sorted(_strings(session.do("KEYS", pattern)))
        return {decode(key): _read_with_time(session, key) for key in keys}


def _read_with_time(session: LocalSession, key: bytes) -> Any:
    value = _read(session, key)
    left_ms = session.do("PTTL", key)
    assert isinstance(left_ms, int)
    return value if left_ms < 0 else Expiring(value, left_ms / 1000)


def _read(session: LocalSession, key: bytes) -> Any:
    kind = getattr(session.do("TYPE", key), "text", b"")
    if kind == b"string":
        return _text(session.do("GET", key))
    if kind == b"list":
        return [decode(one) for one in _strings(session.do("LRANGE", key, 0, -1))]
    if kind == b"set":
        return {decode(one) for one in _strings(session.do("SMEMBERS", key))}
    if kind == b"hash":
        return _read_hash(session, key)
    if kind == b"zset":
        pairs = cast(list[list[Any]], session.do("ZRANGE", key, 0, -1, "WITHSCORES"))
        return SortedSet({decode(member): score for member, score in pairs})
    return _read_stream(session, key)


def _read_hash(session: LocalSession, key: bytes) -> dict[str, Any]:
    fields = cast(dict[bytes, bytes], session.do("HGETALL", key))
    found: dict[str, Any] = {decode(name): decode(value) for name, value in fields.items()}
    if not session.has_command("HPTTL"):
        return found
    times = cast(list[int], session.do("HPTTL", key, "FIELDS", len(fields), *fields))
    for name, left_ms in zip(list(found), times, strict=True):
        if left_ms >= 0:
            found[name] = Expiring(found[name], left_ms / 1000)
    return found


def _read_stream(session: LocalSession, key: bytes) -> Stream:
    entries = cast(list[list[Any]], session.do("XRANGE", key, "-", "+"))
    stream = Stream([(decode(number), _pairs(fields)) for number, fields in entries])
    about = cast(dict[bytes, Any], session.do("XINFO", "STREAM", key))
    last_id = _text(about[b"last-generated-id"])
    if last_id != (stream.entries[-1][0] if stream.entries else "0-0"):
        stream.last_id = last_id
    for group in cast(list[dict[bytes, Any]], session.do("XINFO", "GROUPS", key)):
        stream.groups[_text(group[b"name"])] = _text(group[b"last-delivered-id"])
    return stream


def _pairs(flat: list[bytes]) -> dict[str, str]:
    return {decode(name): decode(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _strings(reply: object) -> list[bytes]:
    return cast(list[bytes], reply)


def _text(reply: object) -> str:
    return decode(cast(bytes, reply))
