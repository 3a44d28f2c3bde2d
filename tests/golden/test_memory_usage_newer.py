"""MEMORY USAGE, the encoding and the allocated bytes of keys that were recorded of Redis 8.2.

The server runs with that version, so it has the layout of its blocks. All figures are the recorded ones to the byte but
for those that are random, and for what ``NOT_MODELLED`` lists.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.cases import COMPRESSED, COMPRESSED_MARGIN, ENTRY_SIZE, FIGURES, FIRST_BUCKETS, REHASHED
from tests.golden.record import Recording, recordings
from tests.golden.test_recordings import MARGIN, recorded
from tests.support.local import LocalClient, LocalEngine, local_engine
from tests.support.wire import Bulk, Error, Integer

JUDGE = "redis-8.2"
VERSION = "8.2.3"
#: Figures that differ from the recorded ones, by category.
NOT_MODELLED = {
    # Which groups have an entry pending, kept for each entry.
    "stream/groups": {"allocated"},
    "stream/ack": {"allocated"},
    # The tree of the times of a hash table with more than 16 of them.
    "field-times/table": {"allocated"},
}
#: How many keys, or members, may share a bucket of a small table where in most of the recorded runs none did.
MOST_SHARED = 3


def _families() -> list[str]:
    return list(dict.fromkeys(case.category.partition("/")[0] for case in recordings()))


def measured_here(case: Recording, local: LocalEngine, control: LocalClient) -> dict[str, int | str]:
    """What record.measured() measures, of the engine in this process; and how many keys there were."""
    control.do("FLUSHALL")
    client = local.client()
    try:
        for command in case.commands:
            reply = client.do(*command)
            if isinstance(reply, Error):
                return {"error": reply.text.decode()}
        encoding = control.do("OBJECT", "ENCODING", case.key)
        usual = control.do("MEMORY", "USAGE", case.key)
        whole = control.do("MEMORY", "USAGE", case.key, "SAMPLES", 0)
        assert isinstance(encoding, Bulk)
        assert isinstance(usual, Integer)
        assert isinstance(whole, Integer)
        keys = control.do("DBSIZE")
        assert isinstance(keys, Integer)
        before = local.used_memory
        assert control.do("DEL", case.key) == Integer(1)
        figures = (usual.value, whole.value, before - local.used_memory)
    finally:
        local.drop(client)
    return {"encoding": encoding.data.decode(), "keys": keys.value, **dict(zip(FIGURES, figures, strict=True))}


def _slack(case: Recording, name: str, wanted: int, has_other_keys: bool) -> float:
    """How far a figure that was recorded as one number may be away from it."""
    category = case.category
    if category.startswith("set/") and name == "memory_usage":
        return MARGIN * wanted  # it is estimated from five members
    if category == COMPRESSED:
        return COMPRESSED_MARGIN * wanted
    if category == REHASHED:
        return FIRST_BUCKETS
    shares = category.startswith("set/") or has_other_keys or any(command[0] == b"COPY" for command in case.commands)
    return ENTRY_SIZE * MOST_SHARED if shares and name == "allocated" else 0


def _agrees(case: Recording, name: str, value: int | str | None, wanted: Any, has_other_keys: bool) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, int) and wanted[0] * (1 - MARGIN) <= value <= wanted[-1] * (1 + MARGIN)
    if isinstance(value, int) and isinstance(wanted, int):
        return abs(value - wanted) <= _slack(case, name, wanted, has_other_keys)
    return bool(value == wanted)


@pytest.mark.parametrize("family", _families())
def test_figures_are_those_recorded_of_redis_8_2(family: str) -> None:
    known = recorded(JUDGE)
    local = local_engine(("redis-version", VERSION))
    control = local.client()
    for words in ("DEL k", "OBJECT ENCODING k", "MEMORY USAGE k", "DBSIZE", "FLUSHALL"):
        control.do(*words.split())  # nothing is allocated for their first call any more
    faults = []
    for case in recordings():
        if case.category.partition("/")[0] != family:
            continue
        expected, found = known[case.id], measured_here(case, local, control)
        if "error" in expected or "error" in found:
            continue  # whether a command is refused is another subject
        for name in ("encoding", *FIGURES):
            if name in NOT_MODELLED.get(case.category, ()):
                continue
            if not _agrees(case, name, found[name], expected[name], found["keys"] != 1):
                faults.append(f"{case.id} {case.category} {name}: {found[name]}, not {expected[name]}")
    assert not faults, f"{len(faults)} differ\n" + "\n".join(faults[:40])
    local.assert_sound()
