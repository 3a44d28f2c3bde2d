"""A table's size and blocks are computed without building it, and equal those of the built table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.config.settings import Settings
from pyredmem.memory.statistics import add_live_blocks
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import FieldsImage, Image, ListpackScoresImage, MembersImage, ScoresImage
from pyredmem.rdb.survey.frames import Frames
from pyredmem.rdb.survey.measure import Measurer
from pyredmem.rdb.survey.shapes import shape_of
from pyredmem.rdb.values import Workbench

SETTINGS: dict[str, list[tuple[str, str]]] = {
    "usual": [],
    "low": [("hash-max-listpack-entries", "3"), ("hash-max-listpack-value", "20"), ("zset-max-listpack-entries", "3")],
}
LENGTHS = st.lists(st.sampled_from([0, 3, 12, 21, 70, 300]), min_size=2, max_size=30)


def images(lengths: list[int]) -> list[Image]:
    """A hash, a sorted set and a set whose strings have about these lengths."""
    strings = [b"%d:" % at + b"x" * length for at, length in enumerate(lengths)]
    pairs = strings[: len(strings) // 2 * 2]
    return [
        FieldsImage(pairs, {}),
        FieldsImage(pairs, {pairs[0]: 4_000_000_000_000}),
        ScoresImage([(string, float(at)) for at, string in enumerate(strings)]),
        MembersImage(strings),
    ]


def built(image: Image, allocator: str, limits: EncodingLimits) -> tuple[int, bytes, dict[int, int]]:
    """The size of a value, its encoding and its blocks."""
    workbench = Workbench(allocator, limits)
    workbench.allocator.hash_seed = 1
    blocks: dict[int, int] = {}
    with workbench.built(image) as value:
        add_live_blocks(workbench.allocator, blocks)
        return int(value.expected_memory(workbench.allocator)), value.encoding(), blocks


@pytest.mark.parametrize("allocator", ["jemalloc", "libc"])
@pytest.mark.parametrize("limits", SETTINGS)
@given(datasets=st.lists(LENGTHS, min_size=2, max_size=6))
def test_tables_are_measured_as_if_they_were_built(limits: str, allocator: str, datasets: list[list[int]]) -> None:
    under = EncodingLimits(Settings(SETTINGS[limits]))
    measurer = Measurer(allocator, under, counts_blocks=True)
    blocks: dict[int, int] = {}
    for image in [image for lengths in datasets for image in images(lengths)]:
        measured = measurer.measure(image)
        size, encoding, own_blocks = built(image, allocator, under)
        assert (measured.size, measured.encoding) == (size, encoding.decode())
        for each, number in own_blocks.items():
            blocks[each] = blocks.get(each, 0) + number
    found: dict[int, Any] = {one.size: one.blocks for one in measurer.blocks({}).classes() if one.blocks}
    assert found == blocks


@pytest.mark.parametrize("count", [49, 98, 103, 107])
def test_the_byte_that_an_average_loses_is_lost_here_too(count: int) -> None:
    """Of some numbers of elements, such as 49, the average times the number is less than the sum."""
    limits = EncodingLimits(Settings(SETTINGS["low"]))
    measurer = Measurer("jemalloc", limits)
    for length in range(100):
        for image in images([length] + [21] * (2 * count - 1))[::2]:
            assert measurer.measure(image).size == built(image, "jemalloc", limits)[0]


def test_a_skiplist_made_of_a_listpack_is_the_same_after_other_values() -> None:
    limits = EncodingLimits()
    images = [ListpackScoresImage({b"%d" % at: 0.5 for at in range(count)}, 2000) for count in (130, 140, 147)]
    found = []
    for chosen in (images, images[1:], images[2:]):
        frames = Frames(Workbench("jemalloc", limits))
        found.append([frames.frame_of(image, shape_of(image), limits) for image in chosen][-1])
    assert found[0] is not None
    assert [frame.blocks for frame in found if frame is not None] == [found[0].blocks] * 3


def test_only_so_many_frames_are_kept() -> None:
    limits = EncodingLimits()
    measurer = Measurer("jemalloc", limits)
    measurer._frames._most = 5
    for count in range(1, 40):
        image = ScoresImage([(b"%d" % at + b"x" * 100, 0.5) for at in range(count)])
        assert measurer.measure(image).size == built(image, "jemalloc", limits)[0]
    assert len(measurer._frames.all()) == 5
