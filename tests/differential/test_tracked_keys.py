"""Which keys of a read client-side caching remembers: those that Redis finds in the call, even if the call fails."""

from __future__ import annotations

import pytest

from tests.support.servers import Server
from tests.support.wire import info

pytestmark = pytest.mark.needs_redis

CALLS = """
    GET s
    LRANGE s 0 1
    LRANGE k 0 x
    SUBSTR a b c
    MGET a b s
    LCS a b NONE
    SORT_RO a BY x* GET y* NONE
    BITFIELD_RO a GET u8
    BITFIELD_RO a GET u98 0
    SINTERCARD 2 a
    SINTERCARD 1 a LIMIT
    ZRANGE a b c
    ZUNION 2 a
    ZDIFF x a
    ZDIFF 2 a b
    GEOSEARCH a b c d e f g
    OBJECT ENCODING a
    OBJECT NONE a
    MEMORY USAGE a
    XINFO STREAM a
    XREAD STREAMS c 0
    XREAD streams c 0
    XREAD COUNT 2 STREAMS c c 0
    XREAD COUNT 2 STREAMS c d 0 0
    XREAD COUNT x STREAMS c 0
    XREAD COUNT STREAMS STREAMS c 0
    XREAD NONE STREAMS c 0
    XREAD NOACK STREAMS c 0
    XREAD GROUP a b STREAMS c 0
    XREAD STREAMS c x
    XREAD STREAMS c
    XREAD STREAMS c c c
    XREAD STREAMS STREAMS c 0
    XREAD STREAMS a STREAMS c 0
    XREAD BLOCK 0 STREAMS c $ $
    XREAD BLOCK 0 COUNT
    XREADGROUP GROUP g c STREAMS c 0
"""


def remembered(server: Server, call: str) -> str:
    """How many keys the table has after a call."""
    with server.connect(3) as client:
        client.do("FLUSHALL")
        client.do("SET", "s", "1")
        client.do("CLIENT", "TRACKING", "ON")
        client.do(*call.split())
        return info(client, "stats")["tracking_total_keys"]


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_a_read_leaves_as_many_keys_in_the_table_as_on_redis(judge: Server, ours: Server, call: str) -> None:
    assert remembered(ours, call) == remembered(judge, call)
