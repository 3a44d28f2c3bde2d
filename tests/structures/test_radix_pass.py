"""A walk over a radix tree that shows the nodes to a mover."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.structures.radix import RadixTree
from pyredmem.structures.radix_pass import RadixPass, replace_entry
from tests.support.movers import Evictor, Recorder

KEYS = st.sets(
    st.binary(max_size=5).map(lambda data: data.translate(b"aabb" * 64)) | st.binary(max_size=4), max_size=40
)


def tree_of(keys: set[bytes]) -> RadixTree[bytes]:
    tree = RadixTree[bytes](Allocator())
    for key in sorted(keys, key=hash):
        tree.insert(key, b"value of " + key)
    return tree


def values(tree: RadixTree[bytes]) -> dict[bytes, bytes | None]:
    return {node.key: node.value for node in tree._all_nodes() if node.value is not None}


@given(KEYS, st.booleans())
def test_a_walk_without_a_stop_shows_each_node_once(keys: set[bytes], steering: bool) -> None:
    tree = tree_of(keys)
    recorder = Recorder(tree.allocator, steering)
    tree.defrag_head(recorder)
    walk = RadixPass(tree, recorder)
    value = walk.first()
    while value is not None:
        walk.visit(True)
        value = walk.next()
    assert Counter(recorder.blocks) == Counter(tree.addresses())
    assert not steering or keys <= set(recorder.texts) | {b""}


@given(KEYS)
def test_a_walk_that_is_resumed_at_each_key_shows_each_node_once(keys: set[bytes]) -> None:
    tree = tree_of(keys)
    recorder = Recorder(tree.allocator)
    tree.defrag_head(recorder)
    for key in sorted(keys):
        walk = RadixPass(tree, recorder)
        assert walk.seek(key) is not None
        walk.visit(True)
    assert Counter(recorder.blocks) == Counter(tree.addresses())


@given(KEYS)
def test_every_node_can_be_replaced_by_a_twin(keys: set[bytes]) -> None:
    tree = tree_of(keys)
    before = values(tree)
    evictor = Evictor(tree.allocator)
    tree.defrag_head(evictor)
    for key in sorted(keys):
        walk = RadixPass(tree, evictor)
        walk.seek(key)
        walk.visit(True)
    tree.check()
    assert values(tree) == before
    left = {id(item) for item in evictor.left}
    assert not [node for node in tree._all_nodes() if id(node) in left or id(node.children) in left]


@given(KEYS)
def test_a_tree_of_twins_can_be_changed(keys: set[bytes]) -> None:
    tree = tree_of(keys)
    evictor = Evictor(tree.allocator)
    walk = RadixPass(tree, evictor)
    value = walk.first()
    while value is not None:
        walk.visit(True)
        value = walk.next()
    tree.insert(b"new", b"1")
    for key in keys:
        tree.remove(key)
        tree.check()


@given(KEYS)
def test_dropping_the_nodes_from_the_end_gives_all_blocks(keys: set[bytes]) -> None:
    tree = tree_of(keys)
    owned = Counter(tree.addresses())
    expected = sorted(keys, reverse=True)
    freed = FreedBlocks()
    met: list[bytes] = []
    while True:
        node = tree.last_node()
        if node.value is not None:
            met.append(node.key)
        if tree.drop_last(freed):
            break
    assert met == expected
    assert Counter(int(address) for address in freed.addresses) == owned


def test_an_entry_gets_another_key_object_and_value() -> None:
    tree = tree_of({b"key one", b"key two"})
    key = b"".join((b"key ", b"one"))
    replace_entry(tree, key, b"new")
    assert tree.get(b"key one") == b"new"
    assert [node.key is key for node in tree._all_nodes() if node.value == b"new"] == [True]


def test_an_entry_that_was_removed_is_not_replaced() -> None:
    tree = tree_of({b"a"})
    replace_entry(tree, b"b", b"new")
    assert tree.values() == [b"value of a"]
