"""Quicklists: each element is in the right node."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.list_node import COMPRESSED, PLAIN
from pyredmem.structures.quicklist import Quicklist, byte_limit, exceeds

GIB = 1 << 30


def _of(elements: list[bytes], fill: int = -2, depth: int = 0, threshold: int = GIB) -> Quicklist:
    quicklist = Quicklist(Allocator(), fill, depth)
    for element in elements:
        quicklist.push_tail(element, threshold)
    return quicklist


def _nodes(quicklist: Quicklist) -> list[list[bytes]]:
    quicklist.check()
    return [node.elements(0, node.count()) for node in quicklist.chain()]


def _insert(quicklist: Quicklist, index: int, element: bytes, after: bool, threshold: int = GIB) -> None:
    node = quicklist.seek(index)
    quicklist.insert(node, quicklist.offset, element, after, threshold)


def _letters(text: str) -> list[bytes]:
    return [letter.encode() for letter in text]


@pytest.mark.parametrize(
    ("fill", "size", "count", "too_much"),
    [
        (-2, 8192, 10**6, False),
        (-2, 8193, 1, True),
        (-1, 4097, 1, True),
        (-5, 65536, 1, False),
        (-9, 65537, 1, True),
        (3, 8192, 3, False),
        (3, 10, 4, True),
        (3, 8193, 1, True),
        (0, 10, 1, False),
        (0, 10, 2, True),
    ],
)
def test_the_fill_limits_the_size_or_the_number_of_elements_of_a_node(
    fill: int, size: int, count: int, too_much: bool
) -> None:
    assert exceeds(fill, size, count) is too_much


def test_negative_fills_stand_for_sizes() -> None:
    assert [int(byte_limit(-code)) for code in range(1, 8)] == [4096, 8192, 16384, 32768, 65536, 65536, 65536]


def test_a_full_end_gets_a_new_node() -> None:
    quicklist = _of(_letters("abcde"), fill=2)
    assert _nodes(quicklist) == [_letters("ab"), _letters("cd"), _letters("e")]
    quicklist.push_head(b"z", GIB)
    assert _nodes(quicklist)[0] == [b"z"]


def test_a_new_element_is_estimated_at_eight_bytes_more() -> None:
    """8192 is 7 + 8000 + 5 + 2 bytes of the first element, 170 of the second one, and 8."""
    assert len(_nodes(_of([b"x" * 8000, b"y" * 170]))) == 1
    assert len(_nodes(_of([b"x" * 8000, b"y" * 171]))) == 2


def test_an_empty_node_is_freed() -> None:
    quicklist = _of(_letters("abcd"), fill=2)
    quicklist.delete(0, 2)
    assert _nodes(quicklist) == [_letters("cd")]
    assert [quicklist.pop_tail(), quicklist.pop_head()] == [b"d", b"c"]
    assert (quicklist.nodes, quicklist.head, quicklist.tail) == (0, None, None)


def test_inserting_at_the_edge_of_a_full_node_uses_its_neighbour() -> None:
    quicklist = _of(_letters("abcd"), fill=3)
    _insert(quicklist, 2, b"x", True)
    assert _nodes(quicklist) == [_letters("abc"), _letters("xd")]


def test_inserting_between_full_nodes_makes_a_new_node() -> None:
    quicklist = _of(_letters("abcd"), fill=2)
    _insert(quicklist, 2, b"x", False)
    assert _nodes(quicklist) == [_letters("ab"), [b"x"], _letters("cd")]


def test_inserting_into_a_full_node_splits_it_and_merges_the_parts_that_fit() -> None:
    quicklist = _of(_letters("abcdef"), fill=4)
    _insert(quicklist, 1, b"x", True)
    assert _nodes(quicklist) == [_letters("ab"), _letters("xcd"), _letters("ef")]
    quicklist = _of(_letters("abcde"), fill=4)
    _insert(quicklist, 1, b"x", True)
    assert _nodes(quicklist) == [_letters("ab"), _letters("xcde")]


def test_an_enormous_element_has_a_node_of_its_own() -> None:
    quicklist = _of([b"a", b"x" * 100, b"b"], threshold=100)
    assert [int(node.is_(PLAIN)) for node in quicklist.chain()] == [0, 1, 0]
    assert quicklist.chain()[1].usable() == 112
    quicklist.check()


def test_an_enormous_element_splits_the_node_into_which_it_is_inserted() -> None:
    quicklist = _of(_letters("abcd"))
    _insert(quicklist, 1, b"x" * 100, True, 100)
    assert _nodes(quicklist) == [_letters("ab"), [b"x" * 100], _letters("cd")]


@pytest.mark.parametrize(
    ("index", "nodes"),
    [
        (0, [[b"x" * 100], _letters("bcd")]),
        (1, [_letters("a"), [b"x" * 100], _letters("cd")]),
        (3, [_letters("abc"), [b"x" * 100]]),
    ],
)
def test_replacing_an_element_by_an_enormous_one_splits_its_node(index: int, nodes: list[list[bytes]]) -> None:
    quicklist = _of(_letters("abcd"))
    quicklist.replace(index, b"x" * 100, 100)
    assert _nodes(quicklist) == nodes


def test_replacing_an_enormous_element_removes_its_node() -> None:
    quicklist = _of([b"a", b"x" * 100, b"b"], threshold=100)
    quicklist.replace(1, b"y" * 200, 100)
    assert _nodes(quicklist) == [[b"a"], [b"y" * 200], [b"b"]]
    quicklist.replace(1, b"c", 100)
    assert _nodes(quicklist) == [[b"a"], _letters("cb")]


def test_nodes_between_the_ends_are_compressed() -> None:
    quicklist = _of([b"a" * 200] * 6, fill=1, depth=2)
    assert [bool(node.is_(COMPRESSED)) for node in quicklist.chain()] == [False, False, True, True, False, False]
    quicklist.delete(0, 1)
    assert [bool(node.is_(COMPRESSED)) for node in quicklist.chain()] == [False, False, True, False, False]
    quicklist.check()


def test_a_compressed_node_that_was_changed_is_compressed_again() -> None:
    quicklist = _of([b"a" * 200] * 6, fill=2, depth=1)
    quicklist.replace(2, b"b" * 300, GIB)
    assert quicklist.chain()[1].is_(COMPRESSED)
    assert quicklist.elements(2, 2) == [b"b" * 300, b"a" * 200]
    quicklist.check()


def test_removing_the_last_element_of_a_node_compresses_the_next_node() -> None:
    """Redis does the same: its iterator is at the next node once the node at which it was is freed."""
    quicklist = _of([b"a" * 200, b"b" * 200, b"x", b"c" * 200, b"d" * 200, b"e"], fill=1, depth=1)
    node = quicklist.chain()[3]
    node.decompress()
    quicklist.remove(b"x", 1, False)
    assert node.is_(COMPRESSED)


def test_seeking_walks_from_the_nearer_end() -> None:
    quicklist = _of([b"%d" % number for number in range(100)], fill=7)
    assert [quicklist.at(index) for index in range(100)] == [b"%d" % number for number in range(100)]


def test_a_copy_has_the_same_nodes() -> None:
    quicklist = _of([b"a" * 200] * 5 + [b"x" * 1000], fill=2, depth=1, threshold=1000)
    copy = quicklist.duplicate()
    assert _nodes(copy) == _nodes(quicklist)
    assert copy.memory(0) == quicklist.memory(0)
    assert not set(copy.addresses()) & set(quicklist.addresses())


def test_memory_is_estimated_from_the_first_nodes() -> None:
    quicklist = _of([b"a" * 100, b"b" * 20, b"c" * 20], fill=1)
    nodes = [40 + 112, 40 + 32, 40 + 32]
    assert quicklist.memory(0) == 40 + sum(nodes)
    assert quicklist.memory(1) == 40 + 3 * nodes[0]
    assert quicklist.memory(2) == 40 + sum(nodes[:2]) * 3 // 2


STEP = st.tuples(
    st.sampled_from(
        ["push_head", "push_tail", "pop_head", "pop_tail", "insert", "insert", "replace", "delete", "remove", "range"]
    ),
    st.sampled_from([b"a", b"b", b"17", b"c" * 60, b"d" * 130, bytes(range(90))]),
    st.integers(0, 1000),
    st.booleans(),
)


@given(st.sampled_from([1, 3, 8, -1]), st.integers(0, 3), st.sampled_from([GIB, 100]), st.lists(STEP, max_size=80))
def test_a_quicklist_behaves_like_a_sequence(
    fill: int, depth: int, threshold: int, steps: list[tuple[str, bytes, int, bool]]
) -> None:
    quicklist, model = Quicklist(Allocator(), fill, depth), list[bytes]()
    for name, element, number, flag in steps:
        at = number % len(model) if model else 0
        if name == "push_head":
            quicklist.push_head(element, threshold)
            model.insert(0, element)
        elif name == "push_tail" or not model:
            quicklist.push_tail(element, threshold)
            model.append(element)
        elif name == "pop_head":
            assert quicklist.pop_head() == model.pop(0)
        elif name == "pop_tail":
            assert quicklist.pop_tail() == model.pop()
        elif name == "insert":
            _insert(quicklist, at, element, flag, threshold)
            model.insert(at + 1 if flag else at, element)
        elif name == "replace":
            quicklist.replace(at, element, threshold)
            model[at] = element
        elif name == "delete":
            quicklist.delete(at, len(model[at : at + 5]))
            del model[at : at + 5]
        elif name == "remove":
            model = _without(model, element, number % 3 + 1, flag)
            quicklist.remove(element, number % 3 + 1, flag)
        else:
            assert quicklist.elements(at, len(model) - at) == model[at:]
        assert [element for node in _nodes(quicklist) for element in node] == model
    quicklist.free()
    assert quicklist.allocator.used_memory == 0


def _without(model: list[bytes], element: bytes, most: int, backwards: bool) -> list[bytes]:
    left = model[::-1] if backwards else list(model)
    for _ in range(min(most, model.count(element))):
        left.remove(element)
    return left[::-1] if backwards else left
