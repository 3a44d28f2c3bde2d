"""Sorted sets as values: their encodings, their blocks, and which blocks a change keeps."""

from __future__ import annotations

import pytest

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.digest import Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.sorted_set import ADDED, UPDATED, SortedSetObject, build_sorted_set, new_sorted_set
from pyredmem.objects.sorted_set_encodings import score_entry_size
from pyredmem.objects.sorted_set_skiplist import SortedSetSkiplist

INFINITY = float("inf")


class Fixture:
    """The parts that a sorted set needs."""

    def __init__(self) -> None:
        self.allocator = Allocator("jemalloc")
        self.limits = EncodingLimits()
        self.rng = Random(1)

    def empty(self, expected: int = 1) -> SortedSetObject:
        return new_sorted_set(self.allocator, self.limits, expected)

    def filled(self, count: int) -> SortedSetObject:
        zset = self.empty()
        for number in range(count):
            self.add(zset, b"m%d" % number, float(number))
        return zset

    def add(self, zset: SortedSetObject, member: bytes, score: float) -> int:
        return zset.add(member, score, self.limits, self.rng)


@pytest.fixture
def around() -> Fixture:
    return Fixture()


@pytest.mark.parametrize(
    ("score", "size"),
    [
        (0.0, 2),
        (-0.0, 2),
        (127.0, 2),
        (128.0, 3),
        (4096.0, 4),
        (0.5, 5),
        (0.1, 5),
        (1.5e300, 10),
        (INFINITY, 5),
        (-INFINITY, 6),
        (4611686018427387904.0, 10),
        (9.2e18, 9),
        (5123456789012345856.0, 10),
        (1e19, 7),
    ],
)
def test_a_score_is_an_integer_in_a_listpack_or_its_text(score: float, size: int) -> None:
    assert score_entry_size(score) == size


def test_add_returns_what_it_did(around: Fixture) -> None:
    zset = around.empty()
    assert around.add(zset, b"a", 1.0) == ADDED
    assert around.add(zset, b"a", 1.0) == 0
    assert around.add(zset, b"a", 2.0) == UPDATED
    assert zset.items() == [(b"a", 2.0)]


@pytest.mark.parametrize("count", [3, 200])
def test_added_members_have_their_scores_and_order(around: Fixture, count: int) -> None:
    zset = around.filled(count)
    assert zset.length() == count
    assert zset.score(b"m2") == 2.0
    assert zset.score(b"x") is None
    assert zset.items() == [(b"m%d" % number, float(number)) for number in range(count)]
    assert zset.remove(b"m1")
    assert not zset.remove(b"m1")


def test_a_listpack_is_one_block_beside_the_object(around: Fixture) -> None:
    zset = around.filled(2)
    assert zset.encoding() == b"listpack"
    assert zset.memory(around.allocator, 5) == 16 + 24  # 7 + 2 * (4 + 2)
    assert len(zset.addresses()) == 2


def test_a_listpack_has_no_negative_zero(around: Fixture) -> None:
    zset = around.empty()
    around.add(zset, b"a", -0.0)
    assert str(zset.score(b"a")) == "0.0"


def test_one_member_too_many_makes_a_skiplist(around: Fixture) -> None:
    zset = around.filled(128)
    assert zset.encoding() == b"listpack"
    around.add(zset, b"new", 0.5)
    assert zset.encoding() == b"skiplist"
    table = zset.hash_table()
    assert table is not None
    assert (table.buckets(), zset.length()) == (256, 129)


def test_a_long_member_makes_a_skiplist(around: Fixture) -> None:
    zset = around.filled(1)
    around.add(zset, b"x" * 64, 1.0)
    assert zset.encoding() == b"listpack"
    around.add(zset, b"x" * 65, 1.0)
    assert zset.encoding() == b"skiplist"


def test_many_expected_members_make_a_skiplist_at_once(around: Fixture) -> None:
    zset = around.filled(2)
    zset.expect(129, around.limits, around.rng)
    table = zset.hash_table()
    assert table is not None
    assert table.buckets() == 256


def test_memory_of_a_skiplist_is_its_blocks(around: Fixture) -> None:
    before = around.allocator.used_memory
    zset = around.filled(1000)
    assert zset.memory(around.allocator, 0) == around.allocator.used_memory - before


def test_the_mean_height_of_nodes_is_the_same_as_in_redis(around: Fixture) -> None:
    zset = around.filled(20000)
    content = zset.content
    assert isinstance(content, SortedSetSkiplist)
    nodes = content.members.nodes
    total = sum([int(around.allocator.usable(int(node))) for node in list(nodes)[: content.members.used]])
    assert total / 20000 == pytest.approx(45.836, rel=0.01)


def test_a_member_that_keeps_its_place_keeps_its_node(around: Fixture) -> None:
    zset = around.filled(200)
    content = zset.content
    assert isinstance(content, SortedSetSkiplist)
    slot = content.members.peek(b"m7")
    around.allocator.alloc(40)  # so that the next block is not the one just freed
    node = content.members.nodes[slot]
    around.add(zset, b"m7", 7.5)
    assert content.members.nodes[slot] == node
    assert zset.score(b"m7") == 7.5
    around.add(zset, b"m7", 6.0)
    assert zset.order().rank(6.0, b"m7") == 7


def test_a_sparse_table_is_resized(around: Fixture) -> None:
    zset = around.filled(1000)
    zset.remove_all([b"m%d" % number for number in range(995)])
    table = zset.hash_table()
    assert table is not None
    assert table.is_rehashing()


@pytest.mark.parametrize("count", [0, 1, 128, 129, 5000])
def test_a_copy_is_equal_and_independent(around: Fixture, count: int) -> None:
    zset = around.filled(count)
    before = around.allocator.used_memory
    copy = zset.duplicate(around.allocator)
    assert isinstance(copy, SortedSetObject)
    assert copy.encoding() == zset.encoding()
    assert copy.items() == zset.items()
    assert copy.memory(around.allocator, 0) == around.allocator.used_memory - before
    assert not set(copy.addresses()) & set(zset.addresses())


def test_all_blocks_are_owned_and_freed(around: Fixture) -> None:
    for count in (0, 5, 500):
        zset = around.filled(count)
        told = sum([around.allocator.usable(address) for address in zset.addresses()])
        assert told == around.allocator.used_memory
        zset.free(around.allocator)
        assert around.allocator.used_memory == 0


def test_digests_do_not_depend_on_the_encoding(around: Fixture) -> None:
    zset = around.filled(5)
    first, second = Digest(), Digest()
    zset.digest(first)
    zset.expect(1000, around.limits, around.rng)
    zset.digest(second)
    assert first.data() == second.data()


def test_a_stored_result_is_a_listpack_if_it_fits(around: Fixture) -> None:
    few = build_sorted_set([(b"b", 1.0), (b"a", 2.0)], around.allocator, around.limits, around.rng)
    assert (few.encoding(), few.items()) == (b"listpack", [(b"b", 1.0), (b"a", 2.0)])
    many = [(b"%d" % number, 1.0) for number in range(129)]
    assert build_sorted_set(many, around.allocator, around.limits, around.rng).encoding() == b"skiplist"


def test_the_effort_of_freeing_a_skiplist_is_its_members(around: Fixture) -> None:
    assert around.filled(100).free_effort() == 1
    assert around.filled(200).free_effort() == 200
