"""Client-side caching with clients of both protocols, compared with real servers on the wire.

The form of a script is described in `stage`; the number at the end of a name is the protocol of the connection.
"""

from __future__ import annotations

from statistics import median

import pytest

from tests.differential.stage import conversation
from tests.support.servers import Server
from tests.support.wire import info

pytestmark = pytest.mark.needs_redis

MODES: dict[str, str] = {
    "optin": """
        t3: CLIENT TRACKING ON OPTIN | GET a | CLIENT CACHING YES | GET b | GET c
        x2: MSET a 1 b 1 c 1
        t3: CLIENT CACHING YES | CLIENT TRACKINGINFO | CLIENT GETNAME | GET a
        x2: SET a 2
        t3: CLIENT CACHING YES | PING | GET a
        x2: SET a 3
        t3: CLIENT CACHING YES | NOSUCH | GET a
        x2: SET a 4
        t3: CLIENT CACHING YES | GET | GET a
        x2: SET a 5
        t3: CLIENT CACHING YES | SET b 1 | GET a
        x2: SET a 6
    """,
    "optin in a transaction": """
        t3: CLIENT TRACKING ON OPTIN | CLIENT CACHING YES | MULTI | GET a | GET b | EXEC | GET c
        x2: MSET a 1 b 1 c 1
        t3: MULTI | CLIENT CACHING YES | GET a | GET b | EXEC | GET c
        x2: MSET a 2 b 2 c 2
        t3: CLIENT TRACKINGINFO
    """,
    "optout": """
        t3: CLIENT TRACKING ON OPTOUT | GET a | CLIENT CACHING NO | GET b | GET c
        x2: MSET a 1 b 1 c 1
        t3: CLIENT CACHING NO | MULTI | GET a | EXEC | GET b
        x2: MSET a 2 b 2
    """,
    "switching modes": """
        t3: CLIENT TRACKING ON OPTIN | CLIENT CACHING YES | CLIENT TRACKING ON OPTIN | GET a
        x2: SET a 1
        t3: CLIENT CACHING YES | CLIENT TRACKING ON | CLIENT TRACKINGINFO | GET a
        x2: SET a 2
        t3: CLIENT TRACKING ON OPTOUT | CLIENT TRACKING ON OPTIN | CLIENT TRACKING ON BCAST | CLIENT TRACKINGINFO
        t3: CLIENT TRACKING OFF | CLIENT TRACKING ON BCAST PREFIX a | CLIENT TRACKING ON | CLIENT TRACKING ON BCAST
        t3: CLIENT TRACKING ON BCAST PREFIX b NOLOOP | CLIENT TRACKINGINFO | CLIENT TRACKING OFF | CLIENT TRACKINGINFO
    """,
    "keys that were read before tracking began anew": """
        t3: CLIENT TRACKING ON | GET a | CLIENT TRACKING OFF | CLIENT TRACKING ON
        u3: CLIENT TRACKING ON
        x2: SET a 1
        u3: GET a | CLIENT TRACKING OFF | CLIENT TRACKING ON BCAST PREFIX z
        x2: SET a 2
    """,
    "the only client begins anew": """
        t3: CLIENT TRACKING ON | GET a | CLIENT TRACKING OFF | CLIENT TRACKING ON
        x2: SET a 1
    """,
    "caching without tracking": """
        t3: CLIENT CACHING YES | CLIENT CACHING NO | CLIENT GETREDIR | CLIENT TRACKINGINFO
        t3: CLIENT TRACKING ON | CLIENT CACHING YES | CLIENT CACHING NO | CLIENT CACHING x | CLIENT CACHING
        t3: CLIENT TRACKING OFF | CLIENT TRACKING | CLIENT TRACKING x | CLIENT TRACKING ON REDIRECT
        t3: CLIENT TRACKING OFF x | CLIENT TRACKING ON PREFIX | CLIENT TRACKING ON REDIRECT -1
    """,
    "prefixes": """
        t3: CLIENT TRACKING ON BCAST PREFIX a PREFIX ab | CLIENT TRACKING ON BCAST PREFIX a PREFIX a
        t3: CLIENT TRACKING ON BCAST PREFIX ab | CLIENT TRACKING ON BCAST PREFIX a | CLIENT TRACKINGINFO
        t3: CLIENT TRACKING ON BCAST PREFIX ab | CLIENT TRACKING ON BCAST PREFIX c | CLIENT TRACKINGINFO
        t3: CLIENT TRACKING ON BCAST | CLIENT TRACKINGINFO
        x2: MSET abc 1 c 2 x 3
        t3: CLIENT TRACKING OFF | CLIENT TRACKING ON BCAST | CLIENT TRACKING ON BCAST PREFIX q | CLIENT TRACKINGINFO
        x2: MSET b 1 a 1
    """,
    "what commands read and change": """
        t3: CLIENT TRACKING ON
        t3: EXISTS a b | STRLEN c | TYPE d | LRANGE e 0 -1 | SORT_RO f | SINTERCARD 2 g h | OBJECT ENCODING i
        t3: GETRANGE j 0 1 | XREAD STREAMS k 0 | TOUCH l | KEYS * | SCAN 0 | DUMP m | BITFIELD_RO n GET u8 0
        x2: MSET a 1 b 1 c 1 d 1 | RPUSH e 1 | SADD f 1 | SADD g 1 | SADD h 1 | SET i 1
        x2: SET j 1 | XADD k 1-1 a b | SET l 1 | SET m 1 | SET n 1
        t3: MGET a b c d | GET i
        x2: RENAME a a2 | COPY b b2 | MOVE c 3 | GETDEL d | EXPIRE i 100
        t3: GET b | GET i | GET b2
        x2: PERSIST i | RESTORE b2 0 x | APPEND b 1 | SETRANGE b2 0 y | SWAPDB 0 1
    """,
    "keys in other databases": """
        t3: CLIENT TRACKING ON | GET a
        x2: SELECT 3 | SET a 1
        t3: SELECT 5 | GET a
        x2: SELECT 0 | SET a 1 | SWAPDB 0 3
    """,
    "commands that fail or change nothing": """
        x2: SET a 1
        t3: CLIENT TRACKING ON | MGET a b | LLEN a
        x2: DEL b | LPUSH a 1 | SETNX a 2 | EXPIRE b 1 | GETEX a
        x2: SET b 1 NX | GETEX a EX 100 | SETNX a 3
    """,
    "a key that expired is deleted by nobody": """
        x2: DEBUG SET-ACTIVE-EXPIRE 0 | SET a 1 PX 1 | SET b 1 PX 1 | SET c 1 PX 1 | DEBUG SLEEP 0.01
        n3: CLIENT TRACKING ON NOLOOP
        b3: CLIENT TRACKING ON BCAST NOLOOP
        b3: GET a
        n3: GET b
        x2: GET c | SET d 1 PX 200
        n3: GET d
        x2: DEBUG SLEEP 0.25
        n3: GET d
        x2: DEBUG SET-ACTIVE-EXPIRE 1
    """,
    "a command that was blocked and timed out": """
        t3: CLIENT TRACKING ON OPTIN | CLIENT CACHING YES
        t3: XREAD BLOCK 10 STREAMS s $ ...
        t3: GET a | CLIENT TRACKINGINFO
        x3: SET a 1 | XADD s 1-2 a b | XADD s 1-3 a b
    """,
    "a transaction that is refused": """
        t3: CLIENT TRACKING ON OPTIN | CLIENT CACHING YES | MULTI | NOSUCH | GET a | EXEC | CLIENT TRACKINGINFO
        t3: CLIENT CACHING YES | MULTI | DISCARD | CLIENT TRACKINGINFO | CLIENT CACHING YES | EXEC | GET a
        x2: SET a 1
    """,
    "replies that are dropped": """
        t3: CLIENT TRACKING ON | GET a | CLIENT REPLY SKIP | SET a 1 | PING
        t3: GET a | CLIENT REPLY OFF | SET a 2 | CLIENT REPLY ON
    """,
    "tracking ends in the transaction that changes a key": """
        t3: CLIENT TRACKING ON | GET a | MULTI | SET a 1 | CLIENT TRACKING OFF | EXEC | ECHO after
        t3: CLIENT TRACKING ON | GET a | MULTI | SET a 1 | CLIENT TRACKING ON NOLOOP | EXEC | ECHO after
    """,
    "in a transaction of another client": """
        t3: CLIENT TRACKING ON | MGET a b
        b3: CLIENT TRACKING ON BCAST
        x2: MULTI | SET a 1 | SET b 1 | SET a 2 | EXEC
    """,
}
#: Judged by 8.2: since 7.2 a client gets a message that its own command causes after the reply, not before it.
ORDERED: dict[str, str] = {
    "its own messages precede its own invalidations": """
        t3: SUBSCRIBE ch | CLIENT TRACKING ON | GET a
        t3: MULTI | SET a 1 | PUBLISH ch x | EXEC | ECHO after
    """,
    "so do its notifications": """
        x3: CONFIG SET notify-keyspace-events KEA
        t3: PSUBSCRIBE __key* | CLIENT TRACKING ON | GET a
        t3: SET a 1 | ECHO after
        x3: SET a 2
        t3: MGET a b
        x3: MULTI | SET a 1 | SET b 1 | EXEC
        t3: GET a | DEL a | ECHO after
    """,
    "messages to a redirection precede the client's own invalidations": """
        r3: SUBSCRIBE ch
        t3: CLIENT TRACKING ON REDIRECT {r3} | GET a | MULTI | SET a 1 | PUBLISH ch x | EXEC | ECHO after
        t3: GET a | MULTI | SET a 1 | PUBLISH ch x | CLIENT TRACKING OFF | EXEC | ECHO after
    """,
    "the client to which messages are redirected changes the keys": """
        r3: CLIENT TRACKING ON | MGET a b c
        t2: CLIENT TRACKING ON REDIRECT {r3} | MGET a b c
        u3: CLIENT TRACKING ON BCAST REDIRECT {r3}
        r3: MSET c 1 b 1 a 1 | ECHO after
        t2: MGET a b
        r3: MULTI | SET a 1 | GET a | SET b 1 | EXEC | ECHO after
    """,
    "a blocked command remembers its keys when it is served": """
        t3: CLIENT TRACKING ON | XREAD BLOCK 0 STREAMS s $
        x3: XADD s 1-1 a b
        x3: XADD s 1-2 a b
        x3: XADD s 1-3 a b
    """,
    "a blocked command keeps CLIENT CACHING until it is served": """
        t3: CLIENT TRACKING ON OPTIN | CLIENT CACHING YES | XREAD BLOCK 0 STREAMS s $
        x3: XADD s 1-1 a b
        x3: XADD s 1-2 a b
        t3: XREAD STREAMS s 0
        x3: XADD s 1-3 a b
    """,
    "elements are removed before or after the notification": """
        x3: CONFIG SET notify-keyspace-events KA
        t3: PSUBSCRIBE __key* | CLIENT TRACKING ON
        t3: EXISTS a b
        x3: ZADD a 1 x 2 y 3 z
        t3: EXISTS a b
        x3: ZREM a x
        t3: EXISTS a b
        x3: ZADD a 1 x
        t3: EXISTS a b
        x3: ZPOPMIN a 5
        t3: EXISTS a b
        x3: SADD a 1 2
        t3: EXISTS a b
        x3: SMOVE a b 1
        t3: EXISTS a b
        x3: SADD a 3
        t3: EXISTS a b
        x3: CLIENT REPLY SKIP | SPOP a
        t3: EXISTS a b
        x3: SADD a 4 5
        t3: EXISTS a b
        x3: CLIENT REPLY SKIP | SPOP a 9
        t3: EXISTS a b
        x3: XADD a 1-1 f v
        t3: EXISTS a b
        x3: XADD a MAXLEN 1 1-2 f v
        t3: EXISTS a b
        x3: XADD a 1-3 f v
        t3: EXISTS a b
        x3: XTRIM a MAXLEN 1
        t3: EXISTS a b
        x3: DEL a
        t3: EXISTS a b
        x3: RPUSH a 1 1 2 3
        t3: EXISTS a b
        x3: LREM a 1 1
        t3: EXISTS a b
        x3: LTRIM a 1 -1
        t3: EXISTS a b
        x3: LPOP a 9
        t3: EXISTS a b
        x3: HSET a f 1 g 2
        t3: EXISTS a b
        x3: HDEL a f
        t3: EXISTS a b
        x3: HDEL a g
    """,
    "a field that expired follows its notifications": """
        x3: CONFIG SET notify-keyspace-events KEA
        t3: PSUBSCRIBE __keyevent* | CLIENT TRACKING ON
        x3: DEBUG SET-ACTIVE-EXPIRE 0 | HSET h f 1 g 2 | HPEXPIRE h 200 FIELDS 2 f g
        t3: HGETALL h
        x3: DEBUG SLEEP 0.25 | HGET h f
        t3: EXISTS h
        x3: HGET h g | DEBUG SET-ACTIVE-EXPIRE 1
    """,
    "a field that expired is deleted by nobody": """
        x3: DEBUG SET-ACTIVE-EXPIRE 0 | HSET h f 1 g 2 | HPEXPIRE h 200 FIELDS 2 f g
        b3: CLIENT TRACKING ON BCAST NOLOOP
        n3: CLIENT TRACKING ON NOLOOP | HGETALL h
        x3: DEBUG SLEEP 0.25
        b3: HGET h f | ECHO after
        n3: EXISTS h | HGET h g | ECHO after
        x3: DEBUG SET-ACTIVE-EXPIRE 1
    """,
}
#: 8.2 replies to FLUSHALL and FLUSHDB later, when its background thread has freed the keys.
FLUSHED: dict[str, str] = {
    "every tracking client is told": """
        r2: SUBSCRIBE __redis__:invalidate
        s2: PING
        t2: CLIENT TRACKING ON REDIRECT {r2}
        u2: CLIENT TRACKING ON REDIRECT {s2} | GET a
        v3: CLIENT TRACKING ON BCAST PREFIX b
        w3: CLIENT TRACKING ON NOLOOP
        x2: FLUSHALL | SELECT 3 | FLUSHDB | SET a 1
        w3: FLUSHALL | ECHO after
    """,
    "after the end of its redirection": """
        r2: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r2}
        r2: close
        x2: FLUSHALL
        t3: FLUSHDB | CLIENT TRACKINGINFO
    """,
    "in a transaction": """
        t3: CLIENT TRACKING ON | GET a
        t3: MULTI | SET a 1 | FLUSHALL | GET a | SET a 2 | EXEC | ECHO after
        b3: CLIENT TRACKING ON BCAST
        b3: MULTI | SET a 1 | FLUSHALL | SET b 2 | EXEC | ECHO after
    """,
}


@pytest.mark.parametrize("name", MODES)
def test_modes_of_tracking_are_as_on_redis(judge: Server, ours: Server, name: str) -> None:
    assert conversation(ours, 3, MODES[name]) == conversation(judge, 3, MODES[name])


@pytest.mark.parametrize("name", ORDERED)
def test_messages_come_in_the_order_of_redis(newer: Server, ours: Server, name: str) -> None:
    assert conversation(ours, 3, ORDERED[name]) == conversation(newer, 3, ORDERED[name])


@pytest.mark.parametrize("name", FLUSHED)
def test_flushes_are_announced_as_on_redis(real: Server, ours: Server, name: str) -> None:
    assert conversation(ours, 3, FLUSHED[name]) == conversation(real, 3, FLUSHED[name])


class Measured:
    """A server, and how much its memory changes by what a tracking client does."""

    def __init__(self, server: Server) -> None:
        self._watcher = server.connect()
        self._watcher.do("CONFIG", "SET", "latency-tracking", "no")
        self._client = server.connect()
        self._measure("PING")

    def close(self) -> None:
        self._watcher.do("CONFIG", "SET", "latency-tracking", "yes")
        self._client.close()
        self._watcher.close()

    def _used(self) -> int:
        return int(info(self._watcher, "memory")["used_memory"])

    def _measure(self, *lines: str) -> tuple[str, int]:
        before = self._used()
        for line in lines:
            self._client.do(*line.split())
        return " | ".join(lines), self._used() - before

    def _play(self) -> list[tuple[str, int]]:
        """The change by each line. The server keeps the table, so what the first line takes is left out."""
        keys = [f"key:{number}" for number in range(300)] + ["k", "key:1:name", "other"]
        for line in ("FLUSHALL", "SET x v", "CLIENT TRACKING ON BCAST", "SET a v", "DEL a", "CLIENT TRACKING OFF"):
            self._measure(line)
        found = [self._measure("CLIENT TRACKING ON")]
        found += [self._measure(f"EXISTS {key}") for key in keys]
        found += [self._measure(f"SET {key} v", f"DEL {key}") for key in keys[:200]]
        found += [self._measure(f"EXISTS {key}") for key in keys[:100]]
        found += [self._measure("CLIENT TRACKING OFF")]
        self._measure("CLIENT TRACKING ON BCAST PREFIX z")  # takes 16 bytes more in 8.2 than in 7.0
        found += [self._measure(f"CLIENT TRACKING ON BCAST PREFIX {prefix}") for prefix in ("a", "foo", "fob")]
        self._measure("CLIENT TRACKING OFF")
        return found

    def play(self) -> list[tuple[str, int]]:
        """The change by each line: the median of three, because timers resize the buffers of clients meanwhile."""
        rounds = [self._play() for _ in range(3)]
        return [(each[0][0], median(change for _, change in each)) for each in zip(*rounds, strict=True)]


def test_tracked_keys_and_prefixes_take_as_much_memory_as_on_redis(newer: Server, ours: Server) -> None:
    """The judge is the one whose allocator has the size classes of the ledger."""
    measured = [Measured(server) for server in (newer, ours)]
    try:
        theirs, found = (one.play() for one in measured)
    finally:
        for one in measured:
            one.close()
    assert [pair for pair in zip(theirs, found, strict=True) if pair[0] != pair[1]] == []
