"""What keys would take in another version of the server: an empty keyspace with the blocks of that gets them."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.rng import Random
from pyredmem.config.profiles import Profile
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_images import Builder, Image

#: Equal values get equal blocks, and equal keys the same buckets, even where these depend on chance.
_SEED: Final = 1
#: An integer for which each key has an object of its own.
_NOT_SHARED: Final = 1 << 40
#: Larger tables than these are computed as a multiple of smaller ones (keys).
_MOST_KEYS: Final = 1024


class OtherVersion:
    """A keyspace of a profile, with an allocator and with limits of the encodings, which has one key at a time.

    Sizes are those of a key that has been loaded, in bytes. ``expire_ms`` is when it expires (unix ms), -1 if it never
    does.
    """

    def __init__(self, profile: Profile, allocator_name: str, limits: EncodingLimits) -> None:
        self._allocator = Allocator(allocator_name)
        self._allocator.hash_seed = _SEED
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

    def bytes_beside_keys(self, count: int, timed: int) -> int:
        """By how much keys raise used_memory, besides what MEMORY USAGE says of them; ``timed`` of them expire.

        The keyspace must be fresh, and cannot be used afterwards.
        """
        before = self._allocator.used_memory
        keys = 0
        for number in range(count):
            value = self._load(b"%010d" % number, None, number if number < timed else -1)
            keys += int(self._database.key_overhead(b"%010d" % number) + value.memory(self._allocator, 0))
        self._database.fit_tables()
        while self._database.is_rehashing():
            self._database.rehash(_MOST_KEYS)
        return int(self._allocator.used_memory - before) - keys

    def _load(self, key: bytes, image: Image | None, expire_ms: i64) -> RedisObject:
        """Add a key; without an image it holds an integer."""
        self._keyspace.rng.seed(_SEED)
        if image is None:
            self._database.load(key, self._keyspace.strings.create_integer(_NOT_SHARED))
        else:
            self._database.load(key, image.build(self._builder))
        if expire_ms >= 0:
            self._database.expire_loaded(expire_ms)
        value = self._database.stored_value(key)
        assert value is not None, "a key is not there that was loaded"
        return value


def tables_bytes(profile: Profile, allocator_name: str, keys: int, timed: int) -> int:
    """What the tables of a database take, with the entries that MEMORY USAGE does not count.

    It has ``keys`` keys, of which ``timed`` have an expire time.
    """

    def beside(count: int, of_them_timed: int) -> int:
        version = OtherVersion(profile, allocator_name, EncodingLimits())
        return version.bytes_beside_keys(count, of_them_timed)

    if keys == 0:
        return 0
    halvings = 0
    while keys >> halvings > _MOST_KEYS:
        halvings += 1
    parts = 1 << halvings
    headers = beside(1, min(timed, 1))
    return headers + (beside(-(-keys // parts), -(-timed // parts)) - headers) * parts
