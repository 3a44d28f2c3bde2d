"""OBJECT FREQ and OBJECT IDLETIME under each policy, compared with a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.harness import Pair, Step, step
from tests.differential.rules import near
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

POLICIES = [
    *("allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random"),
    *("volatile-ttl", "noeviction"),
]
# A second may pass between two commands. From the third access on, chance decides whether a counter grows.
IDLE = near(2)
FEW = near(3)


def _asked(*keys: str) -> list[Step]:
    return [step("OBJECT", what, key, rule=rule) for key in keys for what, rule in (("IDLETIME", IDLE), ("FREQ", FEW))]


USES: dict[str, list[Step]] = {
    "a new key": [step("SET", "a", "text")],
    "a new key with a time": [step("SET", "a", "text", "EX", 100)],
    "a key that was read": [step("SET", "a", "text"), step("GET", "a")],
    "a key that was overwritten": [step("SET", "a", "text"), step("GET", "a"), step("SET", "a", "other")],
    "a key that was changed": [step("APPEND", "a", "text"), step("APPEND", "a", "x")],
    "a key that was touched": [step("SET", "a", "text"), step("TOUCH", "a")],
    "a key that was looked at only": [
        step("SET", "a", "text"),
        step("TYPE", "a"),
        step("EXISTS", "a"),
        step("TTL", "a"),
    ],
    "a collection": [step("SADD", "a", "m"), step("SMEMBERS", "a"), step("SADD", "a", "n")],
    "a key under another name": [step("SET", "b", "text"), step("RENAME", "b", "a")],
    "a copy": [step("SET", "b", "text"), step("GET", "b"), step("COPY", "b", "a")],
    "a number of its own": [step("SET", "a", "1234567"), step("INCR", "a")],
}


@pytest.fixture
def pair(real: Server, ours: Server) -> Iterator[Pair]:
    made = Pair(real, ours)
    yield made
    made.close()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("use", USES)
def test_the_access_field_is_that_of_the_real_server_after(pair: Pair, policy: str, use: str) -> None:
    steps = [*USES[use], *_asked("a", "missing")]
    pair.check(steps, settings={"maxmemory-policy": policy, "maxmemory": "100mb"})


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_calls_that_make_no_sense_get_the_same_error(pair: Pair, policy: str) -> None:
    steps = [
        *(step("SET", "a", "1"), step("OBJECT", "FREQ"), step("OBJECT", "IDLETIME"), step("OBJECT", "FREQ", "a", "b")),
        *(step("OBJECT", "IDLETIME", "a", "b"), step("OBJECT", "NOSUCH", "a"), step("OBJECT", "REFCOUNT", "a")),
    ]
    pair.check(steps, settings={"maxmemory-policy": policy, "maxmemory": "100mb"})
