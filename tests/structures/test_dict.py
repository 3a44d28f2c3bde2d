"""The hash table: it has Redis's sizes, rehashes in Redis's steps, and never loses a key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i32

from pyredmem.base.key_hash import key_hash
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.structure_sizes import REDIS_7_2, REDIS_8_2
from pyredmem.structures.dict import Dict
from pyredmem.structures.dict_tables import GrowthLimit


def make(owns_keys: bool = True) -> Dict:
    return Dict(Allocator("jemalloc"), owns_keys)


def add(table: Dict, *keys: bytes) -> None:
    for key in keys:
        table.step()
        table.insert(key, 0)


def numbered(count: int) -> list[bytes]:
    return [b"key:%d" % number for number in range(count)]


def scan_all(table: Dict) -> list[bytes]:
    cursor, found = 0, []
    while True:
        slots: list[int] = []
        cursor = int(table.scan(cursor, slots))
        found += [table.keys[slot] for slot in slots]
        if cursor == 0:
            return found


def test_an_empty_table_has_no_buckets_and_no_allocation() -> None:
    table = make()
    assert (table.buckets(), table.allocator.used_memory, table.find(b"k")) == (0, 0, -1)


def test_the_first_key_makes_four_buckets() -> None:
    table = make()
    add(table, b"k")
    assert table.buckets() == 4
    assert table.allocator.used_memory == 32 + 24 + 8


def test_a_full_table_doubles_on_the_next_insertion() -> None:
    table = make()
    add(table, *numbered(4))
    assert table.buckets() == 4
    add(table, b"one more")
    assert table.buckets() == 4 + 8
    assert table.is_rehashing()


def test_a_rehash_ends_after_enough_operations() -> None:
    table = make()
    add(table, *numbered(5))
    for _ in range(10):
        table.find(b"key:0")
    assert table.buckets() == 8


def test_expanding_beforehand_makes_the_next_power_of_two_of_buckets() -> None:
    table = make()
    table.expand(513)
    assert table.buckets() == 1024


def test_a_table_filled_below_ten_percent_shrinks_to_what_its_keys_need() -> None:
    table = make()
    add(table, *numbered(100))
    while table.rehash(100):
        pass
    for key in numbered(100)[13:]:
        table.remove(table.find(key))
    assert not table.shrink_if_sparse()
    table.remove(table.find(b"key:12"))
    assert table.shrink_if_sparse()
    while table.rehash(100):
        pass
    assert table.buckets() == 16


def crowded() -> Dict:
    """A table whose growth limit is always exceeded."""
    table = make()
    add(table, *numbered(1))
    table.growth_limit = GrowthLimit()
    table.growth_limit.bytes = 0
    return table


def test_a_table_does_not_grow_while_memory_is_above_the_limit() -> None:
    table = crowded()
    add(table, *numbered(7)[1:])
    assert table.buckets() == 4
    table.check()


def test_a_table_that_is_far_too_full_grows_whatever_the_limit() -> None:
    table = crowded()
    add(table, *numbered(8)[1:])
    assert table.buckets() == 4 + 8


def test_a_table_grows_if_the_new_buckets_keep_memory_within_the_limit() -> None:
    table = crowded()
    add(table, *numbered(4)[1:])
    assert table.growth_limit is not None
    table.growth_limit.bytes = table.allocator.used_memory + 8 * 8
    table.find_for_insert(b"another one")
    assert table.buckets() == 4 + 8


def test_a_table_that_does_not_own_its_keys_allocates_entries_only() -> None:
    table = make(owns_keys=False)
    table.insert(b"k", 12345)
    assert table.allocator.used_memory == 32 + 24


def test_clearing_frees_everything() -> None:
    table = make()
    add(table, *numbered(1000))
    table.clear()
    assert table.allocator.used_memory == 0
    assert table.buckets() == 0


def sampled(table: Dict, count: int, rng: Random) -> list[int]:
    found = vec[i32]([0] * count)
    number = table.sample(count, rng, found)
    return list(found)[:number]


def test_a_sample_has_at_most_the_requested_number_of_slots() -> None:
    table = make()
    add(table, *numbered(1000))
    assert 0 < len(sampled(table, 5, Random(1))) <= 5


def test_a_sample_of_long_chains_can_have_any_key() -> None:
    table = crowded()
    add(table, *numbered(6)[1:])
    rng = Random(1)
    seen: set[int] = set()
    for _ in range(500):
        found = sampled(table, 2, rng)
        assert len(found) == len(set(found)) == 2
        seen.update(found)
    assert seen == set(range(6))


def test_sampling_few_keys_in_a_large_table_ends() -> None:
    table = make()
    table.expand(100_000)
    add(table, *numbered(1000))
    rng = Random(1)
    sizes = [len(sampled(table, 5, rng)) for _ in range(1000)]
    assert max(sizes) <= 5
    assert 0 < sum(sizes) < 2000  # fifty buckets have less than one key on average


@pytest.mark.parametrize("buckets", [16, 1024])
def test_samples_have_keys_of_both_tables_during_a_rehash(buckets: int) -> None:
    table = make()
    table.expand(128)
    add(table, *numbered(12))
    table.shrink_if_sparse() if buckets < 128 else table.expand(buckets)
    assert table.is_rehashing()
    while table.is_rehashing():
        found = sampled(table, 12, Random(1))
        assert len(found) <= 12
        assert all(0 <= slot < 12 for slot in found)
        table.check()
    assert table.buckets() == buckets


def chains(table: Dict) -> list[list[int]]:
    found = []
    for bucket in range(table.buckets()):
        chain: list[int] = []
        table.scan(bucket, chain)
        if chain:
            found.append(chain)
    return found


def test_each_chain_and_each_place_in_a_chain_is_equally_likely_to_give_the_random_slot() -> None:
    table = crowded()
    add(table, *numbered(6)[1:])
    rng = Random(1)
    drawn = [int(table.random_slot(rng)) for _ in range(6000)]
    expected = {slot: 6000 / len(chains(table)) / len(chain) for chain in chains(table) for slot in chain}
    assert len(expected) == 6
    assert all(abs(drawn.count(slot) - count) < 200 for slot, count in expected.items())


@pytest.mark.parametrize("buckets", [16, 1024])
def test_random_slots_come_from_both_tables_during_a_rehash(buckets: int) -> None:
    table = make()
    table.expand(128)
    add(table, *numbered(12))
    table.shrink_if_sparse() if buckets < 128 else table.expand(buckets)
    rng = Random(1)
    while table.is_rehashing():
        assert 0 <= table.random_slot(rng) < 12
        table.check()
    assert {int(table.random_slot(rng)) for _ in range(1000)} == set(range(12))


def test_a_full_scan_returns_each_key_that_stays_while_the_table_grows_and_shrinks() -> None:
    table = make()
    stay = numbered(50)
    add(table, *stay)
    cursor = 0
    found: set[bytes] = set()
    for turn in range(100_000):
        slots: list[int] = []
        cursor = int(table.scan(cursor, slots))
        found.update(table.keys[slot] for slot in slots)
        if cursor == 0:
            break
        extra = b"extra:%d" % turn
        add(table, extra)
        if turn % 3:
            table.remove(table.find(extra))
        table.shrink_if_sparse()
    assert found >= set(stay)


operations = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "find", "rehash", "shrink", "expand"]), st.integers(0, 60)),
    max_size=300,
)


@given(operations, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_sequence_of_operations_agrees_with_a_plain_dict(steps: list[tuple[str, int]], bare: bool) -> None:
    table = Dict(Allocator("jemalloc"), owns_keys=True, without_values=bare)
    model: set[bytes] = set()
    for what, number in steps:
        key = b"%d" % number
        if what == "add" and key not in model:
            table.insert(key, 0)
            model.add(key)
        elif what == "remove" and key in model:
            table.remove(table.find(key))
            model.remove(key)
        elif what == "find":
            assert (table.find(key) >= 0) == (key in model)
        elif what == "rehash":
            table.rehash(number)
        elif what == "shrink":
            table.shrink_if_sparse()
        elif what == "expand":
            table.expand(number)
    table.check()
    assert set(table.keys) == model
    assert set(scan_all(table)) == model
    table.clear()
    assert table.allocator.used_memory == 0


def entries(table: Dict) -> int:
    return sum(address != 0 for address in list(table.entry_addresses)[: table.used])


def test_without_values_the_first_key_of_a_bucket_has_no_entry() -> None:
    table = Dict(Allocator("jemalloc"), owns_keys=True, without_values=True)
    table.expand(64)
    add(table, *numbered(64))
    filled = sum(count for length, count in table.chain_lengths(new_table=False).items() if length > 0)
    assert entries(table) == 64 - filled
    assert table.allocator.used_memory == 64 * 8 + 64 * 8 + 16 * (64 - filled)


def test_an_operation_moves_the_bucket_of_its_own_key_first_if_the_version_does() -> None:
    for moves_own, sizes in ((False, REDIS_7_2), (True, REDIS_8_2)):
        table = make()
        table.allocator.sizes = sizes
        keys = numbered(64)
        add(table, *keys)
        table.expand(1000)
        last = max(keys, key=lambda key: key_hash(key, table.hash_seed) & table.mask)
        bucket = key_hash(last, table.hash_seed) & table.mask
        moved_before = 64 - table.old_used
        assert table.keys[table.find(last)] == last
        assert (table.heads[bucket] < 0) == moves_own
        assert table.find(last) >= 0  # now the next bucket moves
        assert (table.rehash_index > 0, 64 - table.old_used > moved_before) == (True, True)
        while table.is_rehashing():
            assert [table.find(key) for key in keys] == list(range(64))
        table.check()


def test_after_a_rehash_the_first_key_of_each_bucket_has_no_entry() -> None:
    table = Dict(Allocator("jemalloc"), owns_keys=True, without_values=True)
    add(table, *numbered(1000))
    while table.rehash(100):
        pass
    filled = sum(count for length, count in table.chain_lengths(new_table=False).items() if length > 0)
    assert entries(table) == 1000 - filled


def test_without_values_a_key_that_is_left_alone_in_its_bucket_keeps_its_entry() -> None:
    table = Dict(Allocator("jemalloc"), owns_keys=True, without_values=True)
    table.expand(4)
    add(table, *numbered(4))
    for key in numbered(4)[::-1]:
        before = entries(table)
        slot = table.find(key)
        had_entry = table.entry_addresses[slot] != 0
        table.remove(slot)
        assert entries(table) == before - had_entry
    assert table.allocator.used_memory == 32


def test_find_for_insert_makes_a_full_table_grow_even_if_the_key_is_there() -> None:
    table = make()
    add(table, *numbered(4))
    assert table.find_for_insert(b"key:0") >= 0
    assert table.buckets() == 4 + 8


def test_a_walk_goes_through_the_buckets_of_both_tables() -> None:
    table = make()
    add(table, *numbered(40))
    assert table.is_rehashing()
    assert sorted(table.walk(0)) == list(range(40))
    assert table.walk(5) == table.walk(0)[:5]


# Dismantling.


def dismantled(table: Dict, limit: int) -> tuple[list[int], int]:
    """All blocks that dismantling gives, and the highest number in one step."""
    blocks: list[int] = []
    most = 0
    done = False
    while not done:
        freed = FreedBlocks()
        done = table.dismantle(limit, freed)
        blocks += [int(address) for address in list(freed.addresses)]
        most = max(most, len(freed))
    return blocks, most


@pytest.mark.parametrize("without_values", [False, True])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 1000, 70_000])
def test_dismantling_gives_each_block_once(count: int, without_values: bool) -> None:
    table = Dict(Allocator(), owns_keys=True, without_values=without_values)
    for number in range(count):
        table.insert(b"key:%d" % number, 0)
    owned = sorted(table.addresses())
    blocks, most = dismantled(table, 64)
    assert sorted(blocks) == owned
    assert most <= 2 * 64 + 2


def test_dismantling_does_not_give_the_keys_of_another_table() -> None:
    table = Dict(Allocator(), owns_keys=False)
    for number in range(100):
        table.insert(b"key:%d" % number, 0)
    owned = sorted(table.addresses())
    blocks, _ = dismantled(table, 64)
    assert sorted(blocks) == owned


def test_dismantling_gives_both_tables_of_a_rehash() -> None:
    table = Dict(Allocator(), owns_keys=True)
    number = 0
    while number < 100 or not table.is_rehashing():
        table.insert(b"key:%d" % number, 0)
        number += 1
    owned = sorted(table.addresses())
    blocks, _ = dismantled(table, 64)
    assert sorted(blocks) == owned


def test_a_table_takes_over_another_one() -> None:
    allocator = Allocator()
    full = Dict(allocator, owns_keys=True)
    for number in range(1000):
        full.insert(b"key:%d" % number, 0)
    owned = full.addresses()
    other = Dict(allocator, owns_keys=True)
    other.take_over(full)
    other.check()
    full.check()
    assert other.addresses() == owned
    assert full.addresses() == []
    assert full.find(b"key:1") < 0
    full.insert(b"key:1", 0)
    full.check()


def test_a_lookup_compares_keys_only_where_the_tags_agree() -> None:
    class Word(bytes):
        """A key that counts how often it is compared."""

        compared = 0

        def __eq__(self, other: object) -> bool:
            Word.compared += 1
            return super().__eq__(other)

        __hash__ = bytes.__hash__

    table = make()
    names = [Word(b"key:%d" % number) for number in range(4000)]
    for name in names:
        table.step()
        table.insert(name, 0)
    while table.is_rehashing():
        table.step()
    Word.compared = 0
    for number in range(4000, 8000):
        assert table.find(b"key:%d" % number) == -1
    assert Word.compared <= 10


def test_slots_leave_room_for_tags_while_a_table_that_shrinks_grows_again() -> None:
    table = make()
    table.hash_seed = 1  # else the two keys that are left may lie in buckets that are moved soon
    add(table, *numbered(20_000))
    while table.is_rehashing():
        table.step()
    for _ in range(19_998):
        table.remove(0)
    assert table.shrink_if_sparse()
    turn = 0
    while table.is_rehashing():
        table.find_for_insert(b"new:%d" % turn)
        table.insert(b"new:%d" % turn, 0)
        turn += 1
    assert turn > 1000
    table.check()


def test_a_rehash_of_a_growing_table_does_not_look_at_the_keys() -> None:
    table = make()
    names = numbered(2_000)
    for name in names[:1_024]:
        table.step()
        table.insert(name, 0)
    while table.is_rehashing():
        table.step()
    assert table.find_for_insert(names[1_024]) == -1
    assert table.is_rehashing()
    keys, table.keys = table.keys, []
    while table.is_rehashing():
        table.step()
    table.keys = keys
    table.check()


def test_a_table_that_has_shrunk_can_grow_again() -> None:
    table = make()
    add(table, *numbered(5_000))
    while table.is_rehashing():
        table.step()
    for _ in range(4_990):
        table.remove(0)
    assert table.shrink_if_sparse()
    while table.is_rehashing():
        table.step()
    table.check()
    for name in numbered(9_000)[5_000:]:
        assert table.find_for_insert(name) == -1
        table.insert(name, 0)
    table.check()
    while table.is_rehashing():
        table.step()
    table.check()


def test_a_rehash_that_nobody_drives_ends_before_slots_outgrow_their_bits() -> None:
    table = make()
    for name in numbered(20_000):
        table.insert(name, 0)
    table.check()
    assert all(table.find_rehashing(name) == slot for slot, name in enumerate(numbered(20_000)))
