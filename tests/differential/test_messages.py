"""Replies and messages: invalidations arrive even if replies are dropped, and no message arrives inside a reply.

The form of a script is described in `stage`. Where 7.0 differs from 7.2 the judge is redis-server 8.2: since 7.2 a
client to which others redirect gets the invalidations of its own changes after its replies.
"""

from __future__ import annotations

import pytest

from tests.differential.stage import compare
from tests.support.servers import Server
from tests.support.wire import Bulk

pytestmark = pytest.mark.needs_redis

TRACKING: dict[str, str] = {
    "blocked in BLMOVE with replies off, the client gets the invalidation of the key that it changes": """
        t: CLIENT TRACKING ON
        t: LRANGE dst 0 -1
        t: CLIENT REPLY OFF
        t: BLMOVE src dst LEFT RIGHT 0
        x: RPUSH src v
        t: CLIENT REPLY ON
        t: LRANGE dst 0 -1
    """,
    "blocked in BLPOP with replies off": """
        t: CLIENT TRACKING ON
        t: EXISTS k
        t: CLIENT REPLY OFF
        t: BLPOP k 0
        x: RPUSH k v w
        t: CLIENT REPLY ON
    """,
    "replies off, own changes and those of others": """
        t: CLIENT TRACKING ON
        t: GET k
        t: CLIENT REPLY OFF | GET k | SET k 1 | GET k
        x: SET k 2
        t: CLIENT REPLY ON
    """,
    "an invalidation is not skipped with a reply": """
        t: CLIENT TRACKING ON
        t: GET k
        t: CLIENT REPLY SKIP | SET k 1 | ECHO a
        t: GET k
        t: CLIENT REPLY SKIP
        x: SET k 2
        t: ECHO b | ECHO c
    """,
    "tracking begins inside a transaction": """
        t: MULTI | CLIENT TRACKING ON | GET a | SET a 1 | GET b | EXEC
        x: MSET a 2 b 2
    """,
    "invalidations of own changes follow the reply of EXEC": """
        t: CLIENT TRACKING ON
        t: MGET a b
        t: MULTI | SET a 1 | LPUSH l 1 | SET b 2 | EXEC | ECHO after
    """,
    "invalidations of own changes follow the reply": """
        t: CLIENT TRACKING ON
        t: MGET a b
        t: MSET a 1 b 2 | ECHO after
        t: MGET a b
        t: DEL a b | ECHO after
    """,
    "to RESP2 inside a transaction: what waits is dropped": """
        t: CLIENT TRACKING ON
        t: GET a
        t: MULTI | SET a 1 | CLIENT TRACKING OFF | CLIENT TRACKING ON | EXEC
        t: GET a
        x: SET a 2
    """,
    "broadcast comes at the end of the batch": """
        t: CLIENT TRACKING ON BCAST PREFIX a PREFIX b
        t: SET a1 1 | SET b1 2 | MGET a1 b1
        x: MSET a2 1 b2 2 | ECHO x
        t: CLIENT REPLY OFF | SET a3 1
        t: BLPOP a4 0
        x: RPUSH a4 1
        t: CLIENT REPLY ON
    """,
    "nothing follows the reply to QUIT": """
        t: CLIENT TRACKING ON BCAST
        t: SET a 1 | QUIT
    """,
    "RESET and QUIT after the invalidation": """
        t: CLIENT TRACKING ON
        t: GET a
        t: CLIENT REPLY OFF | SET a 1 | RESET | ECHO x
        x: SET a 2
        u: CLIENT TRACKING ON
        u: GET a
        u: CLIENT REPLY OFF | SET a 1 | QUIT
    """,
    "a client that others redirect to": """
        r: GET a
        t: CLIENT TRACKING ON REDIRECT {r}
        t: MGET a b
        t: SET a 1 | ECHO own
        r: SET b 1 | ECHO theirs
        t: MGET a b
        r: CLIENT REPLY OFF | SET a 2
        r: CLIENT REPLY ON
        t: MGET a b
        r: MULTI | SET a 3 | GET a | EXEC
        t: MGET a b
        r: BLPOP l 0
        x: MULTI | SET a 4 | RPUSH l 1 | EXEC
    """,
}
SKIPPING: dict[str, str] = {
    "the reply to RESET can be skipped": """
        t: CLIENT REPLY SKIP | RESET | ECHO a
    """,
    "skipping twice, and switching off in the skipped command": """
        t: CLIENT REPLY SKIP | CLIENT REPLY SKIP | ECHO a | ECHO b
        t: CLIENT REPLY SKIP | CLIENT REPLY OFF | ECHO a | CLIENT REPLY ON | ECHO b
    """,
    "the reply to MULTI is skipped": """
        t: CLIENT REPLY SKIP | MULTI | ECHO a | EXEC | ECHO c
    """,
    "a refused command is skipped": """
        t: CLIENT REPLY SKIP | NOSUCH | ECHO a
        t: CLIENT REPLY SKIP | GET | ECHO a
    """,
}
MONITORING: dict[str, str] = {
    "a monitor sees its own commands after their replies": """
        m: MONITOR | ECHO a
        m: MULTI | ECHO a | EXEC
        m: GET k
    """,
    "a transaction": """
        m: MONITOR
        x: MULTI | SET k 1 | EXEC
    """,
    "a blocked command is shown once, when it blocks": """
        m: MONITOR
        b: BLPOP k 0
        x: RPUSH k 1
    """,
    "a monitor that wants no replies gets no lines": """
        m: MONITOR
        m: CLIENT REPLY OFF | ECHO a
        x: ECHO b
        m: CLIENT REPLY ON | ECHO c
        n: CLIENT REPLY OFF | MONITOR | ECHO a
        x: ECHO b
        n: CLIENT REPLY ON
        m: CLIENT REPLY SKIP
        x: ECHO c
        m: ECHO d | ECHO e
    """,
    "no lines after QUIT and RESET": """
        m: MONITOR
        m: QUIT
        n: MONITOR
        n: RESET | ECHO a
    """,
}


@pytest.mark.parametrize("name", [name for name in TRACKING if "redirect" not in name])
def test_invalidations_arrive_as_on_redis(judge: Server, ours: Server, name: str) -> None:
    compare(judge, ours, 3, TRACKING[name])


def test_invalidations_arrive_as_on_redis_if_clients_redirect_them(newer: Server, ours: Server) -> None:
    compare(newer, ours, 3, TRACKING["a client that others redirect to"])


def test_all_keys_are_invalidated_after_the_reply_to_flushall(real: Server, ours: Server) -> None:
    """8.2 replies to FLUSHALL later, when its background thread has freed the keys."""
    compare(real, ours, 3, "t: CLIENT TRACKING ON\nt: GET a\nt: FLUSHALL | ECHO after\nt: GET a\nx: FLUSHDB")


def test_the_invalidation_of_a_clients_own_change_arrives_while_replies_are_off(real: Server, ours: Server) -> None:
    got = compare(real, ours, 3, next(iter(TRACKING.values())))
    assert [reply for reply in got["t"] if getattr(reply, "items", ())[:1] == (Bulk(b"invalidate"),)]


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", SKIPPING)
def test_replies_are_skipped_as_on_redis(judge: Server, ours: Server, protocol: int, name: str) -> None:
    compare(judge, ours, protocol, SKIPPING[name])


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", MONITORING)
def test_lines_of_monitor_arrive_as_on_redis(judge: Server, ours: Server, protocol: int, name: str) -> None:
    compare(judge, ours, protocol, MONITORING[name])
