"""Values of an RDB file, built as a server builds them when it loads the file."""

from __future__ import annotations

from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.objects.rdb_images import Builder, Image, SortedSetImage
from pyredmem.objects.string_factory import StringFactory


def lossless_limits() -> EncodingLimits:
    """Limits under which values have just the content that the file has: a listpack would make the score -0 to 0."""
    return EncodingLimits(Settings([("zset-max-listpack-entries", "0")]))


class Workbench:
    """A ledger of its own, which holds one value at a time."""

    def __init__(self, profile_name: str, limits: EncodingLimits) -> None:
        self.allocator = Allocator(profile_name)
        self._rng = Random(1)
        self._builder = Builder(StringFactory(self.allocator), limits, self._rng)

    def use(self, limits: EncodingLimits) -> None:
        """Build values under other limits from now on."""
        self._builder.limits = limits

    def built(self, image: Image) -> _Built:
        """The value of an image, for as long as the block runs: ``with workbench.built(image) as value``."""
        if isinstance(image, SortedSetImage):
            self._rng.seed(1)  # whatever was built before, equal values get equal blocks
        return _Built(image.build(self._builder), self.allocator)


class _Built:
    """A value that is freed at the end of a block."""

    def __init__(self, value: RedisObject, allocator: Allocator) -> None:
        self._value = value
        self._allocator = allocator

    def __enter__(self) -> RedisObject:
        return self._value

    def __exit__(self, *_: object) -> None:
        decr_ref_count(self._value, self._allocator)
