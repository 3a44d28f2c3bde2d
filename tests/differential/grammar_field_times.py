"""Random sequences of commands on two hashes with fields that expire, with the same effect on both servers.

Long times are absolute, so that they are the same on both servers. A short time is relative and is followed by a DEBUG
SLEEP that lasts longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.support.wire import Argument

Command = tuple[Argument, ...]

KEYS = ("h", "g")
FIELDS = ("a", "b", "c", "d", "e", "f")
SLEEP: Command = ("DEBUG", "SLEEP", "0.003")
FAR = 4102444800000  # milliseconds
VALUES = ("1", "2", "x", "yyy", "-7", "z" * 60, "12345", "", "3.5")
BAD_COUNTS: tuple[Argument, ...] = (0, -1, "x", 2147483647, 2147483648, 9223372036854775807)
BAD_TIMES: tuple[Argument, ...] = (-1, "x", "", 2**46, 2**63 - 1)
LOOSE_WORDS = ("FIELDS", "1", "2", "a", "b", "NX", "FNX", "EX", "PERSIST", "KEEPTTL")


class Generator:
    """Random sequences of one source of randomness."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._makers = (
            *[self._set, self._expire_at, self._look] * 3,
            *[self._expire_at_once, self._hsetex, self._hgetex] * 2,
            *(self._persist_or_delete, self._count, self._whole_key, self._times, self._past, self._loose_words),
        )

    def sequence(self, length: int) -> list[Command]:
        """About ``length`` commands, then commands that read everything."""
        commands: list[Command] = [("HSET", "h", "a", 1, "b", 2, "c", 3)]
        for _ in range(length):
            commands += self._random.choice(self._makers)(self._key(), self._some())
        for key in KEYS:
            commands += [("HPEXPIRETIME", key, "FIELDS", len(FIELDS), *FIELDS), ("OBJECT", "ENCODING", key)]
            commands += [("HLEN", key), ("HGETALL", key), ("HSCAN", key, 0)]
        return commands + [look for key in KEYS for look in (("OBJECT", "ENCODING", key), ("HLEN", key))]

    def _key(self) -> str:
        return self._random.choices(KEYS, (5, 1))[0]

    def _some(self) -> list[str]:
        return [self._random.choice(FIELDS) for _ in range(self._random.randint(1, 3))]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _value(self) -> str:
        return self._random.choice(VALUES)

    def _pairs(self, fields: list[str]) -> list[Argument]:
        return [word for field in fields for word in (field, self._value())]

    def _count_of(self, fields: list[str]) -> Argument:
        near = (len(fields) + 1, len(fields) - 1)
        return self._random.choice([*BAD_COUNTS, *near]) if self._chance(0.03) else len(fields)

    def _counted(self, fields: list[str]) -> list[Argument]:
        word = self._random.choice(("fields", "FIELD")) if self._chance(0.02) else "FIELDS"
        return [word, self._count_of(fields), *fields]

    def _condition(self) -> list[Argument]:
        return [self._random.choice(("NX", "XX", "GT", "LT", "nx"))] if self._chance(0.4) else []

    def _far(self) -> int:
        return FAR + 1000 * self._random.randint(0, 4)

    def _far_option(self) -> list[Argument]:
        return self._random.choice([["PXAT", self._far()], ["EXAT", self._far() // 1000]])

    def _cut(self, command: Command) -> list[Command]:
        """The command, sometimes without its last arguments."""
        return [command[: -self._random.randint(1, 3)] if self._chance(0.03) else command]

    def _set(self, key: str, fields: list[str]) -> list[Command]:
        if self._chance(0.15):
            return [("HSETNX", key, fields[0], self._value())]
        return [(self._random.choice(("HSET", "HSET", "HMSET")), key, *self._pairs(fields))]

    def _expire_at(self, key: str, fields: list[str]) -> list[Command]:
        name, when = self._random.choice([("HPEXPIREAT", self._far()), ("HEXPIREAT", self._far() // 1000)])
        return [(name, key, when, *self._condition(), *self._counted(fields))]

    def _expire_at_once(self, key: str, fields: list[str]) -> list[Command]:
        calls: list[Command] = [
            ("HPEXPIRE", key, 1, *self._condition(), *self._counted(fields)),
            ("HSETEX", key, "PX", 1, "FIELDS", len(fields), *self._pairs(fields)),
            ("HGETEX", key, "PX", 1, *self._counted(fields)),
        ]
        return [self._random.choices(calls, (3, 1, 1))[0], SLEEP]

    def _past(self, key: str, fields: list[str]) -> list[Command]:
        wrong = self._random.choice(BAD_TIMES)
        calls: list[Command] = [
            ("HPEXPIREAT", key, self._random.choice((0, 1, 1000)), *self._condition(), *self._counted(fields)),
            (self._random.choice(("HEXPIRE", "HPEXPIRE")), key, 0, *self._condition(), *self._counted(fields)),
            ("HSETEX", key, "PXAT", 1, "FIELDS", len(fields), *self._pairs(fields)),
            ("HGETEX", key, "EXAT", 1, *self._counted(fields)),
            ("HSETEX", key, "PX", wrong, "FIELDS", 1, "a", 1),
            ("HEXPIRE", key, wrong, *self._counted(fields)),
            ("HGETEX", key, "EX", wrong, *self._counted(fields)),
        ]
        return [self._random.choice(calls)]

    def _hsetex(self, key: str, fields: list[str]) -> list[Command]:
        options: list[Argument] = [self._random.choice(("FNX", "FXX", "fnx"))] if self._chance(0.4) else []
        options += self._random.choice([[], ["KEEPTTL"], self._far_option()])
        if self._chance(0.04):
            options.append(self._random.choice(("FNX", "KEEPTTL", "junk", "PX", "EX")))
        return self._cut(("HSETEX", key, *options, "FIELDS", self._count_of(fields), *self._pairs(fields)))

    def _hgetex(self, key: str, fields: list[str]) -> list[Command]:
        persist: list[Argument] = ["PERSIST"]
        options = [*self._random.choice([[], persist, self._far_option(), self._far_option()])]
        if self._chance(0.03):
            options.append(self._random.choice(("PERSIST", "junk", "EX")))
        return self._cut(("HGETEX", key, *options, *self._counted(fields)))

    def _persist_or_delete(self, key: str, fields: list[str]) -> list[Command]:
        calls: list[Command] = [
            ("HPERSIST", key, *self._counted(fields)),
            ("HGETDEL", key, *self._counted(fields)),
            ("HDEL", key, *fields),
        ]
        return [self._random.choice(calls)]

    def _count(self, key: str, fields: list[str]) -> list[Command]:
        calls: list[Command] = [
            ("HINCRBY", key, fields[0], self._random.choice(("1", "-5", "x"))),
            ("HINCRBYFLOAT", key, fields[0], self._random.choice(("1.5", "0", "x"))),
        ]
        return [self._random.choice(calls)]

    def _look(self, key: str, fields: list[str]) -> list[Command]:
        calls: list[Command] = [
            *[(name, key, fields[0]) for name in ("HGET", "HSTRLEN", "HEXISTS")],
            *[(name, key) for name in ("HGETALL", "HKEYS", "HVALS", "HLEN", "HRANDFIELD")],
            *[("HRANDFIELD", key, 100), ("HRANDFIELD", key, 100, "WITHVALUES"), ("HRANDFIELD", key, -3)],
            *[("HSCAN", key, 0), ("HSCAN", key, 0, "NOVALUES"), ("HSCAN", key, 0, "MATCH", "[ab]", "COUNT", 1)],
            *[("HRANDFIELD", key, 1), ("HMGET", key, *fields), ("DUMP", key)],
        ]
        return [self._random.choice(calls)]

    def _whole_key(self, key: str, fields: list[str]) -> list[Command]:
        calls: list[Command] = [
            *[(name, key) for name in ("DEL", "EXISTS", "TYPE", "PERSIST", "TOUCH")],
            *[("COPY", key, "g", "REPLACE"), ("RENAME", key, "h"), ("OBJECT", "ENCODING", key), ("UNLINK", "g")],
        ]
        return [self._random.choice(calls)]

    def _times(self, key: str, fields: list[str]) -> list[Command]:
        return [(self._random.choice(("HEXPIRETIME", "HPEXPIRETIME")), key, *self._counted(fields))]

    def _loose_words(self, key: str, fields: list[str]) -> list[Command]:
        names = ("HTTL", "HPTTL", "HEXPIRE", "HPERSIST", "HGETDEL", "HGETEX", "HSETEX", "HPEXPIREAT")
        words = [self._random.choice(LOOSE_WORDS) for _ in range(self._random.randint(0, 5))]
        return [(self._random.choice(names), key, *words)]


WELL_FORMED = (
    *("HSETEX h FNX EX 10 FIELDS 1 a 1", "HSETEX h KEEPTTL FIELDS 2 a 1 b 2", "HSETEX s PXAT 1 FIELDS 1 a 1"),
    *("HGETEX h EX 10 FIELDS 1 a", "HGETEX h PERSIST FIELDS 2 a b", "HGETEX s PX 10 FIELDS 1 a"),
    *("HGETDEL h FIELDS 2 a a", "HGETDEL s FIELDS 1 a", "HGETDEL missing FIELDS 1 a"),
    *("HEXPIRE h 10 NX FIELDS 1 a", "HPEXPIRE h 10 FIELDS 2 a b", "HEXPIREAT missing 10 FIELDS 1 a"),
    *("HPEXPIREAT s 10 LT FIELDS 1 a", "HPERSIST h FIELDS 1 a", "HPERSIST s FIELDS 1 a"),
    *("HTTL h FIELDS 1 a", "HPTTL s FIELDS 1 a", "HEXPIRETIME missing FIELDS 1 a", "HPEXPIRETIME h FIELDS 2 a b"),
)
WRONG_WORDS = (
    *("", "0", "-1", "1", "3", "x", "1.5", "2147483647", "2147483648", "4294967297", "9223372036854775807"),
    *("9223372036854775808", "70368744177", "70368744177663", "70368744177664", "281474976710656"),
    *("NX", "XX", "FNX", "FXX", "FIELDS", "fields", "PERSIST", "KEEPTTL", "EX", "pxat"),
)


def malformed() -> Iterator[Command]:
    """Calls with one word replaced, added or missing, or without their last arguments."""
    for call in WELL_FORMED:
        words = call.split()
        for at in range(2, len(words)):
            yield tuple(words[:at])
            yield tuple(words[:at] + words[at + 1 :])
            for wrong in WRONG_WORDS:
                yield (*words[:at], wrong, *words[at + 1 :])
                yield (*words[:at], wrong, *words[at:])
