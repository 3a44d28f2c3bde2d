"""The front of the ledger: realloc, replace, peak, startup block, limits and figures."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.pages import OutOfMemory
from pyredmem.memory.size_classes import PROFILE_NAMES


def test_a_request_of_zero_bytes_gets_eight() -> None:
    allocator = Allocator()
    assert allocator.usable(allocator.alloc(0)) == 8


def test_realloc_of_address_zero_allocates() -> None:
    allocator = Allocator()
    assert allocator.usable(allocator.realloc(0, 100)) == 112


def test_realloc_to_size_zero_frees() -> None:
    allocator = Allocator()
    assert allocator.realloc(allocator.alloc(100), 0) == 0
    assert allocator.used_memory == 0


def test_realloc_within_the_size_class_keeps_the_block() -> None:
    allocator = Allocator()
    address = allocator.alloc(97)
    assert allocator.realloc(address, 112) == address


def test_realloc_to_another_size_class_gives_another_block() -> None:
    allocator = Allocator()
    address = allocator.realloc(allocator.alloc(97), 113)
    assert (allocator.usable(address), allocator.used_memory) == (128, 128)


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@pytest.mark.parametrize(
    ("before", "after"), [(7, 14), (14, 7), (97, 112), (100, 40), (5000, 90_000), (90_000, 20_000)]
)
def test_start_resize_knows_the_usable_size_of_the_block_that_realloc_gives(
    profile: str, before: int, after: int
) -> None:
    one, other = Allocator(profile), Allocator(profile)
    old = one.alloc(before)
    expected = other.realloc(other.alloc(before), after)
    address, usable = one.start_resize(old, one.usable(old), after)
    assert (address, usable) == (expected, other.usable(expected))
    assert one.usable(address) == usable


def test_realloc_of_a_negative_size_is_refused() -> None:
    allocator = Allocator()
    with pytest.raises(AssertionError, match="negative size"):
        allocator.realloc(allocator.alloc(8), -1)


def test_a_large_block_grows_and_shrinks_in_place() -> None:
    allocator = Allocator()
    address = allocator.alloc(20480)
    for size in (40960, 24576):
        assert allocator.realloc(address, size) == address
        allocator.check()
        assert allocator.used_memory == size


def test_a_large_block_that_cannot_grow_in_place_moves() -> None:
    allocator = Allocator()
    address, _neighbour = allocator.alloc(20480), allocator.alloc(20480)
    assert allocator.realloc(address, 40960) != address
    allocator.check()


def test_replace_within_the_size_class_keeps_the_block() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    assert allocator.replace(address, 105) == address
    assert allocator.used_memory == 112


def test_pages_cut_off_a_block_of_8_mib_or_more_return_to_the_system_at_once() -> None:
    allocator = Allocator()
    address = allocator.realloc(allocator.alloc(16 << 20), 8 << 20)
    assert (allocator.dirty(), allocator.retained() >= 8 << 20) == (0, True)
    allocator.realloc(address, 1 << 20)
    assert allocator.dirty() == 0
    allocator.check()


def test_replace_with_another_size_class_frees_the_old_block() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    new = allocator.replace(address, 10)
    assert (allocator.usable(new), allocator.used_memory, allocator.live_size(address)) == (16, 16, 0)


def test_replace_of_a_freed_block_is_refused() -> None:
    allocator = Allocator()
    address, _other = allocator.alloc(100), allocator.alloc(100)
    allocator.free(address)
    with pytest.raises(AssertionError, match=str(address)):
        allocator.replace(address, 100)


def test_the_peak_is_the_highest_used_memory_that_was_noted() -> None:
    allocator = Allocator()
    address = allocator.alloc(1000)
    allocator.note_peak()
    allocator.free(address)
    allocator.note_peak()
    assert allocator.peak == 1024


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_begin_takes_the_startup_block(profile: str) -> None:
    allocator = Allocator(profile)
    allocator.begin()
    allocator.check()
    assert allocator.used_memory == allocator.startup == allocator.peak == allocator.profile.startup_bytes


def test_begin_can_be_called_only_once() -> None:
    allocator = Allocator()
    allocator.begin()
    with pytest.raises(AssertionError, match="twice"):
        allocator.begin()


def test_a_fresh_server_shows_the_measured_floors() -> None:
    """As measured: about 1.17 MB allocated, 1.29 MB active, 3.95 MB resident with one client."""
    allocator = Allocator()
    allocator.begin()
    for size in (776, 16384, 16390, 8, 48, 48, 56, 56, 56, 64, 24):
        allocator.alloc(size)
    assert allocator.allocated() == pytest.approx(1_171_616, rel=0.01)
    assert allocator.active() == pytest.approx(1_290_000, rel=0.02)
    assert allocator.resident() == pytest.approx(3_950_000, rel=0.02)


def test_each_figure_includes_the_one_before() -> None:
    allocator = Allocator()
    allocator.begin()
    for address in [allocator.alloc(size) for size in range(1, 3000)][::2]:
        allocator.free(address)
    assert allocator.used_memory <= allocator.allocated() <= allocator.active() <= allocator.resident()


def test_freed_pages_stay_resident_until_they_decay() -> None:
    allocator = Allocator()
    allocator.tick(0)
    allocator.free(allocator.alloc(1 << 20))
    resident = allocator.resident()
    allocator.tick(100)
    for now_ms in range(200, 10_400, 100):
        allocator.tick(now_ms)
    assert (allocator.dirty(), resident - allocator.resident()) == (0, 1 << 20)


def test_purge_returns_dirty_pages_at_once() -> None:
    allocator = Allocator()
    allocator.free(allocator.alloc(1 << 20))
    assert (allocator.dirty(), allocator.purge(), allocator.dirty()) == (1 << 20, 256, 0)
    assert allocator.retained() >= 1 << 20


def test_huge_blocks_leave_no_dirty_pages() -> None:
    allocator = Allocator()
    allocator.free(allocator.alloc(8 << 20))
    assert allocator.dirty() == 0


def test_a_guard_page_is_active_but_not_allocated() -> None:
    allocator = Allocator("jemalloc-lg4")
    allocator.alloc(16384)
    assert (allocator.allocated(), allocator.active()) == (16384, 20480)


@pytest.mark.parametrize("size", [8, 5000, 20000])
def test_an_allocation_above_the_limit_is_refused_and_changes_nothing(size: int) -> None:
    allocator = Allocator()
    allocator.alloc(100)
    allocator.set_limit(allocator.active())
    with pytest.raises(OutOfMemory):
        allocator.alloc(size)
    allocator.check()
    assert allocator.used_memory == 112
    allocator.set_limit(0)
    allocator.alloc(size)


def test_a_failed_realloc_keeps_the_block() -> None:
    allocator = Allocator()
    address = allocator.alloc(20000)
    allocator.set_limit(allocator.active())
    with pytest.raises(OutOfMemory):
        allocator.realloc(address, 40000)
    allocator.check()
    assert allocator.usable(address) == 20480


@pytest.mark.parametrize("size", [16 << 30, 1 << 40, (1 << 62) + 1])
def test_more_than_the_address_space_is_refused(size: int) -> None:
    allocator = Allocator()
    with pytest.raises(OutOfMemory):
        allocator.alloc(size)
    allocator.check()


def test_even_the_highest_address_fits_into_31_bits() -> None:
    allocator = Allocator()
    first = allocator.alloc(7 << 30)
    second = allocator.alloc(8 << 30)
    assert max(first, second) + (7 << 27) < 1 << 31
    with pytest.raises(OutOfMemory):
        allocator.alloc(2 << 30)
