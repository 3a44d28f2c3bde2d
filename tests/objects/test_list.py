"""List objects: when they change their encoding, and their memory."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.digest import Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject, build_list, new_list


def _of(elements: list[bytes], limits: EncodingLimits) -> ListObject:
    made = new_list(Allocator())
    for element in elements:
        made.push(element, True, limits)
    made.check()
    return made


def _sized(fill: int) -> EncodingLimits:
    limits = EncodingLimits()
    limits.list_size = fill
    return limits


def _text(value: ListObject) -> str:
    digest = Digest()
    value.digest(digest)
    return digest.text().decode()


def test_a_new_list_is_a_listpack_of_seven_bytes() -> None:
    allocator = Allocator()
    value = new_list(allocator)
    assert (value.encoding(), value.length(), value.memory(allocator, 0)) == (b"listpack", 0, 24)


def test_conversion_is_decided_by_the_bytes_of_new_elements_before_they_are_added() -> None:
    """7 + 8185 bytes are within 8192, though the entry takes 7 bytes more than its element."""
    limits = EncodingLimits()
    assert _of([b"x" * 8185], limits).encoding() == b"listpack"
    assert _of([b"x" * 8186], limits).encoding() == b"quicklist"


def test_many_elements_of_one_command_can_make_a_listpack_larger_than_the_limit() -> None:
    limits, value = EncodingLimits(), new_list(Allocator())
    value.push_arguments([b"RPUSH", b"k", *[b"a"] * 4000], True, limits)
    assert (value.encoding(), value.memory(Allocator(), 0)) == (b"listpack", 16 + 12288)
    value.push(b"a", True, limits)
    assert value.encoding() == b"quicklist"


def test_a_positive_size_limits_the_number_of_elements() -> None:
    limits = _sized(3)
    assert _of([b"a"] * 3, limits).encoding() == b"listpack"
    assert _of([b"a"] * 4, limits).encoding() == b"quicklist"


@pytest.mark.parametrize(("fill", "left"), [(8, 4), (-1, 510)])
def test_a_quicklist_becomes_a_listpack_at_half_of_the_limit(fill: int, left: int) -> None:
    """2048 bytes are half of 4096: 510 elements of four bytes, and 7."""
    limits = _sized(fill)
    value = _of([b"ab"] * (left + 1), limits)
    value.encoded = value.encoded.grown(10**6, 0, limits) if fill < 0 else value.encoded.grown(0, 100, limits)
    value.shrink(limits)
    assert value.encoding() == b"quicklist"
    value.encoded.pop(True)
    value.shrink(limits)
    assert value.encoding() == b"listpack"
    value.check()


def test_a_list_with_one_element_in_each_node_stays_a_quicklist() -> None:
    limits = _sized(1)
    value = _of([b"a", b"b"], limits)
    value.encoded.pop(True)
    value.shrink(limits)
    assert value.encoding() == b"quicklist"


def test_a_single_element_that_is_huge_is_not_a_listpack() -> None:
    limits = EncodingLimits()
    limits.packed_threshold = 100
    value = _of([b"x" * 9000], limits)
    value.shrink(limits)
    assert value.encoding() == b"quicklist"


def test_new_settings_apply_to_lists_that_become_quicklists_later() -> None:
    limits = _sized(2)
    value = _of([b"a"] * 3, limits)
    limits.list_size = 1
    for _ in range(3):
        value.push(b"b", True, limits)
    value.check()
    assert value.free_effort() == 3


def test_the_digits_of_a_moved_number_do_not_count() -> None:
    limits = EncodingLimits()
    value = _of([b"x" * 8170], limits)
    value.push_moved(b"1234567890123456", True, limits)
    assert value.encoding() == b"listpack"
    value = _of([b"x" * 8170], limits)
    value.push_moved(b"123456789012345x", True, limits)
    assert value.encoding() == b"quicklist"


def test_replacing_an_element_can_convert_either_way() -> None:
    limits = EncodingLimits()
    value = _of([b"a", b"b"], limits)
    assert value.replace(-1, b"x" * 9000, limits)
    assert value.encoding() == b"quicklist"
    assert value.replace(1, b"b", limits)
    assert (value.encoding(), value.elements()) == (b"listpack", [b"a", b"b"])


def test_replacing_a_missing_element_can_convert_the_list() -> None:
    limits = EncodingLimits()
    value = _of([b"a"], limits)
    assert not value.replace(1, b"x" * 9000, limits)
    assert value.encoding() == b"quicklist"


def test_a_list_that_is_stored_whole_has_the_whole_limit() -> None:
    limits, allocator = EncodingLimits(), Allocator()
    assert build_list([b"ab"] * 2044, allocator, limits).encoding() == b"listpack"
    assert build_list([b"ab"] * 2045, allocator, limits).encoding() == b"quicklist"
    assert build_list([], allocator, limits).length() == 0


def test_the_digest_depends_only_on_the_elements_and_their_order() -> None:
    limits = _sized(2)
    one = _of([b"a", b"b", b"3"], limits)
    assert one.encoding() == b"quicklist"
    assert _text(one) == _text(_of([b"a", b"b", b"3"], EncodingLimits()))
    assert _text(one) != _text(_of([b"b", b"a", b"3"], EncodingLimits()))


@pytest.mark.parametrize("count", [3, 3000])
def test_a_copy_is_independent_and_freeing_leaves_nothing(count: int) -> None:
    limits, allocator = EncodingLimits(), Allocator()
    value = new_list(allocator)
    for number in range(count):
        value.push(b"element %d" % number, number % 2 == 0, limits)
    copy = value.duplicate(allocator)
    assert isinstance(copy, ListObject)
    assert (copy.elements(), copy.encoding()) == (value.elements(), value.encoding())
    assert not set(copy.addresses()) & set(value.addresses())
    copy.free(allocator)
    value.free(allocator)
    assert allocator.used_memory == 0
