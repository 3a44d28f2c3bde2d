"""What a key would take in another version of the server: it is added to an empty keyspace with the blocks of that."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.rng import Random
from pyredmem.config.profiles import Profile
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.heap_choice import create_allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_images import Builder, Image

#: Equal values get equal blocks, even where these depend on chance.
_SEED: Final = 1


class OtherVersion:
    """A keyspace of a profile, with an allocator and with limits of the encodings, which has one key at a time.

    Sizes are those of a key that has been loaded, in bytes. ``expire_ms`` is when it expires (unix ms), -1 if it never
    does.
    """

    def __init__(self, profile: Profile, allocator_name: str, limits: EncodingLimits) -> None:
        self._allocator = create_allocator(allocator_name, False)
        self._keyspace = Keyspace(Random(_SEED), create_layout(profile.layout, self._allocator), 1)
        self._database = self._keyspace.databases[0]
        self._builder = Builder(self._keyspace.strings, limits, self._keyspace.rng)

    def usage(self, key: bytes, image: Image, expire_ms: i64, samples: i64) -> i64:
        """What MEMORY USAGE would reply for a key with a value."""
        value = self._load(key, image, expire_ms)
        size: i64 = self._database.key_overhead(key) + value.memory(self._allocator, samples)
        self._database.clear()
        return size

    def expected_usage(self, key: bytes, image: Image, expire_ms: i64) -> i64:
        """What it would reply with SAMPLES 0, on average if that depends on chance."""
        value = self._load(key, image, expire_ms)
        size: i64 = self._database.key_overhead(key) + value.expected_memory(self._allocator)
        self._database.clear()
        return size

    def _load(self, key: bytes, image: Image, expire_ms: i64) -> RedisObject:
        self._keyspace.rng.seed(_SEED)
        self._database.load(key, image.build(self._builder))
        if expire_ms >= 0:
            self._database.expire_loaded(expire_ms)
        value = self._database.stored_value(key)
        assert value is not None, "a key is not there that was loaded"
        return value
