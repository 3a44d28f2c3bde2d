"""MEMORY USAGE, the encoding and the freed bytes of keys that were recorded of Valkey 9.1, with two allocators.

libc gives a block 16 bytes more now and then, when it has a free one that cannot be divided. In hash tables it depends
on chance which elements share a bucket, and how many levels a node has. So the cases are measured in several engines,
each with a seed and an order of its own, and their figures are summed up as the recorded ones are.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from pyredmem.base.key_hash import hash_seed
from tests.golden.cases import FIGURES
from tests.golden.record import OPTIONS, Recording, recordings, summary
from tests.golden.test_memory_usage_newer import measured_here
from tests.golden.test_recordings import recorded
from tests.support.local import LocalClient, LocalEngine, local_engine

ENGINES = 8
SEED_STEP = 7919
#: Which share of each figure is exact, at least.
EXACT_SHARE = 0.99
#: The most that any figure is away from a recorded one, as a share of it: in small hashes one block.
FARTHEST = 0.3
#: A string is embedded by what its block can hold, which is known here of libc's blocks.
EMBEDS_BY_ITS_BLOCK = {"embedded/string-ttl", "change/expire", "change/getex", "change/persist"}


def _engine(allocator: str, number: int) -> tuple[LocalEngine, LocalClient]:
    options = [word.removeprefix("--") for word in OPTIONS]
    settings = [("redis-version", "valkey-9.1"), ("mem-allocator", allocator)]
    settings += zip(options[::2], options[1::2], strict=True)
    local = local_engine(*settings, seed=number, hash_seed=hash_seed(SEED_STEP * number))
    control = local.client()
    for words in ("DEL k", "OBJECT ENCODING k", "MEMORY USAGE k", "FLUSHALL"):
        control.do(*words.split())  # nothing is allocated for their first call any more
    control.do("SET", "large", "x" * 2_000_000)
    control.do("DEL", "large")  # from now on libc maps no block of less by itself
    return local, control


def _span(figure: Any) -> tuple[int, int, int]:
    """The lowest, the mean and the highest value."""
    low, mean, high = figure if isinstance(figure, list) else (figure, figure, figure)
    return int(low), int(mean), int(high)


def _distance(found: Any, wanted: Any) -> int:
    """How far figures are apart; 0 if the mean of one lies between the ends of the other."""
    low, mean, high = _span(found)
    least, usual, most = _span(wanted)
    if low < high and low <= usual <= high:
        return 0
    return max(least - mean, mean - most, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("judge", "allocator"), [("valkey-9.1", "libc"), ("valkey-9.1-jemalloc", "jemalloc-lg4")])
def test_figures_are_those_recorded_of_valkey(judge: str, allocator: str) -> None:
    known = recorded(judge)
    cases: list[Recording] = [case for case in recordings() if "error" not in known[case.id]]
    runs: dict[str, list[dict[str, int | str]]] = {case.id: [] for case in cases}
    for number in range(1, ENGINES + 1):
        local, control = _engine(allocator, number)
        for case in random.Random(number).sample(cases, len(cases)):
            runs[case.id].append(measured_here(case, local, control))
        local.assert_sound()
    exact: Counter[str] = Counter()
    faults = []
    for case in cases:
        expected, found = known[case.id], summary(runs[case.id])
        if found["encoding"] != expected["encoding"] and case.category not in EMBEDS_BY_ITS_BLOCK:
            faults.append(f"{case.id} {case.category}: {found['encoding']}, not {expected['encoding']}")
        for name in FIGURES:
            away = _distance(found[name], expected[name])
            exact[name] += away == 0
            if away > FARTHEST * _span(expected[name])[1]:
                faults.append(f"{case.id} {case.category} {name}: {found[name]}, not {expected[name]}")
    assert not faults, f"{len(faults)} differ\n" + "\n".join(faults[:40])
    for name in FIGURES:
        assert exact[name] >= EXACT_SHARE * len(cases), f"{exact[name]} of {len(cases)} are exact: {name}"
