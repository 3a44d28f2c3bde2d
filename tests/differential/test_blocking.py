"""Scripts of several connections, played on both servers: which clients wait, which are served, in what order.

The form of a script is described in `stage`. After each line everything that has arrived on any connection is compared;
at the end, the data and the figures that count blocked clients and calls. Where 7.2 differs from the installed server,
its behaviour is tested with the commands and not here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.stage import Stage
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

LISTS: dict[str, str] = {
    "the client that came first is served first": """
        a: BLPOP k 0
        b: BRPOP k 0
        c: BLPOP other k 0
        x: RPUSH k 1 2
        x: LRANGE k 0 -1
        x: RPUSH k 3 4 5
        x: LRANGE k 0 -1
    """,
    "one push serves several clients": """
        a: BLPOP k 0
        b: BLPOP k 0
        c: BLPOP k 0
        x: RPUSH k 1 2 3 4
        x: LRANGE k 0 -1
    """,
    "a key that is named twice": """
        a: BLPOP k k k 0
        x: RPUSH k 1 2 3
        x: LRANGE k 0 -1
        a: BLPOP k k 0
        a: BRPOP k 0
        a: BLPOP k k 0
        x: RPUSH k z
    """,
    "keys are served in the order in which they became ready": """
        a: BLMOVE k1 t LEFT RIGHT 0
        b: BLMOVE k2 t LEFT RIGHT 0
        x: MULTI
        x: RPUSH k2 two
        x: RPUSH k1 one
        x: EXEC
        x: LRANGE t 0 -1
    """,
    "a chain of moves": """
        a: BLMOVE k1 k2 LEFT RIGHT 0
        b: BLMOVE k2 k3 RIGHT LEFT 0
        c: BRPOPLPUSH k3 k4 0
        d: BLMPOP 0 2 none k4 LEFT COUNT 3
        x: RPUSH k1 v w
        x: LRANGE k1 0 -1
        x: EXISTS k1 k2 k3 k4
    """,
    "a move to the key itself": """
        a: BLMOVE k k LEFT RIGHT 0
        b: BLMOVE k k RIGHT RIGHT 0
        c: BLPOP k 0
        x: RPUSH k 1 2 3
        x: LRANGE k 0 -1
    """,
    "two clients that move in a circle": """
        a: BRPOPLPUSH k1 k2 0
        b: BRPOPLPUSH k2 k1 0
        x: RPUSH k1 v
        x: EXISTS k1 k2
    """,
    "a move to a key of another type fails and takes nothing": """
        x: SET t v
        a: BLMOVE k t LEFT LEFT 0
        b: BLPOP k 0
        x: RPUSH k 1
        x: EXISTS k
    """,
    "a move to a wrong type with nothing to take waits": """
        x: SET t v
        a: BRPOPLPUSH k t 0.05 ...
    """,
    "several elements at once": """
        a: BLMPOP 0 2 k1 k2 RIGHT COUNT 2
        b: BLMPOP 0 1 k2 LEFT
        x: RPUSH k2 1 2 3 4 5
        x: LRANGE k2 0 -1
        a: BLMPOP 0 1 k3 LEFT COUNT 10
        x: RPUSH k3 1
    """,
    "an element that is pushed and popped in one transaction serves no one": """
        a: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: LPOP k
        x: EXEC
        x: RPUSH k 2
    """,
    "a transaction does not wait": """
        x: MULTI
        x: BLPOP k 0
        x: BRPOP k 1
        x: BLMOVE k l LEFT LEFT 0
        x: BRPOPLPUSH k l 0
        x: BLMPOP 0 1 k LEFT
        x: BZPOPMIN z 0
        x: BZPOPMAX z 0
        x: BZMPOP 0 1 z MIN
        x: XREAD BLOCK 0 STREAMS s $
        x: EXEC
        x: RPUSH k 1
        x: ZADD z 1 m
        x: MULTI
        x: BLPOP k 0
        x: BZPOPMAX z 0
        x: EXEC
        x: EXISTS k z
    """,
    "a transaction serves other clients when it has ended": """
        a: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: RPUSH k 2
        x: LRANGE k 0 -1
        x: EXEC
        x: LRANGE k 0 -1
    """,
    "a key that is deleted and created again in a transaction": """
        a: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: DEL k
        x: SET k v
        x: DEL k
        x: RPUSH k 2
        x: EXEC
    """,
    "a key of another type does not serve": """
        a: BLPOP k 0
        b: BZPOPMIN k 0
        c: XREAD BLOCK 0 STREAMS k 0
        x: SET k v
        x: DEL k
        x: ZADD k 1 m
        x: DEL k
        x: SADD k m
        x: DEL k
        x: XADD k 1-1 f v
        x: DEL k
        x: RPUSH k e
    """,
    "a key that gets a wrong type after the push": """
        a: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: DEL k
        x: ZADD k 1 m
        x: EXEC
        x: DEL k
        x: RPUSH k 2
    """,
    "a wrong type is refused at once": """
        x: SET k v
        a: BLPOP none k 0
        a: BLMOVE k l LEFT LEFT 0
        a: BLMPOP 0 2 none k LEFT
        a: BZPOPMIN none k 0
        a: BZMPOP 0 2 none k MIN
        a: XREAD BLOCK 0 STREAMS k 0
        x: RPUSH first 1
        a: BLPOP first k 0
        a: BLMPOP 0 2 none2 k LEFT
    """,
    "renaming, copying, moving and swapping serve clients": """
        a: BLPOP k1 0
        x: RPUSH src 1
        x: RENAME src k1
        b: BLPOP k2 0
        x: RPUSH src 1
        x: COPY src k2
        c: BLPOP k3 0
        x: RENAMENX src k3
        d: SELECT 1
        d: BLPOP k4 0
        x: RPUSH k4 1
        x: MOVE k4 1
        e: BLPOP k5 0
        x: SELECT 2
        x: RPUSH k5 1
        x: SWAPDB 0 2
        f: SELECT 3
        f: BLPOP k6 0
        x: RPUSH k6 1
        x: COPY k6 k6 DB 3
        x: SWAPDB 7 8
    """,
    "SORT and other commands with STORE serve": """
        x: RPUSH src 3 1 2
        a: BLPOP dst 0
        x: SORT src STORE dst
        x: LRANGE dst 0 -1
        b: BLPOP dst2 0
        x: SORT none STORE dst2
        x: LMOVE src dst2 LEFT LEFT
        c: BLPOP dst3 0
        x: RPOPLPUSH src dst3
        d: BLPOP dst4 0
        x: LPUSHX dst4 1
        x: LPUSH dst4 1
        x: LRANGE src 0 -1
    """,
    "a value of the awaited type that overwrites another one serves no one": """
        x: RPUSH src 1 2
        x: SET k v
        a: BLPOP none k2 0
        x: SET k2 v
        x: SORT src STORE k2
        x: ZADD k3 1 m
        b: BLPOP k4 0
        x: ZADD k4 1 m
        x: SORT src STORE k4
        x: LRANGE k4 0 -1
        x: RPUSH k4 3
        x: RENAME k4 k2
        x: RPUSH k4 4
    """,
    "LINSERT and LSET do not find a client waiting": """
        x: RPUSH k 1
        a: BLPOP k 0
        a: BLPOP k 0
        x: LINSERT k BEFORE 1 0
        x: RPUSHX k 5
        x: RPUSH k 7
    """,
    "RESTORE serves": """
        x: RPUSH src v
        x: EXISTS src
        a: BLPOP k 0.05 ...
    """,
    "clients time out": """
        a: BLPOP k 0.01 ...
        a: BRPOP k k2 0.01 ...
        a: BLMOVE k l LEFT LEFT 0.01 ...
        a: BRPOPLPUSH k l 0.01 ...
        a: BLMPOP 0.01 1 k LEFT ...
        a: BZPOPMIN k 0.01 ...
        a: BZPOPMAX k 0.01 ...
        a: BZMPOP 0.01 1 k MAX ...
        a: XREAD BLOCK 10 STREAMS k $ ...
        x: RPUSH k 1
        x: LLEN k
    """,
    "timeouts that are refused": """
        a: BLPOP k -1
        a: BLPOP k -0.5
        a: BLPOP k x
        a: BLPOP k nan
        a: BLMPOP -1 1 k LEFT
        a: BLMPOP x 1 k LEFT
        a: BLMPOP 0 0 k LEFT
        a: BLMPOP 0 1 k UP
        a: BLMPOP 0 1 k LEFT COUNT 0
        a: BLMPOP 0 2 k LEFT
        a: BLMOVE k k UP LEFT 0
        a: BLMOVE k k LEFT LEFT x
        a: BZPOPMIN k x
        a: BZMPOP x 1 k MIN
        a: XREAD BLOCK x STREAMS k 0
        a: XREAD BLOCK -1 STREAMS k 0
        a: XREAD BLOCK 1.5 STREAMS k 0
        a: BRPOPLPUSH k k x
        a: BRPOPLPUSH k k -2
    """,
    "a pipeline continues after the reply to its blocking command": """
        a: SET n 1 | BLPOP k 0 | INCR n | BLPOP k 0 | INCR n | GET n
        x: GET n
        x: RPUSH k 1
        x: GET n
        x: RPUSH k 2 3
        x: LRANGE k 0 -1
    """,
    "commands that a blocked client sends meanwhile run afterwards": """
        a: BLPOP k 0
        a: PING
        a: RPUSH k 9
        b: BLPOP k 0
        x: RPUSH k 1
    """,
    "a client that pushes to another one and then waits itself": """
        a: BLPOP k 0
        b: RPUSH k 1 | BLPOP k 0 | PING
        a: RPUSH k 2 | BLPOP k 0
        b: RPUSH k 3 4
    """,
    "pushes in one pipeline serve one after the other": """
        a: BLPOP k 0
        b: BLPOP k 0
        x: RPUSH k 1 | LLEN k | RPUSH k 2 | LLEN k | RPUSH k 3 | LLEN k
    """,
    "a client that disconnects is not served": """
        a: BLPOP k 0
        b: BLPOP k 0
        a: close
        x: RPUSH k 1
        x: EXISTS k
        c: BLPOP k 0
        c: close
        x: RPUSH k 2
        x: LRANGE k 0 -1
    """,
    "a client that is killed is not served": """
        a: BLPOP k 0
        b: BLMOVE k l LEFT LEFT 0
        x: CLIENT KILL ID {a}
        x: RPUSH k 1
        x: LRANGE l 0 -1
    """,
    "CLIENT UNBLOCK": """
        a: BLPOP k 0
        x: CLIENT UNBLOCK {a}
        a: BLMOVE k l LEFT LEFT 0
        x: CLIENT UNBLOCK {a} TIMEOUT
        a: BLMPOP 0 1 k LEFT | PING
        x: CLIENT UNBLOCK {a} ERROR
        x: CLIENT UNBLOCK {a}
        x: CLIENT UNBLOCK 99999
        x: CLIENT UNBLOCK {a} NOPE
        a: BZPOPMIN k 0
        x: CLIENT UNBLOCK {a} ERROR
        a: XREAD BLOCK 0 STREAMS k $
        x: CLIENT UNBLOCK {a}
        x: RPUSH k 1
        x: LLEN k
    """,
    "UNBLOCK within a transaction, with a push": """
        a: BLPOP k 0
        b: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: CLIENT UNBLOCK {a}
        x: EXEC
        x: LLEN k
    """,
    "a watched key from which a blocked client is served": """
        w: WATCH k
        a: BLPOP k 0
        x: RPUSH k 1
        w: MULTI
        w: PING
        w: EXEC
        w: WATCH t
        a: BLMOVE k t LEFT LEFT 0
        x: RPUSH k 2
        w: MULTI
        w: PING
        w: EXEC
    """,
    "a client that watches a key and then waits": """
        a: WATCH k
        a: BLPOP k 0
        x: RPUSH k 1
        a: MULTI
        a: PING
        a: EXEC
    """,
    "CLIENT REPLY and blocking": """
        a: CLIENT REPLY SKIP | BLPOP k 0 | PING
        x: RPUSH k 1
        x: LLEN k
        a: CLIENT REPLY OFF
        a: BLPOP k 0
        x: RPUSH k 2
        x: LLEN k
        a: CLIENT REPLY ON
    """,
    "deleting and flushing leave clients blocked": """
        a: BLPOP k 0
        x: RPUSH l 1
        x: DEL l
        x: FLUSHALL
        x: FLUSHDB
        x: RPUSH k 1
    """,
    "a key with a time to live": """
        a: BLPOP k 0
        x: MULTI
        x: RPUSH k 1
        x: PEXPIREAT k 1
        x: EXEC
        x: EXISTS k
        x: RPUSH k 2
    """,
    "out of memory": """
        x: RPUSH k 1 2 3
        x: CONFIG SET maxmemory 1
        x: LPUSH k 0
        x: RPUSH k 0
        x: LMOVE k l LEFT LEFT
        x: BLMOVE k l LEFT LEFT 0
        x: HSET h f v
        x: SADD s m
        x: ZADD z 1 m
        x: XADD st * f v
        x: PFADD p a
        x: GEOADD g 1 1 m
        x: SORT k STORE d
        x: ZUNIONSTORE z2 1 z
        x: SINTERSTORE s2 s
        x: LSET k 0 v
        x: LINSERT k BEFORE 1 0
        x: LPOP k
        x: BLPOP k 0
        x: LREM k 0 9
        x: LTRIM k 0 5
        x: HDEL h f
        x: SREM s m
        x: ZREM z m
        x: SPOP s
        x: ZPOPMIN z
        x: XDEL st 1-1
        x: XTRIM st MAXLEN 1
        x: XGROUP CREATE st g $ MKSTREAM
        x: XREADGROUP GROUP g c STREAMS st >
        x: XACK st g 1-1
        x: SMOVE s s2 m
        x: HINCRBY h f 1
        x: HSETNX h f 1
        x: ZINCRBY z 1 m
        x: PFCOUNT p
        x: PFMERGE p q
        x: CONFIG SET maxmemory 0
        x: LLEN k
    """,
}

SORTED_SETS: dict[str, str] = {
    "the client that came first is served first": """
        a: BZPOPMIN z 0
        b: BZPOPMAX z 0
        c: BZMPOP 0 1 z MIN COUNT 2
        x: ZADD z 1 a 2 b 3 c 4 d 5 e
        x: ZRANGE z 0 -1 WITHSCORES
    """,
    "one member for several clients": """
        a: BZPOPMIN z1 z2 0
        b: BZPOPMIN z2 z1 0
        x: ZADD z2 1.5 m
        x: ZADD z1 inf m
        x: EXISTS z1 z2
    """,
    "STORE commands serve clients": """
        x: ZADD s1 1 a 2 b
        x: ZADD s2 3 a
        a: BZPOPMAX d1 0
        x: ZUNIONSTORE d1 2 s1 s2
        b: BZPOPMIN d2 0
        x: ZINTERSTORE d2 2 s1 s2
        c: BZPOPMIN d3 0
        x: ZDIFFSTORE d3 2 s1 s2
        d: BZPOPMIN d4 0
        x: ZRANGESTORE d4 s1 0 -1
        e: BZPOPMIN d5 0
        x: ZINCRBY d5 4 m
        f: BZMPOP 0 2 d6 d7 MAX COUNT 10
        x: GEOADD d7 13 38 here
        g: BZPOPMIN d8 0
        x: GEOADD geo 13 38 here
        x: GEOSEARCHSTORE d8 geo FROMMEMBER here BYRADIUS 10 km
        h: BZPOPMIN d9 0
        x: GEORADIUSBYMEMBER geo here 10 km STORE d9
        x: ZRANGE d1 0 -1 WITHSCORES
        x: ZRANGE d4 0 -1
    """,
    "an empty result serves no one": """
        a: BZPOPMIN d 0
        x: ZINTERSTORE d 2 none1 none2
        x: ZADD d XX 1 m
        x: ZADD d 1 m
    """,
    "renaming and swapping": """
        a: BZPOPMIN z 0
        x: ZADD src 1 m
        x: RENAME src z
        b: BZPOPMAX z 0
        x: SELECT 4
        x: ZADD z 1 m
        x: SWAPDB 4 0
    """,
    "scores in replies": """
        a: BZPOPMIN z 0
        x: ZADD z 0.5 m
        a: BZPOPMAX z 0
        x: ZADD z -inf m
        a: BZMPOP 0 2 z y MIN COUNT 5
        x: ZADD y 1e20 m 3 n
    """,
    "in a pipeline": """
        a: BZPOPMIN z 0 | ZCARD z | BZPOPMIN z 0 | ZCARD z
        x: ZADD z 1 a
        x: ZADD z 1 a 2 b
    """,
}

STREAMS: dict[str, str] = {
    "all readers get an entry that is added": """
        a: XREAD BLOCK 0 STREAMS s $
        b: XREAD BLOCK 0 COUNT 1 STREAMS s 0
        c: XREAD BLOCK 0 STREAMS other s $ $
        x: XADD s 1-1 f v
        a: XREAD BLOCK 0 STREAMS s 1-1
        x: MULTI
        x: XADD s 1-2 f v
        x: XADD s 1-3 f v
        x: EXEC
    """,
    "an id that is larger than that of the new entry": """
        a: XREAD BLOCK 0 STREAMS s 5-0
        x: XADD s 4-0 f v
        x: XADD s 5-0 f v
        x: XADD s 5-1 f v
    """,
    "a group hands each entry to one reader": """
        x: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g A BLOCK 0 STREAMS s >
        b: XREADGROUP GROUP g B BLOCK 0 STREAMS s >
        x: XADD s 1-1 f v
        x: XADD s 1-2 f v
        x: XADD s 1-3 f v
        c: XREADGROUP GROUP g C BLOCK 0 STREAMS s >
        x: XPENDING s g
        c: XREADGROUP GROUP g C BLOCK 0 STREAMS s 0
        c: XREADGROUP GROUP g C NOACK BLOCK 0 STREAMS s >
        x: XADD s 1-4 f v
        x: XPENDING s g
    """,
    "two groups and a plain reader": """
        x: XGROUP CREATE s g $ MKSTREAM
        x: XGROUP CREATE s h $
        a: XREADGROUP GROUP g A BLOCK 0 STREAMS s >
        b: XREADGROUP GROUP h B BLOCK 0 STREAMS s >
        c: XREAD BLOCK 0 STREAMS s $
        x: XADD s 1-1 f v
        x: XINFO GROUPS s
    """,
    "a group whose last id is set back serves clients with the next entry": """
        x: XGROUP CREATE s g $ MKSTREAM
        x: XADD s 1-1 f v
        x: XGROUP SETID s g $
        a: XREADGROUP GROUP g A BLOCK 0 STREAMS s >
        x: XGROUP SETID s g 0
        x: XADD s 1-2 f v
    """,
    "the stream is renamed, moved or swapped in": """
        a: XREAD BLOCK 0 STREAMS s 0
        x: XADD src 1-1 f v
        x: RENAME src s
        b: XREAD BLOCK 0 STREAMS t 0
        x: COPY s t
        c: XREAD BLOCK 0 STREAMS u 0
        x: SELECT 2
        x: XADD u 1-1 f v
        x: SWAPDB 2 0
    """,
    "readers time out": """
        x: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g A BLOCK 10 STREAMS s > ...
        x: XINFO CONSUMERS nokey g
        a: XREAD COUNT 2 BLOCK 1 STREAMS none s $ $ ...
    """,
    "a stream that is deleted while a plain reader waits": """
        x: XADD s 1-1 f v
        a: XREAD BLOCK 0 STREAMS s $
        x: DEL s
        x: SET s v
        x: DEL s
        x: XADD s 1-1 f w
        x: XADD s 1-2 f w
    """,
    "XADD with NOMKSTREAM and with trimming, and XAUTOCLAIM": """
        x: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g A BLOCK 0 STREAMS s >
        x: XADD s NOMKSTREAM 1-1 f v
        x: XAUTOCLAIM s g B 0 0 COUNT 10
        b: XREAD BLOCK 0 STREAMS s $
        x: XADD s MAXLEN 1 2-1 f v
        x: XSETID s 9-0
    """,
}

SCRIPTS = {
    f"{group}: {name}": script
    for group, scripts in (("lists", LISTS), ("sorted sets", SORTED_SETS), ("streams", STREAMS))
    for name, script in scripts.items()
}


@pytest.fixture
def stages(real: Server, ours: Server, protocol: int) -> Iterator[tuple[Stage, Stage]]:
    both = (Stage(real, protocol), Stage(ours, protocol))
    yield both
    for stage in both:
        stage.close()


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_both_servers_serve_the_clients_of_a_script_alike(stages: tuple[Stage, Stage], name: str) -> None:
    real, ours = stages
    for number, line in enumerate(SCRIPTS[name].strip().splitlines()):
        expected, found = real.play(line), ours.play(line)
        assert found == expected, f"after line {number + 1}, {line.strip()}"
    # 7.0 counts a call that CLIENT UNBLOCK ended like a timeout as a failure.
    counts_failures = "UNBLOCK" not in SCRIPTS[name]
    left_blocked = name.endswith(("a client that disconnects is not served", "a client that is killed is not served"))
    assert ours.outcome(counts_failures, left_blocked) == real.outcome(counts_failures, left_blocked)
