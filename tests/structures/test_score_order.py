"""The order of a sorted set, compared with a sorted list of items."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.structures.score_node import LEAF_LIMIT
from pyredmem.structures.score_order import ScoreOrder

Item = tuple[float, bytes]


def _order(items: list[Item]) -> ScoreOrder:
    order = ScoreOrder()
    for score, member in items:
        order.insert(score, member)
    return order


def _items(order: ScoreOrder) -> list[Item]:
    return list(zip(order.scores(0, order.length), order.members(0, order.length), strict=True))


def _agree(order: ScoreOrder, model: list[Item]) -> None:
    order.check()
    assert _items(order) == model


def test_equal_scores_are_ordered_by_bytes() -> None:
    order = _order([(1.0, b"b"), (1.0, b"\xff"), (1.0, b"a"), (0.5, b"z")])
    assert order.members(0, 4) == [b"z", b"a", b"b", b"\xff"]


def test_infinities_are_at_the_ends() -> None:
    order = _order([(0.0, b"b"), (float("inf"), b"c"), (float("-inf"), b"a")])
    assert order.members(0, 3) == [b"a", b"b", b"c"]
    assert order.rank_of_score(float("inf"), inclusive=False) == 2
    assert order.rank_of_score(float("-inf"), inclusive=True) == 1


def test_growing_at_the_end_leaves_the_leaves_full() -> None:
    order = _order([(float(n), b"%d" % n) for n in range(LEAF_LIMIT * 3)])
    root = order._root
    assert root.children is not None
    assert [len(child.members) for child in root.children] == [LEAF_LIMIT] * 3


@pytest.mark.parametrize("size", [0, 1, 5, LEAF_LIMIT, LEAF_LIMIT + 1, 1000, 20000])
def test_every_rank_is_found(size: int) -> None:
    items = [(float(n // 3), b"%06d" % n) for n in range(size)]
    shuffled = sorted(items, key=lambda item: hash(item[1]))
    order = _order(shuffled)
    _agree(order, items)
    for rank in range(0, size, 1 + size // 50):
        score, member = items[rank]
        assert order.rank(score, member) == rank
        assert order.member_at(rank) == member
        assert order.score_at(rank) == score


@given(
    st.lists(
        st.tuples(st.sampled_from("iiiird"), st.integers(0, 9), st.integers(0, 300)),
        min_size=200,
        max_size=900,
    )
)
def test_an_order_behaves_like_a_sorted_list(steps: list[tuple[str, int, int]]) -> None:
    order = ScoreOrder()
    model: list[Item] = []
    held: dict[bytes, float] = {}
    for action, score, number in steps:
        member = b"%d" % number
        if member not in held and action != "d":
            order.insert(float(score), member)
            held[member] = float(score)
            insort(model, (float(score), member))
        elif member in held and action == "r":
            model.remove((held[member], member))
            order.remove(held.pop(member), member)
        elif member in held:
            old = held[member]
            at = model.index((old, member))
            stays = (at == 0 or model[at - 1][0] < score) and (at + 1 == len(model) or model[at + 1][0] > score)
            assert order.move(old, member, float(score)) == stays
            del model[at]
            insort(model, (float(score), member))
            held[member] = float(score)
    _agree(order, model)
    scores = [score for score, _ in model]
    for score in range(-1, 11):
        assert order.rank_of_score(float(score), inclusive=False) == bisect_left(scores, score)
        assert order.rank_of_score(float(score), inclusive=True) == bisect_right(scores, score)
    for start in range(0, len(model), 7):
        count = min(11, len(model) - start)
        assert order.members(start, count) == [member for _, member in model[start : start + count]]


def test_a_large_order_stays_sound_when_it_is_emptied_and_filled_again() -> None:
    rng = Random(5)
    held: dict[bytes, float] = {}
    order = ScoreOrder()
    for phase, size in enumerate((12000, 300, 6000, 0, 50)):
        number = 0
        while order.length < size:
            member = b"%d:%d" % (phase, number)
            number += 1
            held[member] = float(rng.below(2000))
            order.insert(held[member], member)
        while order.length > size:
            member = order.member_at(rng.below(order.length) if phase == 1 else rng.below(min(3, order.length)))
            order.remove(held.pop(member), member)
        _agree(order, sorted((score, member) for member, score in held.items()))


def test_members_with_the_same_score_are_found_by_their_bytes() -> None:
    names = sorted(b"%x" % (n * 7919) for n in range(3000))
    order = _order([(0.0, name) for name in names])
    for name in [*names[::100], b"", b"zz", b"1f3x"]:
        assert order.rank_of_member(name, inclusive=False) == bisect_left(names, name)
        assert order.rank_of_member(name, inclusive=True) == bisect_right(names, name)
