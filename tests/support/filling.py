"""Functions that create keys for a test to start with."""

from __future__ import annotations

from tests.support.world import Client, World


def fill(world: World | Client, count: int, prefix: str = "key:") -> set[bytes]:
    """Set the keys `key:0`, `key:1` ... to the string v; returns the keys."""
    keys = [f"{prefix}{number}" for number in range(count)]
    world.do("MSET", *[word for key in keys for word in (key, "v")])
    return {key.encode() for key in keys}


def fill_hash(world: World | Client, *fields: str, key: str = "k") -> None:
    """Set fields of a hash one by one, each to its own name as value."""
    for field in fields:
        world.do("HSET", key, field, field)


def fill_sorted_set(world: World | Client, key: str = "z", count: int = 5) -> None:
    """Add the members `m0`, `m1` ... with the scores 0, 1 ... to a sorted set."""
    world.do("ZADD", key, *[word for number in range(count) for word in (str(number), f"m{number}")])


def fill_stream(world: World | Client, *ids: str, key: str = "s") -> None:
    """Add entries with these IDs to a stream, each with the field f and the value v."""
    for one in ids:
        world.do("XADD", key, one, "f", "v")
