"""A mixed load that creates and deletes values of every type, of sizes around and far above the encodings' limits.

Keys are named after their type, so that most calls succeed; some calls use a key of another type on purpose. The load
writes more than it deletes, so that memory is always near its limit.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.support.wire import Argument

Call = list[Argument]

#: Keys of each type.
KEYS = 500
#: The share of calls that delete all keys of a database.
SWEEPS = 0.00005
#: Elements of a collection that is created large.
BIG = 2500
#: The errors that a call may get; any other error is a fault of the load or of the server.
EXPECTED_ERRORS = (
    *(
        b"OOM ",
        b"WRONGTYPE ",
        b"BUSYGROUP ",
        b"NOGROUP ",
        b"INVALIDOBJ ",
        b"ERR no such key",
        b"ERR index out of range",
    ),
    *(b"ERR value is not an integer", b"ERR increment or decrement", b"ERR value is not a valid float"),
    *(b"ERR hash value is not", b"ERR The ID specified in XADD", b"ERR source and destination"),
    *(
        b"ERR string exceeds maximum",
        b"ERR The XGROUP subcommand requires",
        b"ERR One or more scores can't be converted",
    ),
)
POLICIES = (
    *("allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random"),
    *("volatile-ttl", "noeviction"),
)
#: Settings that change while the load runs.
SWITCHES = (
    *("lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del"),
    *("lazyfree-lazy-user-flush", "activedefrag"),
)


class Churn:
    """Calls, from a seed."""

    def __init__(self, seed: int, limit_bytes: int) -> None:
        self.chance = random.Random(seed)
        self._limit_bytes = limit_bytes
        self._kinds: list[tuple[Callable[[], Call], int]] = [
            *((self._strings, 22), (self._lists, 12), (self._hashes, 12), (self._sets, 12), (self._sorted_sets, 12)),
            *((self._streams, 8), (self._logs, 2), (self._big, 1), (self._deletes, 8), (self._times, 8)),
            *((self._wholes, 5), (self._reads, 8)),
        ]

    def call(self) -> Call:
        """A random call of the load."""
        if self.chance.random() < SWEEPS:
            return self._sweep()
        makers, weights = zip(*self._kinds, strict=True)
        maker: Callable[[], Call] = self.chance.choices(makers, weights)[0]
        return maker()

    def change_of_settings(self) -> Call:
        """A change of a setting, as an operator would make it meanwhile."""
        chance = self.chance
        what = chance.random()
        if what < 0.3:
            share = chance.choice([0.6, 0.8, 1.0])
            return ["CONFIG", "SET", "maxmemory", int(self._limit_bytes * share)]
        if what < 0.6:
            return ["CONFIG", "SET", "maxmemory-policy", chance.choice(POLICIES)]
        if what < 0.95:
            return ["CONFIG", "SET", chance.choice(SWITCHES), chance.choice(["yes", "yes", "no"])]
        return chance.choice([["MEMORY", "PURGE"], ["CONFIG", "RESETSTAT"], ["DBSIZE"]])

    # Parts of calls.

    def _key(self, kind: str) -> str:
        if self.chance.random() < 0.02:
            kind = self.chance.choice(["s", "l", "h", "e", "z", "x", "p"])
        return f"{kind}:{self.chance.randrange(KEYS)}"

    def _value(self) -> bytes:
        size = self.chance.choice([1, 5, 20, 44, 45, 64, 65, 200, 250, 1000, 4000])
        return (
            b"%d" % self.chance.randrange(12000) if size == 5 else self.chance.randbytes(self.chance.randint(1, size))
        )

    def _big_value(self) -> bytes:
        return bytes(self.chance.choice([10_000, 40_000, 100_000]))

    def _members(self, kind: str, most: int = 30) -> list[Argument]:
        wide = 60 if self.chance.random() < 0.7 else 3000
        count = self.chance.randint(1, most)
        return [f"{kind}{self.chance.randrange(wide)}" for _ in range(count)]

    # Kinds of calls.

    def _strings(self) -> Call:
        key = self._key("s")
        chance = self.chance
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                return ["SET", key, self._value()]
            case 4:
                return ["SET", key, self._value(), "PX", chance.randint(1, 3000)]
            case 5:
                return ["APPEND", key, self._value()]
            case 6:
                return ["SETRANGE", key, chance.randrange(5000), self._value()]
            case 7:
                return ["INCRBY", f"n:{chance.randrange(KEYS)}", chance.randrange(9000)]
            case 8:
                return ["SET", key, self._big_value()]
            case 9:
                return ["SETBIT", key, chance.randrange(40_000), 1]
            case 10:
                return ["MSET", key, self._value(), self._key("s"), self._value()]
            case _:
                return ["GETDEL", key]

    def _lists(self) -> Call:
        key = self._key("l")
        chance = self.chance
        match chance.randrange(9):
            case 0 | 1 | 2:
                return [chance.choice(["LPUSH", "RPUSH"]), key, *[self._value() for _ in range(chance.randint(1, 20))]]
            case 3:
                return [chance.choice(["LPOP", "RPOP"]), key, chance.randint(1, 60)]
            case 4:
                return ["LTRIM", key, chance.randrange(10), -chance.randint(1, 10)]
            case 5:
                return ["LSET", key, chance.randrange(-5, 5), self._value()]
            case 6:
                return ["LINSERT", key, "BEFORE", "1", self._value()]
            case 7:
                return ["LMOVE", key, self._key("l"), "LEFT", "RIGHT"]
            case _:
                return ["LREM", key, 0, "1"]

    def _hashes(self) -> Call:
        key = self._key("h")
        chance = self.chance
        match chance.randrange(9):
            case 0 | 1 | 2:
                pairs = [item for member in self._members("f") for item in (member, self._value())]
                return ["HSET", key, *pairs]
            case 3 | 4:
                return ["HDEL", key, *self._members("f")]
            case 5:
                return ["HINCRBY", key, f"c{chance.randrange(20)}", chance.randint(1, 100)]
            case 6:
                return ["HPEXPIRE", key, chance.randint(1, 2000), "FIELDS", 2, "f1", f"f{chance.randrange(60)}"]
            case 7:
                return ["HPERSIST", key, "FIELDS", 1, f"f{chance.randrange(60)}"]
            case _:
                return ["HGETALL", key]

    def _sets(self) -> Call:
        key = self._key("e")
        chance = self.chance
        match chance.randrange(10):
            case 0 | 1 | 2:
                return ["SADD", key, *self._members("m")]
            case 3:
                return ["SADD", key, *[chance.randrange(100_000) for _ in range(chance.randint(1, 40))]]
            case 4 | 5:
                return ["SREM", key, *self._members("m")]
            case 6:
                return ["SPOP", key, chance.randint(1, 100)]
            case 7:
                return [chance.choice(["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]), key, *self._three("e")]
            case 8:
                return ["SMOVE", key, self._key("e"), f"m{chance.randrange(60)}"]
            case _:
                return ["SRANDMEMBER", key, 10]

    def _three(self, kind: str) -> list[Argument]:
        return [self._key(kind) for _ in range(3)]

    def _sorted_sets(self) -> Call:
        key = self._key("z")
        chance = self.chance
        match chance.randrange(9):
            case 0 | 1 | 2:
                return ["ZADD", key, *[x for m in self._members("m") for x in (round(chance.uniform(-99, 99), 3), m)]]
            case 3:
                return ["ZREM", key, *self._members("m")]
            case 4:
                return [chance.choice(["ZPOPMIN", "ZPOPMAX"]), key, chance.randint(1, 50)]
            case 5:
                return ["ZREMRANGEBYRANK", key, chance.randrange(5), chance.randrange(5, 40)]
            case 6:
                return ["ZUNIONSTORE", key, 3, *self._three("z")]
            case 7:
                return ["ZRANGESTORE", key, self._key("z"), 0, chance.randrange(200)]
            case _:
                return ["ZINCRBY", key, 1.5, f"m{chance.randrange(60)}"]

    def _streams(self) -> Call:
        key = self._key("x")
        chance = self.chance
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                return ["XADD", key, "MAXLEN", "~", 400, "*", "field", self._value(), "other", self._value()]
            case 4:
                return ["XTRIM", key, "MAXLEN", chance.randrange(50)]
            case 5:
                return ["XGROUP", "CREATE", key, f"g{chance.randrange(3)}", chance.choice(["0", "$"])]
            case 6 | 7:
                who = f"c{chance.randrange(5)}"
                return ["XREADGROUP", "GROUP", f"g{chance.randrange(3)}", who, "COUNT", 30, "STREAMS", key, ">"]
            case 8:
                return ["XAUTOCLAIM", key, f"g{chance.randrange(3)}", f"c{chance.randrange(5)}", 0, "0", "COUNT", 20]
            case _:
                return ["XGROUP", "DESTROY", key, f"g{chance.randrange(3)}"]

    def _logs(self) -> Call:
        if self.chance.random() < 0.2:
            return ["PFMERGE", self._key("p"), *self._three("p")]
        return ["PFADD", self._key("p"), *self._members("m", 200)]

    def _big(self) -> Call:
        chance = self.chance
        count = range(chance.randint(BIG // 10, BIG))
        start = chance.randrange(1_000_000)
        match chance.randrange(5):
            case 0:
                return ["SADD", self._key("e"), *[f"big{start + number}" for number in count]]
            case 1:
                return ["HSET", self._key("h"), *[x for number in count for x in (f"big{start + number}", "v" * 20)]]
            case 2:
                return ["ZADD", self._key("z"), *[x for number in count for x in (number, f"big{start + number}")]]
            case 3:
                return ["RPUSH", self._key("l"), *["v" * 60 for _ in count]]
            case _:
                return ["SORT", self._key("e"), "ALPHA", "STORE", self._key("l")]

    def _any_key(self) -> str:
        return self._key(self.chance.choice(["s", "l", "h", "e", "z", "x", "p", "n"]))

    def _deletes(self) -> Call:
        name = self.chance.choice(["DEL", "UNLINK"])
        return [name, *[self._any_key() for _ in range(self.chance.randint(1, 4))]]

    def _times(self) -> Call:
        key = self._any_key()
        chance = self.chance
        match chance.randrange(5):
            case 0 | 1:
                return ["PEXPIRE", key, chance.randint(1, 2000)]
            case 2:
                return ["EXPIRE", key, chance.choice([1, 5, 1000])]
            case 3:
                return ["PERSIST", key]
            case _:
                return ["PEXPIREAT", key, 1]

    def _wholes(self) -> Call:
        kind = self.chance.choice(["s", "l", "h", "e", "z", "x"])
        match self.chance.randrange(4):
            case 0:
                return ["RENAME", self._key(kind), self._key(kind)]
            case 1:
                return ["COPY", self._key(kind), self._key(kind), "REPLACE"]
            case 2:
                return ["MOVE", self._key(kind), 1]
            case _:
                return ["COPY", self._key(kind), self._key(kind), "DB", 1, "REPLACE"]

    def _reads(self) -> Call:
        kind, name = self.chance.choice(
            [
                ("s", "GET"),
                ("l", "LRANGE"),
                ("h", "HLEN"),
                ("e", "SCARD"),
                ("z", "ZRANGE"),
                ("x", "XLEN"),
                ("p", "PFCOUNT"),
            ]
        )
        return [name, self._key(kind), *(["0", "20"] if name in {"LRANGE", "ZRANGE"} else [])]

    def _sweep(self) -> Call:
        return self.chance.choice(
            [["FLUSHDB", "ASYNC"], ["FLUSHALL", "ASYNC"], ["FLUSHDB"], ["SWAPDB", 0, 1], ["FLUSHALL", "SYNC"]]
        )


def is_expected(error: bytes) -> bool:
    """Whether a call of the load may get this error."""
    return error.startswith(EXPECTED_ERRORS)
