"""redis-py's methods for all collection types: they return what they return with the real server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
import redis

from tests.support.servers import Server


def call(method: str, *arguments: object, **options: object) -> tuple[str, tuple[object, ...], dict[str, object]]:
    """A call of a method of the client."""
    return method, arguments, options


LISTS = [
    call("rpush", "l", "a", "b", "c", "b", 5),
    call("lpush", "l", b"\x00\xff".hex()),
    call("lpushx", "none", "a"),
    call("rpushx", "l", "z"),
    call("lrange", "l", 0, -1),
    call("llen", "l"),
    call("lindex", "l", 1),
    call("lindex", "l", 99),
    call("linsert", "l", "before", "b", "x"),
    call("linsert", "l", "AFTER", "none", "x"),
    call("lset", "l", 0, "first"),
    call("lset", "none", 0, "first"),
    call("lrem", "l", -1, "b"),
    call("lpos", "l", "b"),
    call("lpos", "l", "b", rank=-1, count=0, maxlen=100),
    call("lpos", "l", "none"),
    call("lpos", "l", "none", count=2),
    call("lpop", "l"),
    call("rpop", "l", 2),
    call("lpop", "l", 0),
    call("lpop", "none"),
    call("rpop", "none", 3),
    call("lmove", "l", "m", "LEFT", "RIGHT"),
    call("lmove", "none", "m"),
    call("rpoplpush", "l", "m"),
    call("lmpop", 2, "none", "m", direction="LEFT", count=5),
    call("lmpop", 1, "none", direction="RIGHT"),
    call("rpush", "m", *range(20)),
    call("ltrim", "m", 3, -4),
    call("blpop", ["none", "m"], 1),
    call("brpop", "m", 1),
    call("blmove", "m", "l", 1, "LEFT", "LEFT"),
    call("brpoplpush", "m", "l", 1),
    call("blmpop", 1, 2, "none", "m", direction="RIGHT", count=2),
    call("blpop", "none", 0.01),
    call("brpop", ["none", "none2"], 0.01),
    call("blmove", "none", "m", 0.01),
    call("brpoplpush", "none", "m", 0.01),
    call("blmpop", 0.01, 1, "none", direction="LEFT"),
    call("bzpopmin", "none", 0.01),
    call("bzmpop", 0.01, 1, ["none"], min=True),
    call("lrange", "l", 0, -1),
    call("sort", "m", desc=True),
    call("sort", "l", alpha=True, start=0, num=2),
    call("sort", "m", by="nosort", get=["#", "w_*"], groups=True),
    call("sort", "m", store="sorted"),
    call("sort_ro", "m", desc=True),
    call("sort", "l"),
    call("copy", "m", "n"),
    call("type", "n"),
    call("object", "REFCOUNT", "n"),
    call("rename", "n", "o"),
    call("lpush", "h", 1),
    call("hget", "h", "f"),
]

HASHES = [
    call("hset", "h", "f", "v", mapping={"g": 1, "i": 2.5}),
    call("hset", "h", items=["j", "x", "k", ""]),
    call("hsetnx", "h", "f", "w"),
    call("hget", "h", "f"),
    call("hget", "h", "none"),
    call("hmget", "h", "f", "none", "g"),
    call("hgetall", "h"),
    call("hgetall", "none"),
    call("hkeys", "h"),
    call("hvals", "h"),
    call("hlen", "h"),
    call("hexists", "h", "f"),
    call("hexists", "h", "none"),
    call("hincrby", "h", "g", 41),
    call("hincrby", "h", "f"),
    call("hincrbyfloat", "h", "i", 0.1),
    call("hstrlen", "h", "j"),
    call("hscan", "h", count=100),
    call("hscan", "h", match="[fg]"),
    call("hdel", "h", "f", "none"),
    call("hrandfield", "none"),
    call("hrandfield", "none", 2),
    call("hrandfield", "h", 10),
    call("hrandfield", "h", 10, withvalues=True),
]

SETS = [
    call("sadd", "s", 1, 2, 3),
    call("sadd", "t", 2, 3, 4),
    call("sadd", "s", 1),
    call("smembers", "s"),
    call("smembers", "none"),
    call("scard", "s"),
    call("sismember", "s", 1),
    call("smismember", "s", [1, 9]),
    call("sdiff", "s", "t"),
    call("sinter", "s", "t"),
    call("sunion", "s", "t", "none"),
    call("sintercard", 2, ["s", "t"], limit=1),
    call("sdiffstore", "d", "s", "t"),
    call("sinterstore", "d", "s", "t"),
    call("sunionstore", "d", "s", "t"),
    call("smove", "s", "t", 1),
    call("srem", "s", 1, 2, 9),
    call("sscan", "t", count=100),
    call("spop", "s"),
    call("spop", "s"),
    call("spop", "none", 2),
    call("srandmember", "none"),
    call("srandmember", "none", 2),
    call("srandmember", "d", 100),
    call("sort", "t"),
]

SORTED_SETS = [
    call("zadd", "z", {"a": 1, "b": 2.5, "c": "inf", "d": -3}),
    call("zadd", "z", {"a": 5, "e": 1}, nx=True),
    call("zadd", "z", {"a": 5, "f": 1}, xx=True, ch=True),
    call("zadd", "z", {"a": 4}, gt=True, ch=True),
    call("zadd", "z", {"a": 4}, lt=True, ch=True),
    call("zadd", "z", {"a": 1.5}, incr=True),
    call("zadd", "z", {"g": 1}, incr=True, xx=True),
    call("zcard", "z"),
    call("zcount", "z", "-inf", "(5"),
    call("zscore", "z", "b"),
    call("zscore", "z", "none"),
    call("zscore", "z", "c"),
    call("zmscore", "z", ["a", "none", "c"]),
    call("zincrby", "z", 0.25, "b"),
    call("zrank", "z", "b"),
    call("zrevrank", "z", "b"),
    call("zrank", "z", "none"),
    call("zrange", "z", 0, -1),
    call("zrange", "z", 0, -1, withscores=True),
    call("zrange", "z", 0, -1, desc=True, withscores=True, score_cast_func=str),
    call("zrange", "z", "-inf", "+inf", byscore=True, offset=1, num=2, withscores=True),
    call("zrange", "z", "[z", "[a", bylex=True, desc=True, offset=0, num=3),
    call("zrevrange", "z", 0, 1, withscores=True),
    call("zrangebyscore", "z", "-inf", 5, withscores=True),
    call("zrangebyscore", "z", "-inf", 5, start=1, num=1),
    call("zrevrangebyscore", "z", "+inf", "(1", withscores=True),
    call("zrangebylex", "z", "-", "+"),
    call("zrevrangebylex", "z", "+", "-", start=0, num=2),
    call("zlexcount", "z", "-", "+"),
    call("zrangestore", "r", "z", 0, 2),
    call("zrangestore", "r", "z", "-inf", "(5", byscore=True, offset=0, num=10),
    call("zadd", "y", {"a": 10, "b": 20, "x": 30}),
    call("zunion", ["z", "y"]),
    call("zunion", {"z": 2, "y": 0.5}, aggregate="MAX", withscores=True),
    call("zinter", ["z", "y"], withscores=True),
    call("zinter", {"z": 2, "y": 3}, aggregate="MIN", withscores=True),
    call("zdiff", ["z", "y"], withscores=True),
    call("zdiff", ["z", "y"]),
    call("zintercard", 2, ["z", "y"], limit=1),
    call("zunionstore", "u", {"z": 1, "y": 2}),
    call("zinterstore", "u", ["z", "y"], aggregate="SUM"),
    call("zdiffstore", "u", ["z", "y"]),
    call("zscan", "z", count=100),
    call("zscan", "z", match="a*"),
    call("zpopmin", "z"),
    call("zpopmax", "z", 2),
    call("zpopmin", "none"),
    call("zmpop", 2, ["none", "y"], min=True, count=2),
    call("zmpop", 1, ["none"], max=True),
    call("zrandmember", "none"),
    call("zrandmember", "y", 10),
    call("zrandmember", "y", 10, withscores=True),
    call("bzpopmin", ["none", "y"], 1),
    call("zadd", "y", {"a": 10, "b": 20.25, "x": 30}),
    call("bzpopmax", "y", 1),
    call("bzmpop", 1, 2, ["none", "y"], max=True, count=2),
    call("zrem", "z", "a", "none"),
    call("zadd", "k", {str(number): number for number in range(20)}),
    call("zremrangebyrank", "k", 0, 2),
    call("zremrangebyscore", "k", 5, "(8"),
    call("zremrangebylex", "k", "[9", "[9"),
    call("zrange", "k", 0, -1, withscores=True),
    call("sort", "k", desc=True),
]

STREAMS = [
    call("xadd", "s", {"f": "v", "g": 1}, id="1-1"),
    call("xadd", "s", {"f": "w"}, id="2-1"),
    call("xadd", "s", {"f": "w"}, id="1-1"),
    call("xadd", "none", {"f": "w"}, nomkstream=True),
    call("xadd", "s", {"f": "x"}, id="3-*", maxlen=100, approximate=True),
    call("xlen", "s"),
    call("xrange", "s"),
    call("xrange", "s", min="(1-1", max="+", count=1),
    call("xrevrange", "s", count=2),
    call("xread", {"s": "0"}, count=2),
    call("xread", {"s": "$"}),
    call("xread", {"s": "$"}, block=10),
    call("xgroup_create", "s", "g", id="0"),
    call("xgroup_create", "s", "g", id="0"),
    call("xgroup_create", "m", "g", mkstream=True),
    call("xgroup_create", "none", "g"),
    call("xreadgroup", "g", "c", {"s": ">"}, count=2),
    call("xreadgroup", "g", "c", {"s": "0"}),
    call("xreadgroup", "g", "d", {"s": ">"}, noack=True),
    call("xreadgroup", "g", "d", {"s": ">"}),
    call("xreadgroup", "g", "d", {"s": ">"}, block=10),
    call("xreadgroup", "none", "d", {"s": ">"}),
    call("xpending", "s", "g"),
    call("xpending", "m", "g"),
    call("xpending_range", "s", "g", "-", "+", 10, consumername="none"),
    call("xclaim", "s", "g", "e", 0, ["1-1"], justid=True),
    call("xclaim", "s", "g", "e", 0, ["1-1", "9-9"], retrycount=5),
    call("xautoclaim", "s", "g", "e", 0, start_id="0-0", count=1),
    call("xautoclaim", "s", "g", "e", 0, justid=True),
    call("xdel", "s", "2-1"),
    call("xautoclaim", "s", "g", "f", 0),
    call("xack", "s", "g", "1-1", "9-9"),
    call("xinfo_stream", "s"),
    call("xinfo_groups", "s"),
    call("xinfo_groups", "m"),
    call("xinfo_stream", "none"),
    call("xgroup_createconsumer", "s", "g", "new"),
    call("xgroup_delconsumer", "s", "g", "new"),
    call("xgroup_setid", "s", "g", "0"),
    call("xgroup_destroy", "s", "g"),
    call("xtrim", "s", maxlen=1, approximate=False),
    call("xtrim", "s", minid="9"),
    call("xlen", "s"),
]

OTHERS = [
    call("pfadd", "p", "a", "b", "c"),
    call("pfadd", "p", "a"),
    call("pfadd", "q", *range(1000)),
    call("pfcount", "p"),
    call("pfcount", "p", "q", "none"),
    call("pfmerge", "r", "p", "q"),
    call("pfcount", "r"),
    call("geoadd", "g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")),
    call("geoadd", "g", (13.361389, 38.115556, "Palermo"), nx=True, ch=True),
    call("geopos", "g", "Palermo", "none"),
    call("geodist", "g", "Palermo", "Catania", "km"),
    call("geodist", "g", "Palermo", "none"),
    call("geohash", "g", "Palermo", "none"),
    call("geosearch", "g", member="Palermo", radius=200, unit="km", sort="ASC"),
    call("geosearch", "g", longitude=15, latitude=37, width=400, height=400, unit="km", withcoord=True, withdist=True),
    call("geosearch", "g", member="Palermo", radius=200, unit="km", withhash=True, count=1),
    call("geosearchstore", "d", "g", member="Palermo", radius=200, unit="km", storedist=True),
    call("zrange", "d", 0, -1),
    call("georadius", "g", 15, 37, 200, unit="km", withdist=True, sort="DESC"),
    call("georadiusbymember", "g", "Palermo", 200, unit="km", withcoord=True),
    call("rpush", "l", 3, 1, 2),
    call("mset", {"w_1": 30, "w_2": 20, "w_3": 10}),
    call("sort", "l", by="w_*", get="w_*"),
    call("object", "FREQ", "l"),
    call("keys", "w_*"),
    call("scan", _type="list", count=1000),
    call("delete", "l", "g", "none"),
    call("exists", "l", "p"),
]

GROUPS = {
    "lists": LISTS,
    "hashes": HASHES,
    "sets": SETS,
    "sorted sets": SORTED_SETS,
    "streams": STREAMS,
    "others": OTHERS,
}


def connect(server: Server, protocol: int, decodes: bool) -> redis.Redis:
    return redis.Redis(port=server.port, protocol=protocol, decode_responses=decodes)


def result(client: redis.Redis, one: tuple[str, tuple[object, ...], dict[str, object]]) -> object:
    """The value that a call returns, or the error that it raises; sorted where Redis promises no order."""
    method, arguments, options = one
    try:
        value: Any = getattr(client, method)(*arguments, **options)
    except redis.RedisError as error:
        return type(error).__name__, str(error)
    if isinstance(value, list) and method in {"hrandfield", "zrandmember", "srandmember", "keys", "sdiff", "sinter"}:
        return sorted(value, key=repr)
    return value


@pytest.mark.needs_redis
@pytest.mark.parametrize("decodes", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_method_returns_what_it_returns_with_the_real_server(
    real: Server, ours: Server, group: str, protocol: int, decodes: bool
) -> None:
    with ExitStack() as stack:
        judge = stack.enter_context(connect(real, protocol, decodes))
        client = stack.enter_context(connect(ours, protocol, decodes))
        for one in GROUPS[group]:
            expected, found = result(judge, one), result(client, one)
            assert repr(found) == repr(expected), one
