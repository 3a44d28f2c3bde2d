"""The hash by which tables choose buckets."""

from __future__ import annotations

from math import exp

import pytest

from pyredmem.base.key_hash import hash_seed, key_hash

BUCKETS = 4096


def test_without_a_seed_it_is_that_of_python() -> None:
    assert key_hash(b"key", 0) == hash(b"key")


def test_with_a_seed_it_is_the_same_in_every_process() -> None:
    hashes = [key_hash(key, 7) for key in (b"", b"a", b"key:1", b"x" * 1000)]
    assert hashes == [14326, 4080201416733, 6363236196710, 4467801012455]


def test_seeds_give_different_orders() -> None:
    keys = [b"key:%d" % number for number in range(100)]
    assert sorted(keys, key=lambda key: key_hash(key, 7)) != sorted(keys, key=lambda key: key_hash(key, 8))


@pytest.mark.parametrize("pattern", [b"%d", b"key:%d", b"user:%08d", b"%x", b"%d:session"])
def test_similar_keys_share_buckets_as_often_as_chance_has_it(pattern: bytes) -> None:
    empty = BUCKETS - len({key_hash(pattern % number, 7) % BUCKETS for number in range(BUCKETS)})
    assert empty == pytest.approx(BUCKETS / exp(1), rel=0.06)


@pytest.mark.parametrize("seed", [0, 1, -1, 2**32 - 1, 2**32 - 2, 2**64, -(2**31)])
def test_every_integer_is_a_seed(seed: int) -> None:
    assert 0 < hash_seed(seed) < 2**32
    assert key_hash(b"key", hash_seed(seed)) >= 0
