"""The block of a listpack: it has Redis's sizes and is reallocated when Redis's is."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.listpack import Listpack, entry_size, entry_sizes


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"", 2),
        (b"a", 3),
        (b"0", 2),
        (b"127", 2),
        (b"128", 3),
        (b"-1", 3),
        (b"-4097", 4),
        (b"32768", 5),
        (b"8388608", 6),
        (b"2147483648", 10),
        (b"9223372036854775807", 10),
        (b"9223372036854775808", 21),
        (b"007", 5),
        (b"-0", 4),
        (b"+1", 4),
        (b"x" * 63, 65),
        (b"x" * 64, 67),
        (b"x" * 125, 128),
        (b"x" * 126, 130),
        (b"x" * 4096, 4096 + 5 + 2),
    ],
)
def test_an_element_takes_as_many_bytes_as_in_redis(data: bytes, size: int) -> None:
    assert entry_size(data) == size
    assert entry_sizes([data, data]) == 2 * size


def test_an_empty_listpack_is_a_header_and_a_terminator() -> None:
    pack = Listpack(Allocator("jemalloc"))
    assert (pack.size, pack.usable()) == (7, 8)


def test_the_block_stays_while_the_entries_fit() -> None:
    pack = Listpack(Allocator("jemalloc"))
    pack.grow(1)
    address = pack.address
    pack.grow(0)
    assert (pack.usable(), pack.address) == (8, address)
    pack.grow(1)
    assert pack.usable() == 16


def test_room_allocated_beforehand_is_freed_when_the_first_entry_is_removed() -> None:
    pack = Listpack(Allocator("jemalloc"), 4096)
    pack.grow(100)
    assert pack.usable() == 4096
    pack.change(0)
    assert pack.usable() == 4096
    pack.change(-1)
    assert pack.usable() == 112


def test_a_copy_has_a_block_of_the_exact_size() -> None:
    pack = Listpack(Allocator("jemalloc"), 4096)
    pack.grow(100)
    assert pack.duplicate().usable() == 112
    pack.shrink_to_fit()
    assert pack.usable() == 112


def test_freeing_a_listpack_frees_its_block() -> None:
    allocator = Allocator("jemalloc")
    pack = Listpack(allocator)
    pack.grow(1000)
    pack.free()
    assert allocator.used_memory == 0


def test_tcmalloc_keeps_a_block_that_is_more_than_half_full() -> None:
    pack = Listpack(Allocator("tcmalloc"))
    pack.grow(1000)
    usable = pack.usable()
    pack.shrink(300)
    assert pack.usable() == usable
    pack.shrink(500)
    assert pack.usable() < usable
