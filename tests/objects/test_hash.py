"""Hashes as values: conversions, memory, expire times of fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.field_times import NEVER, NO_TIME
from pyredmem.objects.hash import HashObject, new_hash
from pyredmem.objects.hash_table import TableFields
from pyredmem.objects.limits import EncodingLimits
from pyredmem.structures.listpack import entry_size

HEADER = 16
EMPTY_LISTPACK = 7


class Sample:
    """A hash, its allocator and its limits."""

    def __init__(self, entries: int = 512, value: int = 64) -> None:
        self.allocator = Allocator("jemalloc")
        self.limits = EncodingLimits()
        self.limits.hash_entries = entries
        self.limits.hash_value = value
        self.hash = new_hash(self.allocator)

    def fill(self, count: int) -> Sample:
        """Set ``count`` fields."""
        for index in range(count):
            self.hash.set(b"f%d" % index, b"v%d" % index, self.limits)
        return self

    def used(self) -> int:
        """What the ledger has beyond the blocks that the hash owns."""
        return self.allocator.used_memory


def owned(sample: Sample) -> int:
    return sum(sample.allocator.usable(address) for address in sample.hash.addresses())


def check(sample: Sample) -> None:
    """The ledger has the blocks of the hash and nothing else, and a table is consistent."""
    addresses = sample.hash.addresses()
    assert len(addresses) == len(set(addresses))
    assert sample.used() == owned(sample)
    table = sample.hash.hash_table()
    if table is not None:
        table.check()


def test_a_new_hash_is_an_empty_listpack() -> None:
    sample = Sample()
    assert sample.hash.encoding() == b"listpack"
    assert sample.hash.length() == 0
    check(sample)


def test_a_listpack_keeps_the_order_in_which_fields_were_added() -> None:
    sample = Sample().fill(3)
    sample.hash.set(b"f1", b"new", sample.limits)
    assert sample.hash.items() == [(b"f0", b"v0"), (b"f1", b"new"), (b"f2", b"v2")]


def test_one_field_more_than_the_limit_makes_a_table() -> None:
    sample = Sample(entries=3).fill(3)
    assert sample.hash.encoding() == b"listpack"
    sample.fill(4)
    assert sample.hash.encoding() == b"hashtable"
    assert sorted(sample.hash.items()) == [(b"f%d" % i, b"v%d" % i) for i in range(4)]
    check(sample)


@pytest.mark.parametrize(("field", "value"), [(b"f" * 65, b"v"), (b"f", b"v" * 65)])
def test_a_long_field_or_value_makes_a_table(field: bytes, value: bytes) -> None:
    sample = Sample()
    sample.hash.set(field, value, sample.limits)
    assert sample.hash.encoding() == b"hashtable"
    assert sample.hash.get(field) == value
    check(sample)


def test_a_table_never_becomes_a_listpack_again() -> None:
    sample = Sample(entries=3).fill(10)
    for index in range(9):
        assert sample.hash.remove(b"f%d" % index)
    assert sample.hash.encoding() == b"hashtable"
    check(sample)


def test_many_arguments_make_a_table_before_they_are_added() -> None:
    sample = Sample(entries=3)
    sample.hash.prepare([b"f", b"v"] * 5, 0, sample.limits)
    table = sample.hash.hash_table()
    assert table is not None
    assert table.buckets() == 8


def test_a_table_is_resized_when_a_tenth_is_left() -> None:
    sample = Sample(entries=0).fill(64)
    table = sample.hash.hash_table()
    assert table is not None
    for index in range(60):
        sample.hash.remove(b"f%d" % index)
    while table.is_rehashing():
        sample.hash.get(b"f63")
    assert table.buckets() < 64
    check(sample)


def test_memory_of_a_listpack_is_its_block() -> None:
    sample = Sample().fill(1)
    size = EMPTY_LISTPACK + entry_size(b"f0") + entry_size(b"v0")
    assert sample.hash.memory(sample.allocator, 0) == HEADER + sample.allocator.good_size(size)


def test_memory_of_a_table_is_what_it_owns() -> None:
    sample = Sample(entries=0).fill(100)
    assert sample.hash.memory(sample.allocator, 0) == owned(sample)


def test_memory_of_a_table_is_estimated_from_some_fields() -> None:
    sample = Sample(entries=0).fill(10)
    assert sample.hash.memory(sample.allocator, 2) == owned(sample)  # all have the same size


def test_freeing_leaves_nothing_in_the_ledger() -> None:
    for count in (3, 30):
        sample = Sample(entries=10).fill(count)
        sample.hash.expire_at(b"f1", 5000)
        sample.hash.free(sample.allocator)
        assert sample.used() == 0


def test_the_effort_of_freeing_a_table_is_its_fields() -> None:
    assert Sample().fill(100).hash.free_effort() == 1
    assert Sample(entries=10).fill(100).hash.free_effort() == 100


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize("timed", [False, True])
def test_a_copy_is_equal_and_independent(count: int, timed: bool) -> None:
    sample = Sample(entries=10).fill(count)
    if timed:
        sample.hash.expire_at(b"f1", 5000)
    copy = sample.hash.duplicate(sample.allocator)
    assert copy.encoding() == sample.hash.encoding()
    assert sorted(copy.items()) == sorted(sample.hash.items())
    assert copy.time_of(b"f1") == sample.hash.time_of(b"f1") == (5000 if timed else NO_TIME)
    assert copy.due_us == sample.hash.due_us
    copy.set(b"f1", b"other", sample.limits)
    assert sample.hash.get(b"f1") == b"v1"
    assert copy.due_us == NEVER
    copy.free(sample.allocator)
    check(sample)


def test_every_field_of_a_table_is_drawn_with_the_same_probability() -> None:
    sample = Sample(entries=0).fill(20)
    rng = Random(5)
    drawn = dict.fromkeys(sample.hash.fields.names(), 0)
    for _ in range(20000):
        drawn[sample.hash.fields.random_field(rng)] += 1
    chi_square = sum((count - 1000) ** 2 / 1000 for count in drawn.values())
    assert chi_square < 43.8  # 19 degrees of freedom, one in a thousand


# Times.


def test_the_first_time_makes_a_listpackex() -> None:
    sample = Sample().fill(3)
    sample.hash.expire_at(b"f1", 5000)
    assert sample.hash.encoding() == b"listpackex"
    assert sample.hash.due_ms() == 5000
    check(sample)


def test_a_listpackex_is_in_the_order_of_times() -> None:
    sample = Sample().fill(4)
    sample.hash.expire_at(b"f2", 7000)
    sample.hash.expire_at(b"f3", 5000)
    assert sample.hash.fields.names() == [b"f3", b"f2", b"f0", b"f1"]
    sample.hash.persist(b"f3")
    assert sample.hash.fields.names() == [b"f2", b"f0", b"f1", b"f3"]
    assert sample.hash.fields.contents() == [b"v2", b"v0", b"v1", b"v3"]


def test_setting_a_field_removes_its_time_and_putting_does_not() -> None:
    for count in (3, 30):
        sample = Sample(entries=10).fill(count)
        sample.hash.expire_at(b"f1", 5000)
        sample.hash.put(b"f1", b"new", sample.limits)
        assert sample.hash.time_of(b"f1") == 5000
        sample.hash.set(b"f1", b"newer", sample.limits)
        assert sample.hash.time_of(b"f1") == NO_TIME
        assert sample.hash.due_us == NEVER
        check(sample)


def test_the_conversion_to_a_table_keeps_the_times() -> None:
    sample = Sample(entries=5).fill(5)
    sample.hash.expire_at(b"f1", 5000)
    sample.fill(6)  # sets f1 again
    sample.hash.expire_at(b"f2", 6000)
    assert sample.hash.encoding() == b"hashtable"
    assert sample.hash.time_of(b"f1") == NO_TIME
    assert sample.hash.time_of(b"f2") == 6000
    check(sample)


def test_removing_a_field_removes_its_time() -> None:
    for count in (3, 30):
        sample = Sample(entries=10).fill(count)
        sample.hash.expire_at(b"f1", 5000)
        sample.hash.remove(b"f1")
        sample.hash.set(b"f1", b"v", sample.limits)
        assert sample.hash.time_of(b"f1") == NO_TIME
        assert sample.hash.due_ms() == NEVER
        check(sample)


def test_a_field_has_expired_once_the_time_is_later_than_its_own() -> None:
    sample = Sample().fill(2)
    sample.hash.expire_at(b"f1", 5000)
    assert sample.hash.expired_field(5000) is None
    assert sample.hash.expired_field(5001) == b"f1"


FIELDS = st.sampled_from([b"a", b"b", b"c", b"17", b"x" * 70, b""])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), FIELDS, st.binary(max_size=70)),
        st.tuples(st.just("put"), FIELDS, st.binary(max_size=70)),
        st.tuples(st.just("remove"), FIELDS, st.just(b"")),
        st.tuples(st.just("expire"), FIELDS, st.sampled_from([b"1000", b"2000", b"70368744177663"])),
        st.tuples(st.just("persist"), FIELDS, st.just(b"")),
    ),
    max_size=60,
)


def _expected_size(value: HashObject, timed: bool) -> int:
    size = EMPTY_LISTPACK
    for field, content in value.items():
        size += entry_size(field) + entry_size(content)
        if timed:
            when = value.time_of(field)
            size += entry_size(b"0" if when == NO_TIME else b"%d" % when)
    return size


@given(STEPS, st.sampled_from([2, 512]))
def test_any_sequence_of_changes_leaves_a_consistent_hash(steps: list[tuple[str, bytes, bytes]], entries: int) -> None:
    sample = Sample(entries=entries)
    model: dict[bytes, bytes] = {}
    times: dict[bytes, int] = {}
    for action, field, data in steps:
        if action in ("set", "put"):
            new = sample.hash.set if action == "set" else sample.hash.put
            assert new(field, data, sample.limits) == (field not in model)
            model[field] = data
            if action == "set":
                times.pop(field, None)
        elif action == "remove":
            assert sample.hash.remove(field) == (model.pop(field, None) is not None)
            times.pop(field, None)
        elif action == "expire" and field in model:
            sample.hash.expire_at(field, int(data))
            times[field] = int(data)
        elif action == "persist":
            assert sample.hash.persist(field) == (times.pop(field, None) is not None)
        check(sample)
    assert dict(sample.hash.items()) == model
    assert sample.hash.length() == len(model)
    assert {field: sample.hash.time_of(field) for field in times} == times
    assert sample.hash.due_ms() == min(times.values(), default=NEVER)
    if sample.hash.encoding() != b"hashtable":
        timed = sample.hash.encoding() == b"listpackex"
        blocks = sample.hash.fields.addresses()
        assert sample.allocator.usable(blocks[-1]) == sample.allocator.good_size(_expected_size(sample.hash, timed))
    sample.hash.free(sample.allocator)
    assert sample.used() == 0


def test_more_than_sixteen_times_take_a_tree() -> None:
    sample = Sample(entries=0).fill(40)
    for index in range(16):
        sample.hash.expire_at(b"f%d" % index, 5000)
    before = len(sample.hash.addresses())
    sample.hash.expire_at(b"f16", 5000)
    assert len(sample.hash.addresses()) == before + 3
    for index in range(17):
        sample.hash.persist(b"f%d" % index)
    assert len(sample.hash.addresses()) == before
    check(sample)


def test_filling_a_table_makes_room_first() -> None:
    sample = Sample()
    table = TableFields(sample.allocator)
    table.fill([b"%d" % i for i in range(5)], [b"v"] * 5)
    assert table.table.buckets() == 8
    table.free()
    check(sample)
