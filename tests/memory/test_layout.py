"""The sizes of structures and the arithmetic of growing blocks, compared with measured examples."""

from __future__ import annotations

import pytest

from pyredmem.memory import layout
from pyredmem.memory.allocator import Allocator


@pytest.mark.parametrize(
    ("length", "header", "request_"),
    [
        (0, 3, 4),
        (1, 1, 3),
        (31, 1, 33),
        (32, 3, 36),
        (255, 3, 259),
        (256, 5, 262),
        (65535, 5, 65541),
        (65536, 9, 65546),
        ((1 << 32) - 1, 9, (1 << 32) + 9),
        (1 << 32, 17, (1 << 32) + 18),
    ],
)
def test_a_new_string_has_the_smallest_header(length: int, header: int, request_: int) -> None:
    assert (layout.sds_header_size(length), layout.sds_new_size(length)) == (header, request_)


@pytest.mark.parametrize(
    ("header", "usable", "capacity"),
    [(1, 32, 0), (3, 48, 44), (3, 320, 255), (5, 320, 314), (5, 81920, 65535)],
)
def test_the_capacity_is_limited_by_the_type(header: int, usable: int, capacity: int) -> None:
    assert layout.sds_capacity(header, usable) == capacity


@pytest.mark.parametrize(
    ("length", "added", "greedy", "header", "request_"),
    [
        (10, 10, True, 3, 44),
        (0, 1, True, 3, 6),
        (100, 100, True, 5, 406),
        (0, 16384, False, 5, 16390),
        (1 << 20, 0, True, 9, (1 << 21) + 10),
        ((1 << 20) - 2, 1, True, 9, (1 << 21) - 2 + 10),
        (5 << 20, 1, True, 9, (6 << 20) + 11),
    ],
)
def test_a_string_that_grows_is_doubled_up_to_a_mebibyte(
    length: int, added: int, greedy: bool, header: int, request_: int
) -> None:
    assert layout.sds_make_room(length, added, greedy) == (header, request_)


@pytest.mark.parametrize(
    ("header", "size", "regrow", "expected"),
    [
        (1, 42, True, (3, 46)),
        (3, 0, True, (3, 4)),
        (5, 10, False, (1, 12)),
        (5, 10, True, (3, 14)),
        (9, 300, True, (9, 310)),
        (5, 100, True, (3, 104)),
        (3, 300, True, (5, 306)),
    ],
)
def test_resizing_keeps_a_header_above_type_8(header: int, size: int, regrow: bool, expected: tuple[int, int]) -> None:
    assert layout.sds_resize(header, size, regrow) == expected


@pytest.mark.parametrize(("length", "usable"), [(0, 24), (4, 24), (5, 32), (44, 64)])
def test_short_strings_share_a_block_with_their_object(length: int, usable: int) -> None:
    assert Allocator().good_size(layout.embstr_size(length)) == usable


@pytest.mark.parametrize(("count", "slots"), [(0, 4), (4, 4), (5, 8), (129, 256), (513, 1024), (100_000, 131072)])
def test_tables_have_a_power_of_two_of_buckets(count: int, slots: int) -> None:
    assert (layout.dict_buckets(count), layout.dict_table_size(slots)) == (slots, 8 * slots)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 2),
        (127, 2),
        (128, 3),
        (-1, 3),
        (-4096, 3),
        (4096, 4),
        (-32769, 5),
        (8388608, 6),
        (-2147483649, 10),
        ((1 << 63) - 1, 10),
    ],
)
def test_the_size_of_an_integer_in_a_listpack(value: int, size: int) -> None:
    assert layout.listpack_integer_size(value) == size


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 2), (1, 3), (63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103), (10000, 10007)],
)
def test_the_size_of_a_string_in_a_listpack(length: int, size: int) -> None:
    assert layout.listpack_string_size(length) == size


@pytest.mark.parametrize(
    ("encoded", "size"),
    [(127, 1), (128, 2), (16382, 2), (16383, 3), (2097150, 3), (2097151, 4), (268435455, 5)],
)
def test_the_size_of_the_field_that_ends_a_listpack_entry(encoded: int, size: int) -> None:
    assert layout.listpack_back_length_size(encoded) == size


@pytest.mark.parametrize(("level", "usable"), [(1, 40), (2, 56), (3, 80), (4, 96), (9, 192), (32, 640)])
def test_the_size_of_a_skiplist_node(level: int, usable: int) -> None:
    assert Allocator().good_size(layout.skiplist_node_size(level)) == usable


@pytest.mark.parametrize(
    ("value", "width"), [(0, 2), (32767, 2), (-32769, 4), (2147483647, 4), (2147483648, 8), (-(1 << 63), 8)]
)
def test_the_bytes_of_an_integer_in_an_intset(value: int, width: int) -> None:
    assert layout.intset_width(value) == width


def test_the_size_of_an_intset() -> None:
    assert [layout.intset_size(3, width) for width in (2, 4)] == [14, 20]


@pytest.mark.parametrize(
    ("edge_bytes", "children", "has_value", "size"),
    [(0, 0, False, 8), (0, 0, True, 16), (16, 1, False, 32), (2, 2, True, 32)],
)
def test_the_size_of_a_radix_tree_node(edge_bytes: int, children: int, has_value: bool, size: int) -> None:
    assert layout.rax_node_size(edge_bytes, children, has_value) == size


def test_reply_blocks_hold_at_least_a_chunk() -> None:
    assert [layout.reply_block_size(needed) for needed in (0, 16384, 20000)] == [16400, 16400, 20016]


@pytest.mark.parametrize(("size", "usable"), [(layout.CLIENT_SIZE, 896), (layout.SKIPLIST_HEADER_NODE_SIZE, 640)])
def test_structures_are_rounded_up_to_a_size_class(size: int, usable: int) -> None:
    assert Allocator().good_size(size) == usable


def test_a_latency_histogram_costs_24688_bytes() -> None:
    allocator = Allocator()
    allocator.alloc(layout.HISTOGRAM_SIZE)
    allocator.alloc(layout.HISTOGRAM_COUNTERS_SIZE)
    assert allocator.used_memory == 24688
