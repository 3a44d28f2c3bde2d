"""One seed rules everything: servers in different processes give the same replies, in the same order."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.support.suites import SUITE, time_limit

ROOT = Path(__file__).resolve().parents[2]
QUICK = 1500
SEED = 7


def transcript(seed: int, hash_seed: int, count: int) -> list[bytes]:
    """What clients of a server with a seed send and get, in a process whose hashes have another seed."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.stress.seeded_run", str(seed), str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.splitlines()


def difference(ours: list[bytes], theirs: list[bytes]) -> str:
    """The first line that differs, from a little before the place on; empty if none does."""
    for number, (one, other) in enumerate(zip_longest(ours, theirs, fillvalue=b"(nothing)")):
        if one != other:
            places = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
            at = max(0, next(places, 0) - 80)
            before = next((line for line in reversed(ours[:number]) if b"> " in line[:20]), b"")
            return f"line {number}, after {before[:200]!r}:\n  {one[at : at + 200]!r}\n  {other[at : at + 200]!r}"
    return ""


def run(count: int) -> None:
    expected = transcript(SEED, 0, count)
    assert len(expected) > count
    for hash_seed in (1, 2):
        found = difference(expected, transcript(SEED, hash_seed, count))
        assert not found, found


def test_processes_with_one_seed_give_the_same_replies() -> None:
    run(QUICK)


def test_another_seed_gives_other_replies() -> None:
    assert difference(transcript(SEED, 0, 300), transcript(SEED + 1, 0, 300))


@pytest.mark.slow
@time_limit(900)
def test_processes_with_one_seed_give_the_same_replies_for_long() -> None:
    run(SUITE.calls // 10)
