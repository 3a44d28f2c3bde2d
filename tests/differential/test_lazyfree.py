"""Which values are freed in the background, compared with redis-server: the same thresholds, counts and commands.

Each script runs on both servers. When nothing is pending any more, the numbers of freed objects are compared. Sizes lie
on both sides of the threshold of 64. SPOP of a whole set is left out: Redis replies from a temporary copy of the set,
which it counts as well.
"""

from __future__ import annotations

import pytest

from tests.server.processes import wait_until
from tests.support.servers import Server
from tests.support.wire import Argument, Wire, info

pytestmark = pytest.mark.needs_redis

Command = list[Argument]


def members(count: int) -> list[str]:
    return [f"member:{number}" for number in range(count)]


def large_set(count: int, key: str = "k") -> list[Command]:
    return [["CONFIG", "SET", "set-max-intset-entries", "0"], ["SADD", key, "x" * 100, *members(count - 1)]]


def large_hash(count: int) -> list[Command]:
    pairs = [text for member in members(count) for text in (member, "v")]
    return [["CONFIG", "SET", "hash-max-listpack-entries", "0"], ["HSET", "k", *pairs]]


def large_sorted_set(count: int) -> list[Command]:
    pairs = [text for score, member in enumerate(members(count)) for text in (str(score), member)]
    return [["CONFIG", "SET", "zset-max-listpack-entries", "0"], ["ZADD", "k", *pairs]]


def large_list(count: int) -> list[Command]:
    return [["CONFIG", "SET", "list-max-listpack-size", "1"], ["RPUSH", "k", *members(count)]]


def stream(nodes: int) -> list[Command]:
    adds: list[Command] = [["XADD", "k", f"1-{number + 1}", "f", "v"] for number in range(nodes)]
    return [["CONFIG", "SET", "stream-node-max-entries", "1"], *adds]


def groups(count: int, pending: int) -> list[Command]:
    adds: list[Command] = [["XADD", "k", f"1-{number + 1}", "f", "v"] for number in range(pending)]
    creates: list[Command] = [["XGROUP", "CREATE", "k", f"g{number}", "0"] for number in range(count)]
    return [*adds, *creates, ["XREADGROUP", "GROUP", "g0", "c", "COUNT", "1000", "STREAMS", "k", ">"]]


UNLINK: list[Command] = [["UNLINK", "k"]]
SCRIPTS: dict[str, list[Command]] = {
    **{f"set {count}": [*large_set(count), *UNLINK] for count in (63, 64, 65, 66, 1000)},
    **{f"hash {count}": [*large_hash(count), *UNLINK] for count in (64, 65)},
    **{f"sorted set {count}": [*large_sorted_set(count), *UNLINK] for count in (64, 65)},
    **{f"list {count}": [*large_list(count), *UNLINK] for count in (64, 65)},
    **{f"stream {count}": [*stream(count), *UNLINK] for count in range(30, 70, 3)},
    **{f"stream {count} whole": [*stream(count), *UNLINK] for count in (256, 300)},
    **{
        f"groups {count} pending {pending}": [*groups(count, pending), *UNLINK]
        for count, pending in ((1, 61), (1, 62), (1, 63), (1, 64), (3, 20), (3, 21), (64, 0), (63, 1))
    },
    "a listpack of 128": [["RPUSH", "k", *members(128)], *UNLINK],
    "an intset of 512": [["SADD", "k", *[str(number) for number in range(512)]], *UNLINK],
    "a long string": [["SET", "k", "x" * 1_000_000], *UNLINK],
    "several keys": [*large_set(100, "a"), *large_set(100, "b"), *large_set(10, "c"), ["UNLINK", "a", "b", "c", "d"]],
    "DEL": [*large_set(100), ["DEL", "k"]],
    "lazy DEL": [["CONFIG", "SET", "lazyfree-lazy-user-del", "yes"], *large_set(100), ["DEL", "k"]],
    "FLUSHALL": [*large_set(100), ["SET", "s", "v"], ["FLUSHALL"]],
    "FLUSHALL ASYNC": [*large_set(100), ["MSET", "s", "v", "n", "1"], ["FLUSHALL", "ASYNC"]],
    "FLUSHDB ASYNC": [["SELECT", "2"], ["MSET", "s", "v", "n", "1"], ["FLUSHDB", "ASYNC"], ["SELECT", "0"]],
    "lazy FLUSHALL": [["CONFIG", "SET", "lazyfree-lazy-user-flush", "yes"], *large_set(100), ["FLUSHALL"]],
    "lazy FLUSHALL SYNC": [["CONFIG", "SET", "lazyfree-lazy-user-flush", "yes"], *large_set(100), ["FLUSHALL", "SYNC"]],
    "a move and a copy": [*large_set(100), ["COPY", "k", "j"], ["MOVE", "j", "1"], ["UNLINK", "k"]],
    "SWAPDB and FLUSHDB ASYNC": [*large_set(100), ["SWAPDB", "0", "1"], ["SELECT", "1"], ["FLUSHDB", "ASYNC"]],
}
REPLACING: dict[str, Command] = {
    "SET": ["SET", "k", "v"],
    "SETRANGE is a wrong type": ["SETRANGE", "k", "1", "v"],
    "SET with GET": ["SET", "k", "v", "GET"],
    "MSET": ["MSET", "a", "1", "k", "v"],
    "RENAME": ["RENAME", "other", "k"],
    "COPY": ["COPY", "other", "k", "REPLACE"],
    "SUNIONSTORE": ["SUNIONSTORE", "k", "other"],
    "SUNIONSTORE on itself": ["SUNIONSTORE", "k", "k"],
    "SINTERSTORE of nothing": ["SINTERSTORE", "k", "other", "missing"],
    "SDIFFSTORE": ["SDIFFSTORE", "k", "other", "missing"],
    "ZRANGESTORE": ["ZRANGESTORE", "k", "places", "0", "-1"],
    "ZRANGESTORE of nothing": ["ZRANGESTORE", "k", "missing", "0", "-1"],
    "ZUNIONSTORE": ["ZUNIONSTORE", "k", "1", "places"],
    "ZINTERSTORE of nothing": ["ZINTERSTORE", "k", "1", "missing"],
    "GEOSEARCHSTORE of nothing": ["GEOSEARCHSTORE", "k", "missing", "FROMLONLAT", "1", "1", "BYRADIUS", "1", "m"],
    "SORT STORE": ["SORT", "list", "STORE", "k"],
    "SORT STORE of nothing": ["SORT", "missing", "STORE", "k"],
    "BITOP": ["BITOP", "NOT", "k", "string"],
    "BITOP of nothing": ["BITOP", "NOT", "k", "missing"],
    "PFMERGE is a wrong type": ["PFMERGE", "k", "missing"],
    "SUNION": ["SUNION", "k", "other"],
    "SDIFF": ["SDIFF", "k", "other"],
    "SINTER": ["SINTER", "k", "k"],
    "SPOP of nearly all": ["SPOP", "k", "97"],
    "SPOP of few": ["SPOP", "k", "3"],
    "SREM of all": ["SREM", "k", "x" * 100, *members(99)],
    "SMOVE": ["SMOVE", "k", "other", "member:1"],
    "expiry in the past": ["EXPIRE", "k", "-1"],
    "DEL": ["DEL", "k"],
    "UNLINK": ["UNLINK", "k"],
    "RENAME of itself away": ["RENAME", "k", "new"],
    "MOVE": ["MOVE", "k", "1"],
}
SETTINGS = ["lazyfree-lazy-server-del", "lazyfree-lazy-expire", "lazyfree-lazy-user-del"]


def freed(server: Server, commands: list[Command]) -> int:
    """How many objects were freed in the background during a script."""
    with server.connect() as wire:
        wire.do("CONFIG", "RESETSTAT")
        for command in commands:
            wire.do(*command)
        wait_until(lambda: count(wire, "lazyfree_pending_objects") == 0, "the end of the work")
        return count(wire, "lazyfreed_objects")


def count(wire: Wire, name: str) -> int:
    return int(info(wire)[name])


@pytest.mark.parametrize("script", list(SCRIPTS))
def test_as_many_objects_are_freed_in_the_background_as_by_redis(real: Server, ours: Server, script: str) -> None:
    assert freed(ours, SCRIPTS[script]) == freed(real, SCRIPTS[script])


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", list(REPLACING))
def test_each_command_follows_the_same_setting_as_in_redis(real: Server, ours: Server, name: str, setting: str) -> None:
    script: list[Command] = [
        ["CONFIG", "SET", setting, "yes"],
        *large_set(100),
        ["SADD", "other", "x"],
        ["ZADD", "places", "1", "x"],
        ["RPUSH", "list", "1"],
        ["SET", "string", "v"],
        REPLACING[name],
    ]
    assert freed(ours, script) == freed(real, script)
