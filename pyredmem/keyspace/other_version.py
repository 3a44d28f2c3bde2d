"""What a key would take in another version of the server: it is added to an empty keyspace with the blocks of that."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.rng import Random
from pyredmem.config.profiles import Profile
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.heap_choice import create_allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import Builder, Image

#: Equal values get equal blocks, even where these depend on chance.
_SEED = 1


class OtherVersion:
    """An empty keyspace of a profile, with an allocator and with limits of the encodings."""

    def __init__(self, profile: Profile, allocator_name: str, limits: EncodingLimits) -> None:
        self._allocator = create_allocator(allocator_name, False)
        self._keyspace = Keyspace(Random(_SEED), create_layout(profile.layout, self._allocator), 1)
        self._builder = Builder(self._keyspace.strings, limits, self._keyspace.rng)

    def usage(self, key: bytes, image: Image, expire_ms: i64, samples: i64) -> i64:
        """What MEMORY USAGE would reply for a key with a value as if it had been loaded (bytes).

        ``expire_ms`` is when it expires (unix ms), -1 if it never does.
        """
        self._keyspace.rng.seed(_SEED)
        database = self._keyspace.databases[0]
        value = image.build(self._builder)
        database.load(key, value)
        if expire_ms >= 0:
            database.expire_loaded(expire_ms)
        stored = database.stored_value(key)
        assert stored is not None
        size: i64 = database.key_overhead(key) + stored.memory(self._allocator, samples)
        database.clear()
        return size
