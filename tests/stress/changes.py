"""Random writes of a client that alone uses its database, and what they make of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.support.wire import Argument, Array, Bulk, Integer, Null, Reply, Wire

#: What a database holds: for each of the keys below its value, and when the string expires (unix milliseconds).
State = dict[str, Any]
EMPTY: Final[State] = {
    "string": None,
    "expires": None,
    "counter": 0,
    "list": (),
    "queue": (),
    "hash": frozenset(),
    "set": frozenset(),
    "scores": frozenset(),
}
LIFETIME_SECONDS: Final = 1000
#: How much later than its sender thinks the server may run a command (milliseconds).
DELAY_MS: Final = 60_000
LONGEST_LIST: Final = 12
MEMBERS: Final = [b"member %d" % number for number in range(6)]
SCRIPT: Final = "redis.call('INCR', KEYS[1]) redis.call('RPUSH', KEYS[2], ARGV[1]) return redis.call('GET', KEYS[1])"


@dataclass(frozen=True)
class Change:
    """A command, and the states that there may be after it; one state if its reply is known."""

    words: tuple[Argument, ...]
    apply: Callable[[State, Reply | None], list[State]]


def _simple(make: Callable[[State], State], *words: Argument) -> Change:
    """A command whose effect does not depend on its reply."""
    return Change(words, lambda state, _: [{**state, **make(state)}])


def change(chance: random.Random) -> Change:
    """A random command."""
    kinds = [_string, _string, _expiry, _counter, _list, _list, _hash, _set, _scores, _several]
    return chance.choice(kinds)(chance)


def _value(chance: random.Random) -> bytes:
    size = 300_000 if chance.random() < 0.03 else chance.randrange(60)  # a long one may be torn by the end
    return b"%d " % chance.randrange(10**9) + b"x" * size


def _string(chance: random.Random) -> Change:
    value = _value(chance)
    if chance.random() < 0.3:
        return _simple(lambda state: {"string": (state["string"] or b"") + value}, "APPEND", "string", value)
    if chance.random() < 0.2:
        # Nothing is known of this key but that it is gone soon.
        return _simple(lambda state: {}, "SET", "volatile", value, "PX", chance.randint(1, 30))
    return _simple(lambda _: {"string": value, "expires": None}, "SET", "string", value)


def _expiry(chance: random.Random) -> Change:
    when = int(time.time() * 1000) + LIFETIME_SECONDS * 1000
    value = _value(chance)
    return chance.choice(
        [
            _simple(lambda _: {"string": value, "expires": when}, "SET", "string", value, "EX", LIFETIME_SECONDS),
            _simple(
                lambda state: {"expires": None if state["string"] is None else when},
                *("EXPIRE", "string", LIFETIME_SECONDS),
            ),
            _simple(lambda _: {"expires": None}, "PERSIST", "string"),
        ]
    )


def _counter(chance: random.Random) -> Change:
    number = chance.randint(1, 9)
    return _simple(lambda state: {"counter": state["counter"] + number}, "INCRBY", "counter", number)


def _list(chance: random.Random) -> Change:
    value = _value(chance)[:60]
    return chance.choice(
        [
            _simple(lambda state: {"list": (*state["list"], value)}, "RPUSH", "list", value),
            _simple(lambda state: {"list": (value, *state["list"])}, "LPUSH", "list", value),
            _simple(lambda state: {"list": state["list"][1:]}, "LPOP", "list"),
            _simple(lambda state: {"list": state["list"][:LONGEST_LIST]}, "LTRIM", "list", 0, LONGEST_LIST - 1),
            _simple(lambda state: {"queue": state["queue"][:LONGEST_LIST]}, "LTRIM", "queue", 0, LONGEST_LIST - 1),
            _simple(
                lambda state: {"list": state["list"][1:], "queue": state["queue"] + state["list"][:1]},
                *("LMOVE", "list", "queue", "LEFT", "RIGHT"),
            ),
        ]
    )


def _hash(chance: random.Random) -> Change:
    field, value = chance.choice(MEMBERS), _value(chance)[:60]

    def without(state: State) -> frozenset[tuple[bytes, bytes]]:
        return frozenset(pair for pair in state["hash"] if pair[0] != field)

    if chance.random() < 0.7:
        return _simple(lambda state: {"hash": without(state) | {(field, value)}}, "HSET", "hash", field, value)
    return _simple(lambda state: {"hash": without(state)}, "HDEL", "hash", field)


def _set(chance: random.Random) -> Change:
    member = chance.choice(MEMBERS)
    if chance.random() < 0.6:
        return _simple(lambda state: {"set": state["set"] | {member}}, "SADD", "set", member)
    return Change(("SPOP", "set"), _popped)


def _popped(state: State, reply: Reply | None) -> list[State]:
    members = state["set"]
    if reply is None:
        return [{**state, "set": members - {member}} for member in members] or [state]
    popped = reply.data if isinstance(reply, Bulk) else b""
    assert popped in members or (not members and isinstance(reply, Null)), (reply, members)
    return [{**state, "set": members - {popped}}]


def _scores(chance: random.Random) -> Change:
    member = chance.choice(MEMBERS)

    def raised(state: State) -> State:
        scores = dict(state["scores"])
        return {"scores": frozenset({**scores, member: scores.get(member, 0) + 1}.items())}

    return _simple(raised, "ZINCRBY", "scores", 1, member)


def _several(chance: random.Random) -> Change:
    """A command that writes to several keys."""
    value = _value(chance)[:60]
    scripted = _simple(
        lambda state: {"counter": state["counter"] + 1, "list": (*state["list"], value)},
        *("EVAL", SCRIPT, 2, "counter", "list", value),
    )
    deleted = _simple(lambda _: {"string": None, "expires": None, "list": ()}, "UNLINK", "string", "list")
    flushed = _simple(lambda _: EMPTY, "FLUSHDB")
    return chance.choice([scripted] * 7 + [deleted] * 2 + [flushed])


# What a server has.

_QUESTIONS: Final[list[tuple[Argument, ...]]] = [
    ("GET", "string"),
    ("PEXPIRETIME", "string"),
    ("GET", "counter"),
    ("LRANGE", "list", 0, -1),
    ("LRANGE", "queue", 0, -1),
    ("HGETALL", "hash"),
    ("SMEMBERS", "set"),
    ("ZRANGE", "scores", 0, -1, "WITHSCORES"),
]


def read_state(wire: Wire) -> State:
    """What the database of this connection holds."""
    string, expires, counter, list_, queue, hash_, set_, scores = wire.pipeline(_QUESTIONS)
    assert isinstance(expires, Integer)
    return {
        "string": _data(string),
        "expires": None if expires.value < 0 else expires.value,
        "counter": int(_data(counter) or 0),
        "list": _datas(list_),
        "queue": _datas(queue),
        "hash": _pairs(hash_),
        "set": frozenset(_datas(set_)),
        "scores": frozenset((member, int(score)) for member, score in _pairs(scores)),
    }


def _data(reply: Reply) -> bytes | None:
    assert isinstance(reply, Bulk | Null), reply
    return reply.data if isinstance(reply, Bulk) else None


def _datas(reply: Reply) -> tuple[bytes, ...]:
    assert isinstance(reply, Array), reply
    return tuple(item.data for item in reply.items if isinstance(item, Bulk))


def _pairs(reply: Reply) -> frozenset[tuple[bytes, bytes]]:
    items = _datas(reply)
    return frozenset(zip(items[::2], items[1::2], strict=True))


def agree(expected: State, found: State) -> bool:
    """Whether a server has what is expected."""
    due, when = expected["expires"], found["expires"]
    if (due is None) != (when is None) or (due is not None and not due <= when <= due + DELAY_MS):
        return False
    return all(expected[name] == found[name] for name in EMPTY if name != "expires")
