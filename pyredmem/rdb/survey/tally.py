"""Adds up what is told about a dataset, key by key, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from pyredmem.memory.layout import DICT_ENTRY_SIZE, dict_buckets, dict_table_size
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import Image, StringImage
from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.survey.blocks import Blocks
from pyredmem.rdb.survey.duplicates import Duplicates
from pyredmem.rdb.survey.elements import longest_element
from pyredmem.rdb.survey.largest import Largest
from pyredmem.rdb.survey.limits import LimitStudy
from pyredmem.rdb.survey.measure import INT, Measured, Measurer
from pyredmem.rdb.survey.options import SurveyOptions
from pyredmem.rdb.survey.prefixes import Prefixes
from pyredmem.rdb.survey.shapes import Shape
from pyredmem.rdb.survey.times import ExpireTimes
from pyredmem.rdb.survey.versions import Sums, VersionStudy

#: The size classes of the histogram: bits of the largest size.
_SIZE_BITS: Final = 64
#: Names of keys and fields are kept up to this length (bytes): more is not shown.
_KEPT_NAME: Final = 300


class Group:
    """Keys of one kind."""

    def __init__(self) -> None:
        self.keys = 0
        self.size = 0  # bytes, with the keys
        self.elements = 0
        self.content_bytes = 0  # of the values

    def add(self, other: Group) -> None:
        """Add another group."""
        self.keys += other.keys
        self.size += other.size
        self.elements += other.elements
        self.content_bytes += other.content_bytes


class LargeKey(NamedTuple):
    """One of the largest keys."""

    database: int
    type: str
    encoding: str
    elements: int
    is_average: bool
    expire_ms: int | None
    key: bytes


class LargeElement(NamedTuple):
    """The longest element of a collection."""

    database: int
    type: str
    what: str
    which: bytes | int  # the name of a field or member, an index, or an id
    key: bytes


class Tally:
    """Everything that is told about a dataset."""

    def __init__(self, options: SurveyOptions, now_ms: int) -> None:
        self._measurer = Measurer(options.allocator, EncodingLimits(options.settings), counts_blocks=True)
        #: By database, type and encoding.
        self.groups: dict[tuple[int, str, str], Group] = {}
        self.expiring: dict[int, int] = {}  # by database: keys that have an expire time
        self.libraries = 0
        self.averages = 0  # keys whose size depends on chance
        self.sizes = [Group() for _ in range(_SIZE_BITS)]
        self.prefixes = Prefixes(options.separators, None if options.exact else options.nodes)
        self.times = ExpireTimes(now_ms)
        self.duplicates = Duplicates(None) if options.exact else Duplicates()
        self.versions = VersionStudy(options.versions, EncodingLimits(options.settings), options.separators)
        self.study = LimitStudy(options.settings, options.allocator)
        self.largest_keys: Largest[LargeKey] = Largest(options.largest)
        self.largest_elements: Largest[LargeElement] = Largest(options.largest)

    def add(self, entry: Entry) -> None:
        """Count a key, which must not hold the value of a module."""
        image = entry.image
        assert image is not None
        measured = self._measurer.measure(image)
        size = measured.size + self._measurer.key_size(entry.key)
        self.prefixes.add(entry.key, size)
        if self.versions.places:
            self.versions.add(entry, image)
        self.times.add(entry.expire_ms, size)
        if entry.expire_ms is not None:
            self.expiring[entry.database] = self.expiring.get(entry.database, 0) + 1
        group = self._group(entry, measured)
        group.keys += 1
        group.size += size
        group.elements += measured.elements
        group.content_bytes += measured.content_bytes
        histogram = self.sizes[(size - 1).bit_length()]
        histogram.keys += 1
        histogram.size += size
        if size > self.largest_keys.least:
            self._add_large_key(entry, measured, size)
        if isinstance(image, StringImage):
            self._add_string(entry, image, measured)
        elif measured.shape is not None:
            self._add_collection(entry, image, measured, measured.shape)

    def _group(self, entry: Entry, measured: Measured) -> Group:
        place = (entry.database, entry.type, measured.encoding)
        found = self.groups.get(place)
        if found is None:
            found = self.groups[place] = Group()
        return found

    def _add_string(self, entry: Entry, image: StringImage, measured: Measured) -> None:
        """Integers are left out of the duplicates: small ones are shared, and no string is smaller than the others."""
        if measured.encoding != INT:
            self.duplicates.add(image.data, measured.size, entry.key[:_KEPT_NAME], entry.database)

    def _add_collection(self, entry: Entry, image: Image, measured: Measured, shape: Shape) -> None:
        self.averages += measured.is_average
        self.study.add(image, shape, measured.size)
        if shape.longest > self.largest_elements.least:
            self._add_large_element(entry, image, shape)

    def _add_large_element(self, entry: Entry, image: Image, shape: Shape) -> None:
        if shape.longest > 0:
            what, which = longest_element(image, shape)
            name = which[:_KEPT_NAME] if isinstance(which, bytes) else which
            large = LargeElement(entry.database, entry.type, what, name, entry.key[:_KEPT_NAME])
            self.largest_elements.add(shape.longest, large)

    def _add_large_key(self, entry: Entry, measured: Measured, size: int) -> None:
        large = LargeKey(
            database=entry.database,
            type=entry.type,
            encoding=measured.encoding,
            elements=measured.elements,
            is_average=measured.is_average,
            expire_ms=entry.expire_ms,
            key=entry.key[:_KEPT_NAME],
        )
        self.largest_keys.add(size, large)

    # Results.

    def key_bytes(self) -> int:
        """Bytes of the names of all keys."""
        return self._measurer.key_bytes()

    def key_sizes(self) -> int:
        """What all keys take without their values."""
        return self._measurer.key_sizes()

    def total(self) -> Group:
        """All keys."""
        return self.by(lambda place: "")[""]

    def by(self, name: Callable[[tuple[int, str, str]], str]) -> dict[str, Group]:
        """The groups joined by a name that is made of database, type and encoding; the largest first."""
        joined: dict[str, Group] = {"": Group()} if not self.groups else {}
        for place, group in self.groups.items():
            joined.setdefault(name(place), Group()).add(group)
        return dict(sorted(joined.items(), key=lambda item: (-item[1].size, item[0])))

    def keys_by_database(self) -> dict[int, int]:
        """How many keys each database has."""
        keys: dict[int, int] = {}
        for (database, _, _), group in self.groups.items():
            keys[database] = keys.get(database, 0) + group.keys
        return keys

    def tables_by_version(self) -> Sums:
        """What the tables of the databases take in each version."""
        return self.versions.tables(self.keys_by_database(), self.expiring)

    def tables(self) -> dict[int, int]:
        """What the databases take besides keys and values: requests of blocks, by size, with their numbers.

        A database has a hash table of its keys, and one of those that expire, with entries of its own.
        """
        requests = {int(DICT_ENTRY_SIZE): sum(self.expiring.values())}
        for number in (*self.keys_by_database().values(), *self.expiring.values()):
            request = int(dict_table_size(dict_buckets(number)))
            requests[request] = requests.get(request, 0) + 1
        return requests

    def blocks(self) -> Blocks:
        """The blocks of everything on a server that has loaded it. Call it once, at the end."""
        return self._measurer.blocks(self.tables())
