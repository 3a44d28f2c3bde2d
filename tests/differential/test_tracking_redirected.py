"""Client-side caching in RESP2, compared with real servers: invalidations go to a client that is subscribed to them."""

from __future__ import annotations

import pytest

from tests.differential.stage import Stage
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
}
FLUSHED = """
    r: SUBSCRIBE __redis__:invalidate
    t: CLIENT TRACKING ON REDIRECT {r}
    t: GET a
    x: FLUSHDB SYNC
"""
IN_RESP3: dict[str, str] = {
    "a broken redirection is told of": """
        r: PING
        t: CLIENT TRACKING ON REDIRECT {r}
        t: GET a
        r: close
        x: SET a 1
        t: CLIENT TRACKINGINFO
    """,
}


def _played(server: Server, protocol: int, script: str) -> list[str]:
    """What each line of a script brings, with the names of the clients in place of their ids."""
    stage = Stage(server, protocol)
    found: list[str] = []
    try:
        for line in script.strip().splitlines():
            text = str(stage.play(line))
            for name, number in stage.ids.items():
                text = text.replace(f"Integer(value={number})", f"the id of {name}")
            found.append(f"{line.strip()} -> {text}")
    finally:
        stage.close()
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_invalidations_are_redirected_as_on_redis(judge: Server, ours: Server, name: str) -> None:
    assert _played(ours, 2, SCRIPTS[name]) == _played(judge, 2, SCRIPTS[name])


def test_the_invalidation_of_all_keys_is_redirected(real: Server, ours: Server) -> None:
    """8.2 replies to FLUSHDB later, when its background thread has freed the keys."""
    assert _played(ours, 2, FLUSHED) == _played(real, 2, FLUSHED)


@pytest.mark.parametrize("name", IN_RESP3)
def test_redirections_in_resp3(judge: Server, ours: Server, name: str) -> None:
    assert _played(ours, 3, IN_RESP3[name]) == _played(judge, 3, IN_RESP3[name])
