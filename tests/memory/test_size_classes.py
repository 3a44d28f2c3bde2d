"""The size classes, compared with the allocators' own tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.size_classes import (
    PROFILE_NAMES,
    LibcProfile,
    create_profile,
    floor_log2,
    jemalloc_class,
)

JEMALLOC_CLASSES = (
    "8 16 24 32 40 48 56 64 80 96 112 128 160 192 224 256 320 384 448 512 640 768 896 1024 1280 1536 1792 2048 "
    "2560 3072 3584 4096 5120 6144 7168 8192 10240 12288 14336 16384 20480 24576 28672 32768 40960 49152 57344 "
    "65536 81920 98304 114688 131072 163840 196608 229376 262144 327680 393216 458752 524288 655360 786432 917504 "
    "1048576 1310720 1572864 1835008 2097152 2621440 3145728 3670016 4194304 5242880 6291456 7340032 8388608"
)

BINS = """
8 1 512     112 7 256   640 5 32    3584 7 8
16 1 256    128 1 32    768 3 16    4096 1 1
24 3 512    160 5 128   896 7 32    5120 5 4
32 1 128    192 3 64    1024 1 4    6144 3 2
40 5 512    224 7 128   1280 5 16   7168 7 4
48 3 256    256 1 16    1536 3 8    8192 2 1
56 7 512    320 5 64    1792 7 16   10240 5 2
64 1 64     384 3 32    2048 1 2    12288 3 1
80 5 256    448 7 64    2560 5 8    14336 7 2
96 3 128    512 1 8     3072 3 4
"""


def good(profile: str, size: int) -> int:
    return Allocator(profile).good_size(size)


def test_jemalloc_has_the_documented_classes() -> None:
    allocator = Allocator()
    classes = sorted({int(allocator.good_size(size)) for size in range(1, 8388609, 8)})
    assert classes == [int(size) for size in JEMALLOC_CLASSES.split()]


def test_jemalloc_has_the_39_documented_bins() -> None:
    numbers = [int(number) for number in BINS.split()]
    expected = sorted(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    assert [(shape.usable, shape.pages, shape.regions) for shape in create_profile("jemalloc").bins] == expected
    assert len(expected) == 39


def test_jemalloc_has_235_classes() -> None:
    size, count = 0, 0
    while size < 7 << 60:
        size = jemalloc_class(size + 1, 8)
        count += 1
    assert count == 235


def test_jemalloc_lg4_has_no_classes_of_24_40_and_56_bytes() -> None:
    classes = {int(shape.usable) for shape in create_profile("jemalloc").bins}
    assert {int(shape.usable) for shape in create_profile("jemalloc-lg4").bins} == classes - {24, 40, 56}


@pytest.mark.parametrize(
    ("size", "usable"), [(1, 24), (24, 24), (25, 40), (40, 40), (41, 56), (8184, 8184), (9000, 9000)]
)
def test_libc_takes_8_bytes_of_a_multiple_of_16(size: int, usable: int) -> None:
    assert good("libc", size) == usable


@pytest.mark.parametrize(
    ("size", "usable"),
    [(131048, 131048), (131049, 135152), (131072, 135152), (135144, 135152), (135145, 139248)],
)
def test_libc_maps_blocks_from_128_kib_on(size: int, usable: int) -> None:
    assert good("libc", size) == usable


def test_libc_raises_the_threshold_when_a_mapped_block_is_freed() -> None:
    allocator = Allocator("libc")
    allocator.free(allocator.alloc(200000))
    assert allocator.good_size(200000) == 200008


def test_libc_keeps_the_threshold_when_a_heap_block_is_freed() -> None:
    profile = LibcProfile()
    profile.large_freed(100008)
    assert profile.mmap_threshold == 131072


def test_libc_never_raises_the_threshold_above_32_mib() -> None:
    allocator = Allocator("libc")
    allocator.free(allocator.alloc(40 << 20))
    assert allocator.good_size(200000) == 200688


@pytest.mark.parametrize(("size", "usable"), [(17, 32), (257, 288), (3329, 4096), (32768, 32768), (32769, 40960)])
def test_tcmalloc_rounds_to_its_table(size: int, usable: int) -> None:
    assert good("tcmalloc", size) == usable


@pytest.mark.parametrize(
    ("old", "size", "usable"),
    [
        (64, 65, 80),
        (64, 79, 80),
        (64, 200, 208),
        (1024, 1025, 1280),
        (1024, 512, 1024),
        (1024, 511, 512),
        (64, 64, 64),
    ],
)
def test_tcmalloc_grows_by_at_least_a_quarter_and_shrinks_below_a_half(old: int, size: int, usable: int) -> None:
    allocator = Allocator("tcmalloc")
    assert allocator.usable(allocator.realloc(allocator.alloc(old), size)) == usable


@pytest.mark.parametrize("profile", ["jemalloc", "jemalloc-lg4", "libc"])
def test_other_profiles_reallocate_to_the_size_class_of_the_request(profile: str) -> None:
    allocator = Allocator(profile)
    address = allocator.alloc(1000)
    for size in (1001, 3000, 100, 90000, 95000, 20):
        address = allocator.realloc(address, size)
        assert allocator.usable(address) == allocator.good_size(size)
        allocator.check()


@pytest.mark.parametrize(
    ("profile", "name", "statistics", "defrag", "startup"),
    [
        ("jemalloc", "jemalloc-5.3.0", True, True, 865960),
        ("jemalloc-lg4", "jemalloc-5.3.0", True, False, 880336),
        ("libc", "libc", False, False, 957264),
        ("tcmalloc", "tcmalloc-2.10", False, False, 871392),
    ],
)
def test_a_profile_says_what_its_allocator_can_do(
    profile: str, name: str, statistics: bool, defrag: bool, startup: int
) -> None:
    facts = create_profile(profile)
    assert (facts.mem_allocator, facts.has_statistics, facts.supports_defrag) == (name, statistics, defrag)
    assert facts.startup_bytes == startup


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown allocator profile: mimalloc"):
        create_profile("mimalloc")


@given(st.integers(1, (1 << 62) - 1))
def test_floor_log2_is_the_position_of_the_highest_bit(value: int) -> None:
    assert floor_log2(value) == value.bit_length() - 1


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@given(size=st.integers(0, 1 << 33))
def test_a_size_class_is_at_least_the_request(profile: str, size: int) -> None:
    assert Allocator(profile).good_size(size) >= max(size, 8)


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@given(size=st.integers(0, 1 << 33))
def test_a_request_of_a_size_class_gets_just_that(profile: str, size: int) -> None:
    """Except for glibc's mapped blocks, which need two more words."""
    if profile == "libc":
        size %= 130000
    allocator = Allocator(profile)
    usable = allocator.good_size(size)
    assert allocator.good_size(usable) == usable


def test_every_slab_is_small_enough_for_its_reciprocal() -> None:
    """The reciprocal that gives the number of a region is exact below 2**16 granules."""
    for name in PROFILE_NAMES:
        assert all(shape.pages * 512 < 1 << 16 and shape.regions > 0 for shape in create_profile(name).bins)
