"""Redirected invalidations, compared with real servers: they go to another client, in RESP2 to a subscriber.

The form of a script is described in `stage`.
"""

from __future__ import annotations

import pytest

from tests.differential.stage import conversation
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

SCRIPTS: dict[str, str] = {
    "a change of a key": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a | GET b
        x: SET a 1
        x: SET a 2
        t: MGET a b
        x: MSET a 3 b 4 c 5
        t: CLIENT TRACKINGINFO | CLIENT GETREDIR
    """,
    "the client that gets the messages is not subscribed": """
        r: PING
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a
        x: SET a 1
        r: SUBSCRIBE __redis__:invalidate
        t: GET a
        x: SET a 2
        r: UNSUBSCRIBE
        t: GET a
        x: SET a 3
    """,
    "it is subscribed to something else": """
        r: SUBSCRIBE other
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a
        x: SET a 1
    """,
    "broadcast": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r} BCAST PREFIX user: PREFIX job:
        x: SET user:1 a | SET other b | SET job:1 c
        t: SET user:2 a
        t: CLIENT TRACKING OFF
        t: CLIENT TRACKING ON REDIRECT {r} BCAST NOLOOP
        t: SET user:3 a
        x: SET user:3 b
        t: CLIENT TRACKINGINFO
    """,
    "opt in and opt out": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r} OPTIN
        t: GET a | CLIENT CACHING YES | GET b | GET c
        x: MSET a 1 b 1 c 1
        t: CLIENT CACHING NO
        t: CLIENT TRACKING OFF
        t: CLIENT TRACKING ON REDIRECT {r} OPTOUT
        t: CLIENT CACHING NO | GET a | GET b
        x: MSET a 2 b 2
        t: CLIENT CACHING YES
        t: MULTI | CLIENT CACHING NO | GET a | GET c | EXEC
        x: MSET a 3 c 3
    """,
    "no loop": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r} NOLOOP
        t: GET a | SET a 1 | GET a
        x: SET a 2
    """,
    "expired keys": """
        r: SUBSCRIBE __redis__:invalidate
        t: SET a 1 PX 500
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a
        x: DEBUG SLEEP 0.6 | GET a
    """,
    "errors": """
        t: CLIENT TRACKING ON REDIRECT 123456 | CLIENT TRACKING ON REDIRECT x | CLIENT TRACKING ON BCAST OPTIN
        t: CLIENT TRACKING ON PREFIX a | CLIENT TRACKING ON OPTIN OPTOUT | CLIENT CACHING YES | CLIENT TRACKING MAYBE
        t: CLIENT TRACKING ON BCAST PREFIX ab PREFIX a | CLIENT GETREDIR | CLIENT TRACKINGINFO
    """,
    "the client that gets the messages leaves": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a
        r: close
        x: SET a 1
        t: CLIENT TRACKINGINFO | CLIENT GETREDIR
    """,
    "it is subscribed to a pattern": """
        r2: PSUBSCRIBE other
        t2: CLIENT TRACKING ON REDIRECT {r2} | GET a
        x2: SET a 1
    """,
    "it is subscribed to a shard channel": """
        r2: SSUBSCRIBE __redis__:invalidate
        t2: CLIENT TRACKING ON REDIRECT {r2} | GET a
        x2: SET a 1
    """,
    "it speaks RESP3, subscribed or not": """
        r3: PING
        t2: CLIENT TRACKING ON REDIRECT {r3} | GET a
        x2: SET a 1
        r3: SUBSCRIBE __redis__:invalidate
        t2: GET a
        x2: SET a 2
    """,
    "from a RESP3 client to a RESP2 client": """
        r2: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r2} | GET a
        x2: SET a 1
        t3: GET a
        t3: SET a 2 | ECHO after
    """,
    "broadcast of several keys at once": """
        r2: SUBSCRIBE __redis__:invalidate
        t2: CLIENT TRACKING ON REDIRECT {r2} BCAST PREFIX a PREFIX b
        x2: MSET a1 1 b1 1 c1 1 | SET a2 1
        x2: MSET b2 1 a1 1
        t2: SET a3 1
        t2: CLIENT TRACKINGINFO
    """,
    "a message to the channel from a client": """
        r2: SUBSCRIBE __redis__:invalidate
        t2: CLIENT TRACKING ON REDIRECT {r2} | GET a
        x2: PUBLISH __redis__:invalidate a
        x2: SET a 1
    """,
    "several clients to one": """
        r2: SUBSCRIBE __redis__:invalidate
        t2: CLIENT TRACKING ON REDIRECT {r2} | GET a
        u2: CLIENT TRACKING ON REDIRECT {r2} | GET a
        v3: CLIENT TRACKING ON REDIRECT {r2} NOLOOP | GET a
        v3: SET a 1
    """,
}
BROKEN: dict[str, str] = {
    "the RESP3 client is told when a key changes": """
        r2: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r2} | MGET a b
        r2: close
        t3: PING
        x2: SET a 1
        t3: CLIENT TRACKINGINFO
        x2: SET b 1
        t3: CLIENT TRACKING ON | CLIENT TRACKINGINFO
    """,
    "a RESP2 client finds it in TRACKINGINFO": """
        r2: SUBSCRIBE __redis__:invalidate
        t2: CLIENT TRACKING ON REDIRECT {r2} | MGET a b
        r2: close
        t2: CLIENT TRACKINGINFO
        x2: SET a 1
        t2: CLIENT TRACKINGINFO
        t2: CLIENT TRACKING OFF | CLIENT TRACKINGINFO
        t2: CLIENT TRACKING ON REDIRECT {t2} | CLIENT TRACKINGINFO
    """,
    "broadcast": """
        r2: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r2} BCAST
        r2: close
        x2: MSET a 1 b 1
        t3: SET c 1 | ECHO after
        t3: CLIENT TRACKINGINFO
    """,
    "the client breaks it by itself": """
        r2: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r2} | GET a
        t3: CLIENT KILL ID {r2} | SET a 1 | ECHO after
    """,
    "the target resets": """
        r3: SUBSCRIBE __redis__:invalidate
        t3: CLIENT TRACKING ON REDIRECT {r3} | GET a
        r3: RESET
        x2: SET a 1
        r3: PING
    """,
    "the target was not subscribed": """
        r3: PING
        t3: CLIENT TRACKING ON REDIRECT {r3}
        t3: GET a
        r3: close
        x: SET a 1
        t3: CLIENT TRACKINGINFO
    """,
}
FLUSHED = """
    r: SUBSCRIBE __redis__:invalidate
    t: CLIENT TRACKING ON REDIRECT {r}
    t: GET a
    x: FLUSHDB SYNC
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_invalidations_are_redirected_as_on_redis(judge: Server, ours: Server, name: str) -> None:
    assert conversation(ours, 2, SCRIPTS[name]) == conversation(judge, 2, SCRIPTS[name])


def test_the_invalidation_of_all_keys_is_redirected(real: Server, ours: Server) -> None:
    """8.2 replies to FLUSHDB later, when its background thread has freed the keys."""
    assert conversation(ours, 2, FLUSHED) == conversation(real, 2, FLUSHED)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_redirections_are_as_on_redis(judge: Server, ours: Server, name: str) -> None:
    assert conversation(ours, 2, BROKEN[name]) == conversation(judge, 2, BROKEN[name])
