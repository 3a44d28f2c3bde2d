"""What the report says of a version is what a server of that version says after it has loaded the file."""

from __future__ import annotations

import pytest

from pyredmem.rdb.options import OptionError
from pyredmem.rdb.survey.versions import Place, places_of
from tests.differential.test_dump import ALL
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import do, filled, saved, written
from tests.rdb.survey.surveys import options_of, tally_of
from tests.support.wire import Integer
from tests.support.world import World


def loaded(world: SavingWorld, version: str, allocator: str) -> dict[str, int]:
    """By type, the sum of MEMORY USAGE in a server of a version that has what the world has in database 0."""
    other = World(redis_version=version, mem_allocator=allocator)
    sums: dict[str, int] = {}
    for key in world.engine.keyspace.databases[0].all_keys():
        payload, left_ms = world.reply("DUMP", key), world.reply("PTTL", key)
        other.do("RESTORE", key, str(max(getattr(left_ms, "value", 0), 0)), getattr(payload, "data", b""))
        kind = getattr(other.reply("TYPE", key), "text", b"").decode().replace("zset", "sortedset")
        size = other.reply("MEMORY", "USAGE", key, "SAMPLES", "0")
        assert isinstance(size, Integer)
        sums[kind] = sums.get(kind, 0) + size.value
    return sums


@pytest.mark.parametrize("allocator", ["jemalloc", "libc"])
@pytest.mark.parametrize("version", ["redis-7.2", "redis-8.2"])
def test_sizes_are_those_of_a_server_of_that_version(version: str, allocator: str) -> None:
    world = filled()
    do(world, "SELECT", 9)
    do(world, "FLUSHDB")
    do(world, "SELECT", 0)
    study = tally_of(saved(world), "--versions", f"{version}:{allocator}").versions
    expected = loaded(world, version, allocator)
    for name, sums in study.types.items():
        # The heights of nodes are random; and libc gives some blocks more than they need.
        share = 0.05 if name == "sortedset" else 0.005 if allocator == "libc" else 0
        assert sums.sizes[0] == pytest.approx(expected[name], rel=share)
    assert len(study.types) == len({name.split()[-1] for name in ("string", "list", "hash", "set", "zset", "stream")})
    assert sum(sums.keys for sums in study.types.values()) >= len(ALL)


def test_prefixes_and_types_have_the_same_sum() -> None:
    world = SavingWorld()
    for number in range(30):
        do(world, "SET", f"user:{number}", "x" * number)
        do(world, "RPUSH", f"queue/{number}", number)
    do(world, "SET", "plain", 5)
    study = tally_of(saved(world), "--versions", "all").versions
    assert {name: sums.keys for name, sums in study.prefixes.items()} == {"user:": 30, "queue/": 30, "": 1}
    sums = [list(table.values()) for table in (study.types, study.prefixes)]
    totals = [[sum(one.sizes[at] for one in several) for several in sums] for at in range(len(study.places))]
    assert all(by_type == by_prefix for by_type, by_prefix in totals)


@pytest.mark.parametrize("version", ["redis-7.2", "redis-8.2"])
def test_tables_take_what_the_keys_do_not_take(version: str) -> None:
    """In 8.2 it depends on the hashes which keys share a bucket, and so have an entry in the table.

    The estimate is four times that of a quarter of the keys; with other hashes it would be another one, with a standard
    deviation of 1.2 % of the tables.
    """
    world = SavingWorld()
    other = World(redis_version=version, hash_seed=1)
    keys = 0
    for number in range(3000):
        words = ("SET", f"key:{number:06}", "x", *(("EX", "1000") if number % 3 == 0 else ()))
        do(world, *words)
        other.do(*words)
    for number in range(3000):
        size = other.reply("MEMORY", "USAGE", f"key:{number:06}")
        assert isinstance(size, Integer)
        keys += size.value
    other.advance(1000)
    full = other.used_memory
    other.engine.keyspace.databases[0].clear()  # FLUSHALL would change the client's buffers
    tally = tally_of(saved(world), "--versions", version)
    assert tally.versions.types["string"].sizes == [keys]
    assert tally.tables_by_version().sizes[0] == pytest.approx(full - other.used_memory - keys, rel=0.02)


def test_places() -> None:
    assert [place.title() for place in places_of("redis-7.2,redis-8.2:libc")] == [
        "redis-7.2 jemalloc",
        "redis-8.2 libc",
    ]
    assert [place.title() for place in places_of("all")] == [
        *("redis-7.2 jemalloc", "redis-7.2 libc"),
        *("redis-8.2 jemalloc", "redis-8.2 libc"),
        *("valkey-9.1 jemalloc", "valkey-9.1 libc"),
    ]


@pytest.mark.parametrize("text", ["redis-9", "redis-8.2:malloc", "", "redis-7.2,"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is none of"):
        options_of("--versions", text)


def test_the_report_has_a_column_for_each_version() -> None:
    world = SavingWorld()
    do(world, "SET", "foo", "bar")
    _, text = written(saved(world), "report", "--versions", "redis-7.2,redis-8.2")
    assert "By version" in text
    assert "By prefix and version" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["string", "1", "56", "B", "32", "B"] in rows
    assert ["tables", "of", "databases", "32", "B", "2.53", "KiB"] in rows
    assert ["all", "1", "88", "B", "2.56", "KiB"] in rows
    assert "By version" not in written(saved(world), "report")[1]


def test_a_place_is_a_profile_and_an_allocator() -> None:
    [place] = places_of("redis-8.2:tcmalloc")
    assert isinstance(place, Place)
    assert (place.profile.name, place.allocator) == ("redis-8.2", "tcmalloc")
