"""A table whose keys lie in the heap is like one whose keys are in a list, down to the addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.memory.mover import Mover
from pyredmem.structures.dict import Dict
from tests.support.movers import Shuffler

KEYS = [b"", b"k", b"seven b", b"eight by", b"nine byte", b"x" * 31, b"x" * 32, b"y" * 300, b"z" * 70_000]


def allocator_with_heap() -> Allocator:
    """An allocator whose bytes are checked at each access."""
    allocator = create_allocator("jemalloc", True)
    create_heap_bytes(allocator, False)
    return allocator


def make(in_heap: bool = True, without_values: bool = False) -> Dict:
    has_words = not without_values
    allocator = allocator_with_heap()
    return Dict(allocator, owns_keys=True, without_values=without_values, in_heap=in_heap, has_words=has_words)


def filled(*keys: bytes) -> Dict:
    table = make()
    for key in keys:
        table.step()
        table.insert(key, 0)
    return table


def test_keys_of_any_length_are_found() -> None:
    table = filled(*KEYS)
    assert table.keys == []
    assert table.all_keys() == KEYS
    assert [table.find(key) for key in KEYS] == list(range(len(KEYS)))
    assert table.find(b"seven c") == -1
    assert table.find(b"x" * 33) == -1
    table.check()


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "find", "rehash", "shrink", "expand", "compact", "set", "move"]),
        st.integers(0, 60),
    ),
    max_size=200,
)


@given(steps, st.booleans())
@settings(max_examples=100, deadline=None)
def test_slots_and_addresses_are_those_of_a_table_with_a_list(sequence: list[tuple[str, int]], bare: bool) -> None:
    tables = (make(True, bare), make(False, bare))
    present: set[bytes] = set()
    for what, number in sequence:
        key = b"%d" % number * (1 + number % 5)
        for table in tables:
            if what == "add" and key not in present:
                table.insert(key, 0, number << 40)
            elif what == "set" and key in present and not bare:
                table.set_word(table.find(key), -number)
            elif what == "remove" and key in present:
                table.remove(table.find(key))
            elif what == "find":
                assert (table.find(key) >= 0) == (key in present)
            elif what == "rehash":
                table.rehash(number)
            elif what == "shrink":
                table.shrink_if_sparse()
            elif what == "expand":
                table.expand(number)
            elif what == "compact":
                table.compact()
            elif what == "move":
                table.defrag_slots(Shuffler(table.allocator), 0, number)
        if what == "add":
            present.add(key)
        elif what == "remove":
            present.discard(key)
    first, second = tables
    assert first.all_keys() == second.all_keys()
    assert bare or list(first.all_words()) == list(second.all_words())
    assert first.addresses() == second.addresses()
    for table in tables:
        table.check()
        table.clear()
        assert table.allocator.used_memory == 0


def filled_with_words(count: int) -> Dict:
    table = make()
    for number in range(count):
        table.step()
        table.insert(b"key:%d" % number, 0, -number)
    return table


def words_by_key(table: Dict) -> dict[bytes, int]:
    return dict(zip(table.all_keys(), map(int, table.all_words()), strict=True))


def test_places_and_words_lie_in_the_blocks_of_the_entries() -> None:
    table = filled_with_words(20)
    heap = table.entries
    assert heap is not None
    for slot in range(20):
        entry = int(table.entry_addresses[slot])
        assert heap.word(entry) == table.key_place(slot)
        assert heap.word(entry + 1) == table.word(slot) == -slot
    assert len(table.key_places) == len(table.words) == len(table.keys) == 0


def test_keys_without_values_have_an_array_of_places() -> None:
    """Not each of them has an entry."""
    table = make(without_values=True)
    table.insert(b"key", 0)
    assert table.entries is None
    assert list(table.key_places) == [table.key_place(0)]
    assert list(table.words) == []


def test_words_stay_with_their_keys() -> None:
    table = filled_with_words(300)
    expected = {b"key:%d" % number: -number for number in range(300)}
    for number in range(0, 300, 7):
        table.remove(table.find(b"key:%d" % number))
        del expected[b"key:%d" % number]
    assert words_by_key(table) == expected
    cursor: i64 = table.defrag_slots(Shuffler(table.allocator), 0, 1000)
    assert cursor == 0
    assert words_by_key(table) == expected
    assert words_by_key(table.image()) == expected
    table.check()


def test_words_are_put_all_at_once() -> None:
    table = filled_with_words(3)
    table.put_words(vec[i64]([7, 8, 9]))
    assert list(table.all_words()) == [7, 8, 9]


def test_words_of_slots_are_read_at_once() -> None:
    for in_heap in (True, False):
        table = make(in_heap)
        for number in range(5):
            table.insert(b"key:%d" % number, 0, -number)
        slots = vec[i64]([4, 0, 2])
        table.words_of(slots, 2, slots)
        assert list(slots) == [-4, 0, 2]


def test_blocks_may_be_freed_while_the_rest_is_dismantled() -> None:
    """So is it in the background: nothing is read of what has been given away."""
    table = filled_with_words(100)
    allocator = table.allocator
    ended = False
    while not ended:
        freed = FreedBlocks()
        ended = table.dismantle(7, freed)
        for address in freed.addresses:
            allocator.free(i64(address))
    assert allocator.used_memory == 0


def test_another_table_can_share_the_keys() -> None:
    table = filled(b"one", b"two", b"three")
    other = Dict(table.allocator, owns_keys=False, in_heap=True)
    other.insert(b"two", table.key_address(1))
    assert (other.find(b"two"), other.find(b"one"), other.key(0)) == (0, -1, b"two")
    other.remove(0)
    table.check()


@pytest.mark.parametrize("count", [3, 5])
def test_a_key_whose_sds_has_moved_is_found_by_its_old_address(count: int) -> None:
    """With five keys the other table is in a rehash."""
    names = [b"key:%d" % number for number in range(count)]
    table = filled(*names)
    other = Dict(table.allocator, owns_keys=False, in_heap=True)
    for slot, name in enumerate(names):
        other.insert(name, table.key_address(slot))
    assert other.is_rehashing() == (count == 5)
    for slot, name in enumerate(names):
        old = table.key_address(slot)
        table.set_key_address(slot, table.moved_key(Shuffler(table.allocator), slot))
        assert other.find_moved(name, old) == slot
        assert other.find_moved(name, old + 1_000_000) == -1
        other.set_key_address(slot, table.key_address(slot))
    other.check()


def test_defragmentation_moves_the_bytes_of_the_keys() -> None:
    table = filled(*(b"key:%d" % number for number in range(3000)))
    for number in range(3000):
        if number % 7:
            table.remove(table.find(b"key:%d" % number))
    mover = Mover(table.allocator)
    cursor: i64 = 0
    while True:
        cursor = table.defrag_slots(mover, cursor, 10)
        if cursor == 0:
            break
    assert mover.hits > 100
    table.check()
    assert sorted(table.all_keys()) == sorted(b"key:%d" % number for number in range(0, 3000, 7))


def test_a_table_takes_over_the_keys_of_another_one() -> None:
    table = filled(*KEYS)
    other = table.empty_twin()
    other.take_over(table)
    assert other.all_keys() == KEYS
    assert table.all_keys() == []
    other.check()


def test_an_image_has_its_keys_in_a_list() -> None:
    table = filled(*KEYS)
    image = table.image()
    assert image.keys == KEYS
    table.remove(0)
    assert image.all_keys() == KEYS
    assert [image.find(key) for key in KEYS] == list(range(len(KEYS)))


def test_keys_are_put_at_given_addresses() -> None:
    table = filled(b"one", b"two")
    addresses = vec[i32]([i32(table.key_address(slot)) for slot in (1, 0)])
    table.put_keys([b"abc", b"de"], addresses)
    assert table.all_keys() == [b"abc", b"de"]
    assert [table.key_address(slot) for slot in (0, 1)] == list(addresses)


def test_dismantling_gives_each_block_once() -> None:
    table = filled(*KEYS)
    owned = sorted(table.addresses())
    freed = FreedBlocks()
    while not table.dismantle(2, freed):
        pass
    assert sorted(map(int, freed.addresses)) == owned
