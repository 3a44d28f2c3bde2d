"""Values for snapshots: images, which own nothing in the ledger, and new values made of them.

An image is a copy of a value in which, in place of the address of each block, stands its usable size. A pass of
defragmentation meets each block of a value once, so two movers do the work: one puts the sizes in, the other one
allocates blocks of these sizes for a copy of the image. The result is like the original down to the spare room of each
block, which COPY or RESTORE do not promise.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import RedisObject

#: More elements than a value has.
_ALL: Final = 1 << 40


class _SizeTaker(Mover):
    """Puts the size of each block in the place of its address."""

    def block(self, address: i64) -> i64:
        return 0 if address == 0 else self.allocator.usable(address)


class _BlockMaker(Mover):
    """Puts the address of a new block in the place of each size."""

    def block(self, address: i64) -> i64:
        return 0 if address == 0 else self.allocator.alloc(address)


def image_of(value: RedisObject, allocator: Allocator) -> RedisObject:
    """An image of a value. Nothing changes in the ledger."""
    image = value.image()
    _show_blocks(image, _SizeTaker(allocator))
    return image


def revive(image: RedisObject, allocator: Allocator) -> RedisObject:
    """A value in blocks of its own, like that of which the image was made. The image stays as it is."""
    value = image.image()
    _show_blocks(value, _BlockMaker(allocator))
    return value


def _show_blocks(value: RedisObject, mover: Mover) -> None:
    value.defrag_head(mover)
    cursor = value.defrag_elements(mover, 0, _ALL)
    while cursor != 0:
        cursor = value.defrag_elements(mover, cursor, _ALL)
