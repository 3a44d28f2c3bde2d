"""Equal values: exact while there are few, an estimate with its error when there are many."""

from __future__ import annotations

import random

import pytest

from pyredmem.rdb.survey.duplicates import Duplicates, Repeated


def test_copies_are_counted() -> None:
    duplicates = Duplicates()
    for name, data in ((b"a", b"x"), (b"b", b"y"), (b"c", b"x"), (b"d", b"x"), (b"e", b"y"), (b"f", b"z")):
        duplicates.add(data, 24, name, 0)
    found = duplicates.result(1)
    assert (found.values, found.copies, found.size) == ((2, 0), (3, 0), (72, 0))
    assert found.worst == [Repeated(2, 24, 0, b"c")]
    assert not duplicates.is_estimate()


def values(seed: int) -> list[tuple[bytes, int]]:
    """Thousands of values that occur once to six times, and two that occur very often."""
    chance = random.Random(seed)
    found = []
    for number in range(12_000):
        value = (b"value %d %d" % (seed, number), chance.choice([48, 64, 128]))
        found += [value] * (1 if chance.random() < 0.5 else chance.randint(2, 6))
    found += [(b"often %d" % seed, 64)] * 3000 + [(b"large %d" % seed, 4096)] * 500
    chance.shuffle(found)
    return found


def counted(most: int | None, seed: int) -> Duplicates:
    duplicates = Duplicates(most, 1000)
    for number, (data, size) in enumerate(values(seed)):
        duplicates.add(data, size, b"key %d" % number, 0)
    return duplicates


def test_an_estimate_is_within_its_error() -> None:
    """The error is for 19 cases in 20; of these eight files all numbers are within."""
    for seed in range(8):
        truth, bounded = counted(None, seed).result(0), counted(2000, seed)
        found = bounded.result(2)
        assert bounded.is_estimate()
        assert len(bounded._sample) <= 2000
        for estimate, exact in zip(found[:3], truth[:3], strict=True):
            assert abs(estimate.number - exact.number) <= 1.5 * estimate.error, (seed, estimate, exact)
            assert 0 < estimate.error < 0.4 * exact.number


def test_the_most_wasteful_values_are_found_in_a_sample_too() -> None:
    worst = counted(2000, 1).result(2).worst
    assert [value.size for value in worst] == [4096, 64]
    assert worst[0].copies == pytest.approx(499, abs=30)
    assert worst[1].copies == pytest.approx(2999, abs=100)


def test_values_that_occur_once_are_no_duplicates() -> None:
    duplicates = Duplicates(100)
    for number in range(5000):
        duplicates.add(b"%d" % number, 16, b"k", 0)
    assert duplicates.result(5).values == (0, 0)
    assert duplicates.is_estimate()
