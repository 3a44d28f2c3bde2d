"""Eviction beside a redis-server: what is refused, how far memory goes above its limit, how well samples tell the age.

Which key is evicted is a matter of chance on both servers; what is compared is exact where it can be (replies, numbers
of keys) and statistical where it cannot.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import pytest

from tests.differential.harness import Pair, Step, step
from tests.support.servers import Server
from tests.support.wire import OK, Argument, Array, Bulk, Integer, Wire, info

pytestmark = pytest.mark.needs_redis

PATIENCE_SECONDS = 20.0
#: What the ledger takes for a queued argument of 1000 bytes.
QUEUED_VALUE = 16 + 1024


def used(wire: Wire) -> int:
    """Bytes in use."""
    return int(info(wire, "memory")["used_memory"])


def evicted(wire: Wire) -> int:
    """Keys evicted since the start."""
    return int(info(wire, "stats")["evicted_keys"])


def configure(wire: Wire, **settings: str | int) -> None:
    """CONFIG SET."""
    for name, value in settings.items():
        assert wire.do("CONFIG", "SET", name.replace("_", "-"), value) == OK


def send(wire: Wire, commands: Sequence[Sequence[Argument]]) -> None:
    """Run commands of which each is answered with OK."""
    for start in range(0, len(commands), 500):
        assert set(wire.pipeline(commands[start : start + 500])) == {OK}


def settle(wire: Wire) -> None:
    """Wait until nothing more is evicted."""
    end = time.monotonic() + PATIENCE_SECONDS
    before = -1
    while evicted(wire) != before:
        assert time.monotonic() < end, "eviction does not come to its end"
        before = evicted(wire)
        time.sleep(0.1)


def rest(wire: Wire) -> None:
    """Wait until no table is being rehashed: how much it takes and what is sampled depends on how far that has come."""
    end = time.monotonic() + PATIENCE_SECONDS
    while b"rehashing target" in text_of(wire.do("DEBUG", "HTSTATS", 0)):
        assert time.monotonic() < end, "rehashing does not come to its end"
        time.sleep(0.05)


def text_of(reply: object) -> bytes:
    """The content of a string reply."""
    assert isinstance(reply, Bulk)
    return reply.data


def keys(wire: Wire) -> set[bytes]:
    """All keys of the database."""
    reply = wire.do("KEYS", "*")
    assert isinstance(reply, Array)
    return {item.data for item in reply.items if isinstance(item, Bulk)}


# Replies.


REFUSED: dict[str, list[Step]] = {
    "nothing to evict": [
        step("SET", "a", "1"),
        step("GET", "a"),
        step("DEL", "a"),
        step("MULTI"),
        step("GET", "a"),
        step("EXEC"),
        step("RPUSH", "l", "1"),
        step("PING"),
    ],
    "a transaction given up": [
        step("MULTI"),
        step("SET", "a", "1"),
        step("DISCARD"),
        step("MULTI"),
        step("MULTI"),
        step("EXEC"),
        step("WATCH", "a"),
        step("UNWATCH"),
    ],
    "what is wrong with a command comes first": [
        step("SET", "a"),
        step("NOSUCH"),
        step("MULTI"),
        step("SET", "a"),
        step("NOSUCH"),
        step("EXEC"),
        step("SET", "a", "1", "EX", "x"),
        step("GET", "a", "b"),
    ],
}


@pytest.mark.parametrize(
    "policy", ["noeviction", "allkeys-lru", "allkeys-random", "volatile-ttl", "volatile-lfu", "volatile-random"]
)
@pytest.mark.parametrize("name", REFUSED)
def test_above_the_limit_the_same_is_refused(real: Server, ours: Server, name: str, policy: str) -> None:
    pair = Pair(real, ours)
    try:
        difference = pair.difference(REFUSED[name], settings={"maxmemory-policy": policy, "maxmemory": "1"})
    finally:
        pair.close()
    assert difference is None, str(difference)


# Figures.


def lowered(server: Server, policy: str) -> tuple[int, int]:
    """How many of 20,000 keys are evicted when a quarter of their memory has to go, and how many stay."""
    with server.connect() as wire:
        configure(wire, maxmemory_policy=policy)
        wire.do("DBSIZE")  # the first call of a command takes memory
        empty = used(wire)
        send(wire, [("SET", f"key:{number:06}", "x" * 100, "EX", 100_000 + number) for number in range(20_000)])
        before = evicted(wire)
        rest(wire)
        configure(wire, maxmemory=used(wire) - (used(wire) - empty) // 4)
        settle(wire)
        gone = evicted(wire) - before
        stay = wire.do("DBSIZE")
        assert isinstance(stay, Integer)
        return gone, stay.value


@pytest.mark.parametrize("policy", ["allkeys-lfu", "volatile-ttl"])
def test_a_lower_limit_costs_as_many_keys(real: Server, ours: Server, policy: str) -> None:
    """Of 5000 keys that cost the memory of their tables too; the entries of the two allocators differ in size."""
    theirs, our = lowered(real, policy), lowered(ours, policy)
    assert sum(theirs) == sum(our) == 20_000
    assert our[0] == pytest.approx(theirs[0], rel=0.02)


def highest(server: Server) -> int:
    """By how much memory exceeds its limit at most, seen from within transactions that add a kilobyte.

    What a transaction has queued is in memory until its end.
    """
    with server.connect() as wire:
        configure(wire, maxmemory_policy="allkeys-lru")
        transaction: Iterable[Sequence[Argument]] = [("MULTI",), ("SET", "k", "x"), ("INFO", "memory"), ("EXEC",)]
        send(wire, [("SET", f"key:{number:06}", "x" * 100) for number in range(2000)])
        wire.pipeline(transaction)
        limit = used(wire)
        configure(wire, maxmemory=limit)
        seen: list[int] = []
        for number in range(300):
            wire.pipeline([("MULTI",), ("SET", f"more:{number:05}", "x" * 1000), ("INFO", "memory")])
            reply = wire.do("EXEC")
            assert isinstance(reply, Array)
            seen.append(int(text_of(reply.items[1]).split(b"used_memory:")[1].split(b"\r\n")[0]) - limit)
        return max(seen)


def test_memory_exceeds_its_limit_by_no_more_than_there(real: Server, ours: Server) -> None:
    """There a queued argument becomes the value; here it is beside it for as long as the transaction lasts."""
    assert highest(ours) - QUEUED_VALUE <= highest(real)


# Quality.

KEYS = 20_000
TO_EVICT = 5000


def share_of_oldest(server: Server, samples: int) -> float:
    """Percent of the evicted keys that were in the oldest third."""
    with server.connect() as wire:
        wire.do("FLUSHALL")
        configure(wire, maxmemory=0, maxmemory_policy="allkeys-lru", maxmemory_samples=samples)
        configure(wire, maxmemory_eviction_tenacity=100)
        wire.do("SET", "model", "x" * 100)
        payload = wire.do("DUMP", "model")
        assert isinstance(payload, Bulk)
        empty = used(wire)
        names = [b"key:%06d" % number for number in range(KEYS)]
        ages = enumerate(names)
        send(wire, [("RESTORE", name, 0, payload.data, "IDLETIME", KEYS - number) for number, name in ages])
        wire.do("DEL", "model")
        rest(wire)
        configure(wire, maxmemory=used(wire) - (used(wire) - empty) * TO_EVICT // KEYS)
        stay = keys(wire)
        configure(wire, maxmemory=0)
    gone = [number for number, name in enumerate(names) if name not in stay]
    assert TO_EVICT * 0.8 < len(gone) < TO_EVICT * 1.3
    return 100 * sum(number < KEYS / 3 for number in gone) / len(gone)


@pytest.mark.parametrize("samples", [3, 5, 10])
def test_as_many_of_the_victims_are_old(real: Server, ours: Server, samples: int) -> None:
    """A third would be chance. The share of 5000 victims has a deviation of half a point at most."""
    assert share_of_oldest(ours, samples) == pytest.approx(share_of_oldest(real, samples), abs=2)
