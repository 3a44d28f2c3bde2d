"""Whatever is in the databases is loaded as it was saved: content, expire times, groups of streams, and memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.differential.grammar import Form, sequences, with_few_names
from tests.differential.harness import Step
from tests.differential.replicas import dataset
from tests.differential.test_sequences import FOREIGN, GROUPS
from tests.differential.test_stream_replay import TIMES
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK, Simple
from tests.support.suites import SUITE, time_limit

#: With these limits most values have tables.
LIMITS: dict[str, dict[str, Any]] = {
    "usual": {},
    "low": {
        "hash_max_listpack_entries": "2",
        "set_max_listpack_entries": "2",
        "set_max_intset_entries": "2",
        "zset_max_listpack_entries": "2",
        "list_max_listpack_size": "2",
        "list_compress_depth": "1",
        "stream_node_max_entries": "2",
        "rdbcompression": "no",
    },
}
CONTENTS: dict[str, list[Form]] = {
    **{name: forms + FOREIGN for name, (forms, _) in GROUPS.items() if name not in {"scan", "connection"}},
    "field times": TIMES + FOREIGN,
}
#: What SAVE must not meet: a transaction that is still open, a client that is blocked, other settings.
LEFT_OUT = {b"SHUTDOWN", b"CONFIG", b"DEBUG", b"SELECT", b"MULTI", b"SUBSCRIBE", b"RESET", b"QUIT", b"CLIENT", b"WAIT"}
BLOCKING = (b"BL", b"BR", b"BZ")


def is_left_out(argv: tuple[bytes, ...]) -> bool:
    if not argv or argv[0].upper() in LEFT_OUT:
        return True
    return argv[0].upper().startswith(BLOCKING) or any(word.upper() == b"BLOCK" for word in argv)


def memory_and_encodings(world: SavingWorld) -> dict[bytes, object]:
    """The encoding and the memory of each key."""
    return {
        key: (world.do("OBJECT", "ENCODING", key), world.do("MEMORY", "USAGE", key, "SAMPLES", "0"))
        for key in world.engine.keyspace.databases[0].all_keys()
        if world.do("TYPE", key) != Simple(b"zset")  # the heights of a skiplist are random
    }


def loaded_from(world: SavingWorld, limits: dict[str, Any]) -> SavingWorld:
    assert world.do("SAVE") == OK
    other = world.another(**limits)
    other.clock.advance_us(world.clock.now_us() - other.clock.now_us())
    other.tick(0)
    other.persistence.load()
    other.check()
    return other


def survive(name: str, limits: str, datasets: int) -> None:
    """Try random datasets."""

    @settings(max_examples=datasets)
    @given(sequences(CONTENTS[name]))
    def survives(steps: list[Step]) -> None:
        world = SavingWorld(**LIMITS[limits])
        for step in with_few_names(steps):
            if not is_left_out(step.argv):
                world.raw(*step.argv)
        first = loaded_from(world, LIMITS[limits])
        assert dataset(first) == dataset(world)
        second = loaded_from(first, LIMITS[limits])
        assert dataset(second) == dataset(world)
        assert memory_and_encodings(second) == memory_and_encodings(first)

    survives()


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("name", CONTENTS)
def test_a_dataset_survives_save_and_load(name: str, limits: str) -> None:
    survive(name, limits, 3)


@pytest.mark.slow
@time_limit(1200)
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("name", CONTENTS)
def test_many_datasets_survive_save_and_load(name: str, limits: str) -> None:
    survive(name, limits, SUITE.round_trips)
