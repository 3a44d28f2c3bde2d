"""The radix tree: its content, compared with a dict, and its nodes, compared with the rule for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import RAX_SIZE, rax_node_size
from pyredmem.structures.radix import RadixCursor, RadixTree

FIXED = st.binary(min_size=4, max_size=4).map(lambda key: bytes(byte & 3 for byte in key))
ANY = st.binary(max_size=5).map(lambda key: bytes(byte & 3 for byte in key))
STEPS = st.lists(st.tuples(st.booleans(), ANY), max_size=60)


def tree_of(*keys: bytes) -> RadixTree[int]:
    tree = RadixTree[int](Allocator())
    for number, key in enumerate(keys):
        tree.insert(key, number)
        tree.check()
    return tree


def canonical_nodes(keys: set[bytes]) -> int:
    """The root, the keys, the branches and their children."""
    nodes = {b"", *keys}
    for key in keys:
        for size in range(len(key)):
            prefix = key[:size]
            following = {other[size] for other in keys if len(other) > size and other.startswith(prefix)}
            if len(following) > 1:
                nodes |= {prefix, *[prefix + bytes((byte,)) for byte in following]}
    return len(nodes)


@given(STEPS)
def test_a_tree_has_the_same_content_as_a_dict(steps: list[tuple[bool, bytes]]) -> None:
    tree = tree_of()
    model: dict[bytes, int] = {}
    for number, (adding, key) in enumerate(steps):
        if adding:
            tree.insert(key, number)
            model[key] = number
        else:
            assert tree.remove(key) == model.pop(key, None)
        tree.check()
    assert tree.used == len(model)
    assert tree.values() == [model[key] for key in sorted(model)]
    assert all(tree.get(key) == value for key, value in model.items())


@given(st.lists(st.tuples(st.booleans(), FIXED), max_size=60))
def test_the_nodes_depend_only_on_the_keys_if_all_keys_have_the_same_length(steps: list[tuple[bool, bytes]]) -> None:
    tree = tree_of()
    keys: set[bytes] = set()
    for adding, key in steps:
        if adding:
            tree.insert(key, 1)
            keys.add(key)
        else:
            tree.remove(key)
            keys.discard(key)
        assert tree.nodes == canonical_nodes(keys)


@given(st.sets(ANY), ANY)
def test_the_cursor_goes_through_the_keys_in_order(keys: set[bytes], start: bytes) -> None:
    tree = tree_of(*keys)
    cursor = RadixCursor(tree)
    found = []
    value = cursor.seek(start)
    while value is not None:
        found.append(cursor.key())
        value = cursor.next()
    assert found == sorted(key for key in keys if key >= start)
    value = cursor.seek_back(start)
    found = []
    while value is not None:
        found.append(cursor.key())
        value = cursor.previous()
    assert found == sorted((key for key in keys if key <= start), reverse=True)


@given(st.lists(ANY))
def test_freeing_a_tree_frees_all_its_blocks(keys: list[bytes]) -> None:
    tree = tree_of(*keys)
    tree.free()
    assert tree.allocator.used_memory == 0


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ((), [8]),
        ((b"a",), [16, 16]),
        ((b"\x00" * 16,), [rax_node_size(16, 1, False), 16]),
        ((b"abcd", b"abce"), [rax_node_size(3, 1, False), rax_node_size(2, 2, False), 16, 16]),
        ((b"foo", b"foobar"), [16, rax_node_size(3, 1, True), 16]),
    ],
)
def test_the_blocks_have_the_sizes_of_redis(keys: tuple[bytes, ...], sizes: list[int]) -> None:
    tree = tree_of(*keys)
    usable = sorted(tree.allocator.usable(address) for address in tree.addresses())
    assert usable == sorted([RAX_SIZE, *[tree.allocator.good_size(size) for size in sizes]])


def test_an_emptied_root_keeps_the_block_of_its_edge() -> None:
    tree = tree_of(b"foobar")
    tree.remove(b"foobar")
    assert tree.allocator.used_memory == RAX_SIZE + rax_node_size(6, 1, False)


def test_a_prefix_that_is_no_longer_a_key_keeps_its_node_before_a_long_edge() -> None:
    tree = tree_of(b"foo", b"foobar")
    tree.remove(b"foo")
    assert tree.nodes == 3
    assert tree.get(b"foobar") == 1


def test_the_estimate_counts_keys_and_nodes() -> None:
    assert tree_of(b"\x00" * 16).counted_bytes() == 16 + 2 * 244


def test_a_key_alone_takes_no_room_for_a_value() -> None:
    allocator = Allocator()
    before = allocator.used_memory
    tree = RadixTree[bool](allocator)
    tree.insert(b"abcdefgh", True)
    assert allocator.used_memory - before == 24 + 24 + 8


def test_a_random_key_can_be_any_key() -> None:
    keys = (b"", b"a", b"ab", b"abc", b"b", b"foo", b"football")
    tree = tree_of(*keys)
    rng = Random(1)
    assert {tree.random_key(rng) for _ in range(500)} == set(keys)
    assert tree.all_keys() == sorted(keys)
