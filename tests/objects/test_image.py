"""Images of values: they own nothing, and what is made of them is like the original down to the size of each block."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.image import image_of, revive
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_writer import RdbWriter
from tests.objects.samples import SAMPLES

of_every_sample = pytest.mark.parametrize("name", SAMPLES)

Portrait = tuple[bytes, bytes, bytes, int, list[int]]


def portrait(value: RedisObject, allocator: Allocator) -> Portrait:
    """Content, encoding, what MEMORY USAGE gives, and the sizes of the blocks in the order in which they are listed."""
    writer = RdbWriter(False)
    value.save(writer)
    sizes = [int(allocator.usable(address)) for address in value.addresses()]
    return value.type_name(), value.encoding(), writer.payload(), int(value.memory(allocator, 0)), sizes


@of_every_sample
def test_an_image_leaves_the_ledger_and_the_value_alone(name: str) -> None:
    allocator = Allocator()
    value = SAMPLES[name](allocator)
    before = portrait(value, allocator)
    used, blocks = allocator.used_memory, allocator.live_addresses()
    image_of(value, allocator)
    assert portrait(value, allocator) == before
    assert (allocator.used_memory, allocator.live_addresses()) == (used, blocks)


@of_every_sample
def test_a_value_made_of_an_image_is_like_the_original(name: str) -> None:
    allocator = Allocator()
    value = SAMPLES[name](allocator)
    before = portrait(value, allocator)
    used = allocator.used_memory
    made = revive(image_of(value, allocator), allocator)
    assert portrait(made, allocator) == before
    assert allocator.used_memory == 2 * used
    assert not set(made.addresses()) & set(value.addresses())
    allocator.check()


@of_every_sample
def test_an_image_outlives_the_original_and_what_was_made_of_it(name: str) -> None:
    allocator = Allocator()
    value = SAMPLES[name](allocator)
    before = portrait(value, allocator)
    image = image_of(value, allocator)
    freed = FreedBlocks()
    while not value.dismantle(3, freed):
        pass
    for address in freed.addresses:
        allocator.free(int(address))
    for _ in range(2):
        made = revive(image, allocator)
        assert portrait(made, allocator) == before
        made.free(allocator)
        assert allocator.used_memory == 0
