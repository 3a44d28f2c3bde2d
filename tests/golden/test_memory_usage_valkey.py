"""MEMORY USAGE, the encoding and the allocated bytes of keys that were recorded of Valkey 9.1, with libc's allocator.

Most figures are the recorded ones to the byte. In a real heap libc gives a block 16 bytes more now and then, when it is
a free block that cannot be split, so a figure may be away by one such block, or by a share of it for each block.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.cases import FIGURES
from tests.golden.record import OPTIONS, Recording, recordings
from tests.golden.test_memory_usage_newer import measured_here
from tests.golden.test_recordings import recorded
from tests.support.local import local_engine

JUDGE = "valkey-9.1"
#: The free bytes at the end of a block that could not be split.
REMAINDER = 16
#: How much such bytes add to the many small blocks of a value.
REMAINDERS = 0.04
#: The most that a key may be away, where it shares a bucket with the other key of its case.
SHARED_BUCKET = 24
#: Where a string grows that is appended to byte by byte depends on its first block, and if a large one is mapped by
#: itself on what was freed before.
UNSTEADY = {"string/append-loop": 176, "string/big": 4096}
#: Which share of the figures is as recorded, at least; few keys have one block in these families.
LEAST_EXACT = {"stream": 0.7, "list": 0.85, "embedded": 0.85, "hash": 0.75, "set": 0.65, "zset": 0.75} | {
    "field-times": 0.65
}
#: In hash tables it depends on chance which elements share a bucket, and how many levels a node has; and the blocks of
#: elements have remainders. So a figure may be away from the recorded range by a share of it.
TABLES = ("hashtable", "skiplist")
TABLE_MARGIN = 0.075
MOST_IN_LIST = 127
#: The same for the estimate from five elements.
ESTIMATE_MARGIN = 0.2
#: One step before the end of a rehash, which is over if there was an empty bucket.
LAST_STEP = "mu-0821"
#: A command that removes several elements looks only at its end whether the table should shrink. More than 127 fields
#: with times are in a tree.
NOT_MODELLED = ("hash/hdel-ht", "set/srem-ht", "field-times/table")


def _families() -> list[str]:
    return list(dict.fromkeys(case.category.partition("/")[0] for case in recordings()))


def _distance(value: int, wanted: Any) -> int:
    low, high = (wanted[0], wanted[-1]) if isinstance(wanted, list) else (wanted, wanted)
    return max(int(low) - value, value - int(high), 0)


def _timed(case: Recording) -> int:
    """How many fields get times."""
    return max(len(command) - 5 if command[0] == b"HEXPIRE" else 0 for command in case.commands)


def _slack(case: Recording, encoding: str, name: str, value: int) -> float:
    if encoding in TABLES:
        return max(3 * SHARED_BUCKET, (ESTIMATE_MARGIN if name == "memory_usage" else TABLE_MARGIN) * value)
    slack = UNSTEADY.get(case.category, SHARED_BUCKET if len(case.commands) > 1 else REMAINDER)
    return max(slack, REMAINDERS * value) if encoding in ("stream", "quicklist") else slack


@pytest.mark.parametrize("family", _families())
def test_figures_are_those_recorded_of_valkey(family: str) -> None:
    known = recorded(JUDGE)
    options = [word.removeprefix("--") for word in OPTIONS]
    local = local_engine(("redis-version", JUDGE), *zip(options[::2], options[1::2], strict=True))
    control = local.client()
    for words in ("DEL k", "OBJECT ENCODING k", "MEMORY USAGE k", "FLUSHALL"):
        control.do(*words.split())  # nothing is allocated for their first call any more
    faults, figures, exact = [], 0, 0
    for case in recordings():
        expected = known[case.id]
        if case.category.partition("/")[0] != family or "error" in expected:
            continue
        if case.category in NOT_MODELLED or case.id == LAST_STEP or _timed(case) > MOST_IN_LIST:
            continue
        found = measured_here(case, local, control)
        if found.get("encoding") != expected["encoding"]:
            faults.append(f"{case.id} {case.category}: {found}, not {expected['encoding']}")
            continue
        for name in FIGURES:
            value = found[name]
            assert isinstance(value, int)
            away = _distance(value, expected[name])
            figures += 1
            exact += away == 0
            if away > _slack(case, expected["encoding"], name, value):
                faults.append(f"{case.id} {case.category} {name}: {value}, not {expected[name]}")
    assert not faults, f"{len(faults)} differ\n" + "\n".join(faults[:40])
    assert exact >= LEAST_EXACT.get(family, 0.9) * figures, f"{exact} of {figures} are exact"
    local.assert_sound()
