"""What the report says of a limit is what a server with that limit takes."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from pyredmem.rdb.survey.limits import STEPS, Change
from pyredmem.rdb.survey.outcomes import LIST_SIZE
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import OTHER_LIMITS, do, filled, output_of, saved
from tests.rdb.survey.surveys import tally_of
from tests.rdb.test_memory import options_for
from tests.support.suites import every_nth

LENGTHS = (30, 33, 65, 300, 2000)
COUNTS = (3, 70, 150, 300, 600, 1100)


def made(**settings: Any) -> SavingWorld:
    """Values on both sides of every limit."""
    world = SavingWorld(**settings)
    for count in COUNTS:
        words = [f"element {at:05}" for at in range(count)]
        do(world, "SADD", f"numbers {count}", *range(count))
        do(world, "SADD", f"set {count}", *words)
        do(world, "HSET", f"hash {count}", *[part for name in words for part in (name, "value")])
        do(world, "ZADD", f"board {count}", *[part for at, name in enumerate(words) for part in (at * 1.25 - 9, name)])
        do(world, "RPUSH", f"list {count}", *[name * 4 for name in words])
    for length in LENGTHS:
        text = "x" * length
        do(world, "SADD", f"long set {length}", "a", text)
        fields = [part for at in range(60) for part in (at, "x" * (30 + at))]
        do(world, "HSET", f"long hash {length}", *fields, text, text)
        do(world, "ZADD", f"long board {length}", 1, "a", 2, text)
    return world


def sizes(text: str) -> dict[tuple[str, str], int]:
    rows = csv.DictReader(io.StringIO(text))
    return {(row["database"], row["key"]): int(row["size_in_bytes"]) for row in rows}


@pytest.mark.parametrize(
    ("saved_with", "allocator"),
    every_nth(
        [("usual", "jemalloc"), ("low", "jemalloc"), ("high", "jemalloc"), ("low", "tcmalloc"), ("low", "jemalloc-lg4")]
    ),
)
def test_a_change_is_that_of_rdb_memory_with_the_limit(saved_with: str, allocator: str) -> None:
    files = saved(made(**OTHER_LIMITS[saved_with]))
    options = ("--allocator", allocator)
    now = sizes(output_of(files, "memory", *options))
    found = {(change.setting, change.limit): change for change in tally_of(files, *options).study.changes()}
    changed = 0
    for setting, limits in STEPS.items():
        for limit in limits if setting != LIST_SIZE else ():
            then = sizes(output_of(files, "memory", *options, "--set", setting, str(limit)))
            differences = [then[place] - now[place] for place in now if then[place] != now[place]]
            expected = Change(setting, limit, len(differences), sum(differences)) if differences else None
            assert found.get((setting, limit)) == expected
            changed += bool(differences)
    assert changed >= 4


def test_a_change_is_told_for_other_settings_of_the_server() -> None:
    files = saved(filled())
    limits = options_for({"hash_max_listpack_entries": "64", "zset_max_listpack_entries": "5"})
    tally = tally_of(files, *limits)
    now = sizes(output_of(files, "memory", *limits))
    then = sizes(output_of(files, "memory", *limits, "--set", "hash-max-listpack-entries", "1024"))
    [change] = [one for one in tally.study.changes() if one[:2] == ("hash-max-listpack-entries", 1024)]
    assert change.size == sum(then.values()) - sum(now.values()) != 0
    assert tally.study.present["hash-max-listpack-entries"] == 64


def test_lists_are_measured_as_if_they_were_pushed_anew() -> None:
    world = made()
    before = tally_of(saved(world)).study.changes()
    found = {change.limit: change.size for change in before if change.setting == LIST_SIZE}
    now = list_sizes(world)
    assert set(found) == {-1, -3, -4, -5}
    for limit, size in found.items():
        assert size == list_sizes(made(list_max_listpack_size=str(limit))) - now, limit


def list_sizes(world: SavingWorld) -> int:
    """What lists take on a server that has loaded the file."""
    text = output_of(saved(world), "memory", "--type", "list", "--set", "list-max-listpack-size", world_limit(world))
    return sum(sizes(text).values())


def world_limit(world: SavingWorld) -> str:
    return str(world.engine.keyspace.limits.list_size)


def test_nothing_is_said_of_limits_that_change_nothing() -> None:
    world = SavingWorld()
    do(world, "HSET", "h", "f", "v")
    do(world, "RPUSH", "l", "a")
    do(world, "SET", "s", "x" * 1000)
    assert list(tally_of(saved(world)).study.changes()) == []
