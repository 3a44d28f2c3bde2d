"""ACL rules on channels, compared with a real server: who may publish and subscribe, and who is disconnected."""

from __future__ import annotations

import pytest

from tests.differential.stage import compare
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

SCRIPTS: dict[str, str] = {
    "what a user may do": """
        a: ACL SETUSER u on >p +@all ~* resetchannels &news.*
        u: AUTH u p
        u: PUBLISH news.a 1 | PUBLISH other 1 | SPUBLISH other 1 | SPUBLISH news.b 1
        u: MULTI | PUBLISH other 1 | EXEC
        u: SUBSCRIBE news.a other
        u: SUBSCRIBE news.a news.b
        u: PSUBSCRIBE news.*
        u: PSUBSCRIBE *
        u: SSUBSCRIBE other
        u: UNSUBSCRIBE other
        a: ACL DRYRUN u PUBLISH other 1 | ACL DRYRUN u SUBSCRIBE news.a | ACL DRYRUN u PSUBSCRIBE n*
    """,
    "a client that loses a channel is disconnected": """
        a: ACL SETUSER u on >p +@all ~* allchannels
        s: AUTH u p
        t: AUTH u p
        v: AUTH u p
        w: AUTH u p
        s: SUBSCRIBE news.a
        t: PSUBSCRIBE *
        v: SSUBSCRIBE other
        a: ACL SETUSER u resetchannels &news.*
        a: PUBLISH news.a 1
        w: PING
    """,
    "the setting acl-pubsub-default": """
        a: CONFIG SET acl-pubsub-default allchannels
        a: ACL SETUSER u on >p +@all ~*
        u: AUTH u p
        u: PUBLISH any 1
        a: CONFIG SET acl-pubsub-default resetchannels
        a: ACL SETUSER w on >p +@all ~*
        w: AUTH w p
        w: PUBLISH any 1
    """,
}


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_channels_are_permitted_as_on_redis(newer: Server, ours: Server, protocol: int, name: str) -> None:
    try:
        compare(newer, ours, protocol, SCRIPTS[name])
    finally:
        for server in (newer, ours):
            with server.connect() as wire:
                wire.do("ACL", "DELUSER", "u", "w")
