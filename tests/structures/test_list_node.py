"""The nodes of lists: a sequence that is fast at both ends, and its block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.list_node import COMPRESSED, IN_USE, ListNode

ELEMENT = st.sampled_from([b"a", b"b", b"12", b"", b"x" * 100, b"-70000"])
STEP = st.tuples(
    st.sampled_from(["push_head", "push_head", "push_tail", "pop_head", "pop_tail", "insert", "replace", "delete"]),
    ELEMENT,
    st.integers(0, 1000),
)


def _apply(node: ListNode, model: list[bytes], name: str, element: bytes, number: int) -> None:
    at = number % len(model) if model else 0
    if name == "push_head":
        node.push_head(element)
        model.insert(0, element)
    elif name == "push_tail" or not model:
        node.push_tail(element)
        model.append(element)
    elif name == "pop_head":
        assert node.pop_head() == model.pop(0)
    elif name == "pop_tail":
        assert node.pop_tail() == model.pop()
    elif name == "insert":
        node.insert(at, element)
        model.insert(at, element)
    elif name == "replace":
        node.replace(at, element)
        model[at] = element
    else:
        node.delete(at, 2 if at + 1 < len(model) else 1)
        del model[at : at + 2]


@given(st.lists(STEP, max_size=120))
def test_a_node_behaves_like_a_sequence_and_its_block_fits(steps: list[tuple[str, bytes, int]]) -> None:
    allocator = Allocator()
    node, model = ListNode(allocator), list[bytes]()
    for step in steps:
        _apply(node, model, *step)
        assert node.elements(0, node.count()) == model
        node.check()
    node.free()
    assert allocator.used_memory == 0


@given(st.lists(ELEMENT, max_size=30), st.integers(1, 5), st.booleans())
def test_equal_elements_are_removed_from_either_end(model: list[bytes], most: int, backwards: bool) -> None:
    node = ListNode(Allocator())
    for element in model:
        node.push_head(element)
    model.reverse()
    expected = model[::-1] if backwards else list(model)
    removed = min(most, model.count(b"a"))
    for _ in range(removed):
        expected.remove(b"a")
    assert node.remove(b"a", most, backwards) == removed
    assert node.elements(0, node.count()) == (expected[::-1] if backwards else expected)
    node.check()


def test_places_freed_at_the_head_are_given_back_in_the_end() -> None:
    node = ListNode(Allocator())
    for number in range(1000):
        node.push_tail(b"%d" % number)
    for _ in range(990):
        node.pop_head()
    assert len(node.items) < 40
    assert node.at(0) == b"990"


def test_a_single_element_has_no_free_places_before_it() -> None:
    node = ListNode(Allocator())
    node.push_head(b"a")
    assert (node.items, node.start) == ([b"a"], 0)
    node.push_head(b"b")
    assert node.elements(0, node.count()) == [b"b", b"a"]
    assert node.start > 0


def test_elements_can_be_found_from_both_ends() -> None:
    node = ListNode(Allocator())
    for element in (b"a", b"b", b"a"):
        node.push_head(element)
    assert [node.find(b"a", 0), node.find(b"a", 1), node.find(b"", 0)] == [0, 2, -1]
    assert [node.find_back(b"a", 3), node.find_back(b"a", 2), node.find_back(b"x", 3)] == [2, 0, -1]


def test_a_compressed_node_has_a_smaller_block_until_it_is_decompressed() -> None:
    node = ListNode(Allocator())
    for _ in range(100):
        node.push_tail(b"hello world")
    before = node.usable()
    node.compress()
    node.check()
    assert node.is_(COMPRESSED)
    assert node.usable() * 10 < before
    node.decompress_for_use()
    assert not node.is_(COMPRESSED)
    assert node.is_(IN_USE)
    assert node.usable() == before


def test_a_node_that_is_small_or_cannot_be_compressed_stays_as_it_is() -> None:
    for element in (b"a" * 30, bytes(range(256))):
        node = ListNode(Allocator())
        node.push_tail(element)
        node.compress()
        assert not node.is_(COMPRESSED)
