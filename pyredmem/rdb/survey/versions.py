"""What a dataset would take in other versions of the server, and with other allocators.

Each key is loaded into an empty keyspace of each version. A string is loaded once for each length of key and value, and
the others of these lengths are counted. What databases take for their tables depends on how many keys they have.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pyredmem.config.profiles import PROFILES, Profile
from pyredmem.keyspace.other_version import OtherVersion, tables_bytes
from pyredmem.memory.size_classes import PROFILE_NAMES
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import Image
from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.survey.measure import string_kind

#: Prefixes are the first part of a key. The keys of further ones are told together.
_MOST_PREFIXES: Final = 10_000
OTHER_PREFIXES: Final = "other prefixes"
ALL: Final = "all"
ALLOCATORS: Final = ("jemalloc", "libc")


class Place(NamedTuple):
    """A version and an allocator."""

    profile: Profile
    allocator: str

    def title(self) -> str:
        """What it is called in a report."""
        return f"{self.profile.name} {self.allocator}"


class Sums:
    """Keys of one kind, and their bytes in each place."""

    def __init__(self, places: int) -> None:
        self.keys = 0
        self.sizes = [0] * places

    def add(self, sizes: list[int]) -> None:
        """Count a key."""
        self.keys += 1
        for at, size in enumerate(sizes):
            self.sizes[at] += size


def places_of(text: str) -> tuple[Place, ...]:
    """The places that an argument names: ``redis-8.2``, ``redis-7.2:libc``, several with commas, or ``all``.

    ``all`` leaves out a version that has the blocks of one before it. Raises ValueError.
    """
    if text == ALL:
        by_layout: dict[str, Profile] = {}
        for profile in PROFILES.values():
            by_layout.setdefault(profile.layout, profile)
        return tuple(Place(profile, name) for profile in by_layout.values() for name in ALLOCATORS)
    found = []
    for word in text.split(","):
        name, _, allocator = word.partition(":")
        if name not in PROFILES:
            raise ValueError(f"'{name}' is none of {', '.join(PROFILES)}")
        allocator = allocator or ALLOCATORS[0]
        if allocator not in PROFILE_NAMES:
            raise ValueError(f"'{allocator}' is none of {', '.join(PROFILE_NAMES)}")
        found.append(Place(PROFILES[name], allocator))
    return tuple(found)


class VersionStudy:
    """Adds up the sizes of keys in some places, by type and by prefix."""

    def __init__(self, places: tuple[Place, ...], limits: EncodingLimits, separators: bytes) -> None:
        self.places = places
        self._versions = [OtherVersion(place.profile, place.allocator, limits) for place in places]
        self._separators = separators
        self._strings: dict[tuple[int, bool, tuple[int, int]], list[int]] = {}
        self.types: dict[str, Sums] = {}
        self.prefixes: dict[str, Sums] = {}

    def add(self, entry: Entry, image: Image) -> None:
        """Count a key with its value."""
        sizes = self._sizes(entry, image)
        self._sums(self.types, entry.type).add(sizes)
        prefix = self._prefix(entry.key)
        if prefix not in self.prefixes and len(self.prefixes) >= _MOST_PREFIXES:
            prefix = OTHER_PREFIXES
        self._sums(self.prefixes, prefix).add(sizes)

    def tables(self, keys: dict[int, int], timed: dict[int, int]) -> Sums:
        """What the tables of all databases take, by the number of keys in each, and of those that expire."""
        sums = Sums(len(self.places))
        for database, count in keys.items():
            with_time = timed.get(database, 0)
            sizes = [tables_bytes(place.profile, place.allocator, count, with_time) for place in self.places]
            sums.sizes = [one + other for one, other in zip(sums.sizes, sizes, strict=True)]
        return sums

    def _sizes(self, entry: Entry, image: Image) -> list[int]:
        kind = string_kind(image)
        if kind is None:
            return self._measured(entry, image)
        place = (len(entry.key), entry.expire_ms is not None, kind)
        if place not in self._strings:
            self._strings[place] = self._measured(entry, image)
        return self._strings[place]

    def _measured(self, entry: Entry, image: Image) -> list[int]:
        expire_ms = -1 if entry.expire_ms is None else entry.expire_ms
        return [int(version.expected_usage(entry.key, image, expire_ms)) for version in self._versions]

    def _sums(self, table: dict[str, Sums], name: str) -> Sums:
        found = table.get(name)
        if found is None:
            found = table[name] = Sums(len(self.places))
        return found

    def _prefix(self, key: bytes) -> str:
        """The key up to its first separator; empty if there is none."""
        for at, byte in enumerate(key):
            if byte in self._separators:
                return key[: at + 1].decode("utf-8", "backslashreplace")
        return ""
