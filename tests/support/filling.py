"""Keys to begin a test with; each function says what it makes."""

from __future__ import annotations

from tests.support.world import Client, World


def fill(world: World | Client, count: int, prefix: str = "key:") -> set[bytes]:
    """Strings `key:0`, `key:1` ... with the value v; their names."""
    names = [f"{prefix}{number}" for number in range(count)]
    world.do("MSET", *[word for name in names for word in (name, "v")])
    return {name.encode() for name in names}


def fill_hash(world: World | Client, *fields: str, key: str = "k") -> None:
    """Fields of a hash, each with its own name as value, set one by one."""
    for field in fields:
        world.do("HSET", key, field, field)


def fill_sorted_set(world: World | Client, key: str = "z", count: int = 5) -> None:
    """Members `m0`, `m1` ... with the scores 0, 1 ..."""
    world.do("ZADD", key, *[word for number in range(count) for word in (str(number), f"m{number}")])


def fill_stream(world: World | Client, *ids: str, key: str = "s") -> None:
    """Entries with these IDs, each with the field f and the value v."""
    for one in ids:
        world.do("XADD", key, one, "f", "v")
