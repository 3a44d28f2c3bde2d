"""What every value promises, whatever its type and encoding.

A sample of each is made in an empty ledger, so the ledger holds the blocks of this value and nothing else.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.digest import Digest
from pyredmem.objects.hash import HashObject
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_images import Builder
from pyredmem.objects.rdb_loader import read_value
from pyredmem.objects.rdb_reader import is_intact
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.set import SetObject
from pyredmem.objects.stream import StreamObject
from pyredmem.objects.string_factory import StringFactory
from tests.objects.samples import SAMPLES
from tests.support.movers import (
    Evictor,
    Recorder,
    Shuffler,
    assert_sound_after_passes,
    full_pass,
    taken_apart,
    visit_elements,
)

EVERY_ENCODING = {
    (b"string", b"int"),
    (b"string", b"embstr"),
    (b"string", b"raw"),
    (b"list", b"listpack"),
    (b"list", b"quicklist"),
    (b"set", b"intset"),
    (b"set", b"listpack"),
    (b"set", b"hashtable"),
    (b"zset", b"listpack"),
    (b"zset", b"skiplist"),
    (b"hash", b"listpack"),
    (b"hash", b"listpackex"),
    (b"hash", b"hashtable"),
    (b"stream", b"stream"),
}

of_every_sample = pytest.mark.parametrize("name", SAMPLES)


def sample(name: str) -> tuple[RedisObject, Allocator]:
    allocator = Allocator()
    return SAMPLES[name](allocator), allocator


def digest_of(value: RedisObject) -> bytes:
    digest = Digest()
    value.digest(digest)
    return digest.data()


def payload_of(value: RedisObject) -> bytes:
    writer = RdbWriter(False)
    value.save(writer)
    return writer.payload()


def check(value: RedisObject) -> None:
    """Assert the invariants of the value, where its class can."""
    invariants = getattr(value.stream if isinstance(value, StreamObject) else value, "check", None)
    if invariants is not None:
        invariants()


def assert_equal(one: RedisObject, other: RedisObject) -> None:
    """Type, encoding and content are the same, expire times, groups and pending entries included."""
    assert (one.type_name(), one.encoding()) == (other.type_name(), other.encoding())
    assert digest_of(one) == digest_of(other)
    assert sorted(payload_of(one)) == sorted(payload_of(other))  # a hash table may have another order
    check(other)


def test_there_is_a_sample_of_every_encoding() -> None:
    values = [sample(name)[0] for name in SAMPLES]
    assert {(value.type_name(), value.encoding()) for value in values} == EVERY_ENCODING


# Blocks.


@of_every_sample
def test_a_value_owns_every_block_in_the_ledger_once(name: str) -> None:
    value, allocator = sample(name)
    assert sorted(value.addresses()) == sorted(allocator.live_addresses())
    assert len(set(value.addresses())) == len(value.addresses())


@of_every_sample
def test_the_blocks_are_the_memory_that_is_used(name: str) -> None:
    value, allocator = sample(name)
    assert sum(allocator.usable(address) for address in value.addresses()) == allocator.used_memory


@of_every_sample
def test_memory_usage_is_the_sum_of_the_blocks(name: str) -> None:
    """Except where Redis estimates: it counts an entry for each member of a set, and guesses the trees of streams."""
    value, allocator = sample(name)
    measured, used = value.memory(allocator, 0), allocator.used_memory
    if isinstance(value, StreamObject) or (isinstance(value, SetObject) and value.encoding() == b"hashtable"):
        assert measured > used
    elif isinstance(value, HashObject) and value.times is not None and value.encoding() == b"hashtable":
        assert used - measured == 8  # the header of a table with times does not fill its size class
    else:
        assert measured == used


@of_every_sample
def test_freeing_a_value_leaves_nothing_in_the_ledger(name: str) -> None:
    value, allocator = sample(name)
    value.free(allocator)
    assert allocator.live_addresses() == []
    assert allocator.used_memory == 0


# Dismantling.


@of_every_sample
@pytest.mark.parametrize("most", [1, 3, 100, 100_000])
def test_dismantling_in_slices_returns_every_block_once(name: str, most: int) -> None:
    value, _ = sample(name)
    owned = Counter(value.addresses())
    rng = random.Random(1)
    assert Counter(taken_apart(value, lambda: rng.randint(1, most))) == owned


@of_every_sample
def test_dismantling_leaves_the_ledger_alone_until_the_blocks_are_freed(name: str) -> None:
    value, allocator = sample(name)
    before = allocator.used_memory
    freed = taken_apart(value, lambda: 64)
    assert allocator.used_memory == before
    for address in freed:
        allocator.free(address)
    assert allocator.live_addresses() == []
    assert allocator.used_memory == 0


@of_every_sample
def test_a_slice_of_dismantling_frees_few_blocks(name: str) -> None:
    value, _ = sample(name)
    freed = FreedBlocks()
    done = False
    while not done:
        before = len(freed)
        done = value.dismantle(5, freed)
        assert len(freed) - before <= 50  # a member of a sorted set has three blocks, a key of a radix tree several


# Twins and copies.


@of_every_sample
def test_a_twin_is_equal_and_has_the_same_blocks(name: str) -> None:
    value, allocator = sample(name)
    value.lru = 77
    twin = value.twin()
    assert twin is not value
    assert (twin.addresses(), twin.lru, twin.refcount) == (value.addresses(), 77, 1)
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())
    assert_equal(twin, value)


@of_every_sample
def test_a_copy_is_equal_and_lives_on_after_the_original(name: str) -> None:
    value, allocator = sample(name)
    payload = payload_of(value)
    copy = value.duplicate(allocator)
    assert_equal(copy, value)
    assert not set(copy.addresses()) & set(value.addresses())
    value.free(allocator)
    assert sorted(payload_of(copy)) == sorted(payload)
    assert sorted(copy.addresses()) == sorted(allocator.live_addresses())
    check(copy)


@of_every_sample
def test_a_copy_lives_on_when_the_original_is_dismantled(name: str) -> None:
    value, allocator = sample(name)
    copy = value.duplicate(allocator)
    payload = payload_of(copy)
    taken_apart(value, lambda: 100)
    assert payload_of(copy) == payload
    check(copy)


# Defragmentation.


@of_every_sample
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_a_pass_shows_each_block_once_and_changes_nothing_that_clients_see(name: str, limit: int) -> None:
    value, allocator = sample(name)
    value.lru = 77
    payload = payload_of(value)
    after = assert_sound_after_passes(value, allocator, limit)
    assert payload_of(after) == payload
    check(after)


@of_every_sample
def test_blocks_can_be_moved_between_those_of_other_values(name: str) -> None:
    allocator = Allocator()
    others = [SAMPLES[name](allocator) for _ in range(5)]
    value = others.pop(2)
    for other in others[::2]:
        other.free(allocator)
    before, payload = allocator.used_memory, payload_of(value)
    value = full_pass(value, Shuffler(allocator), 9)
    assert (allocator.used_memory, payload_of(value)) == (before, payload)
    allocator.check()
    owned = value.addresses()
    for other in others[1::2]:
        owned += other.addresses()
    assert sorted(owned) == sorted(allocator.live_addresses())


@of_every_sample
def test_a_mover_of_blocks_is_not_shown_python_objects(name: str) -> None:
    value, allocator = sample(name)
    recorder = Recorder(allocator)
    value.defrag_head(recorder)
    visit_elements(value, recorder, 10)
    assert not recorder.texts
    assert not recorder.items


@of_every_sample
@pytest.mark.parametrize("cursor", [1, (1 << 40) + 499, (1 << 62) - 1])
@pytest.mark.parametrize("steering", [False, True])
def test_a_cursor_of_another_value_does_no_harm(name: str, cursor: int, steering: bool) -> None:
    value, allocator = sample(name)
    payload = payload_of(value)
    calls = 0
    while cursor != 0:
        mover = Evictor(allocator) if steering else Shuffler(allocator)
        cursor = value.defrag_elements(mover, cursor, 50)
        calls += 1
        assert calls < 1000
    assert payload_of(value) == payload
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())
    check(value)


@of_every_sample
def test_a_value_that_others_refer_to_is_not_replaced(name: str) -> None:
    value, allocator = sample(name)
    value.refcount = 2
    evictor = Evictor(allocator)
    assert value.relocated(evictor) is value
    assert not evictor.left


# Serialization.


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "empty buffer"])  # it is loaded as an embstr
@pytest.mark.parametrize("compresses", [False, True])
def test_a_saved_value_is_loaded_equal_and_in_its_encoding(name: str, compresses: bool) -> None:
    value, allocator = sample(name)
    writer = RdbWriter(compresses)
    value.save(writer)
    payload = writer.payload()
    assert is_intact(payload, checks_sum=True)
    limits = EncodingLimits()
    limits.hash_entries = limits.zset_entries = 100_000 if value.encoding().startswith(b"listpack") else 0
    before = allocator.used_memory
    loaded = read_value(payload).build(Builder(StringFactory(allocator), limits, Random(1)))
    assert (loaded.type_name(), loaded.encoding()) == (value.type_name(), value.encoding())
    assert digest_of(loaded) == digest_of(value)
    if not isinstance(value, ListObject):  # the limits of the moment decide which nodes of a list are compressed
        assert_equal(loaded, value)
    loaded.free(allocator)
    assert allocator.used_memory == before
