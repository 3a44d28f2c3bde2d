"""How two files differ: ``pyredmem rdb diff A B``.

Keys lie in a file in any order. So of each key of A a digest is remembered (:mod:`pyredmem.rdb.known_keys`), and each
key of B is compared with that. If B has fewer of them, A is read again to tell the names of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_file import RdbFileError
from pyredmem.rdb.content import content_digest, digest_of
from pyredmem.rdb.dataset import MODULE, TYPES, Entry, Source
from pyredmem.rdb.known_keys import KnownKey, KnownKeys
from pyredmem.rdb.options import Options
from pyredmem.rdb.survey.measure import Measurer

_TYPES: Final = sorted(set(TYPES.values()))

# What became of a key.
ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"

# What of a key changed.
VALUE: Final = "value"
TYPE: Final = "type"
EXPIRE: Final = "expire time"


class Difference(NamedTuple):
    """A key that differs. The old fields are empty if the key was added, the new ones if it was removed."""

    what: str
    database: int
    key: bytes
    type: str
    old_type: str
    changed: tuple[str, ...] = ()  # VALUE, TYPE, EXPIRE
    expire_ms: int | None = None
    old_expire_ms: int | None = None


@dataclass
class Side:
    """The keys of one type in one of the files."""

    keys: int = 0
    size: int = 0  # bytes


@dataclass
class Counts:
    """What was found in all."""

    same: int = 0
    added: int = 0
    removed: int = 0
    changed: dict[str, int] = field(default_factory=lambda: {VALUE: 0, TYPE: 0, EXPIRE: 0})
    changed_keys: int = 0
    modules: int = 0  # keys whose values could not be compared
    old: dict[str, Side] = field(default_factory=dict)  # by type
    new: dict[str, Side] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)  # where a file is damaged


class Comparison:
    """Compares two datasets, each of which can be read as often as needed."""

    def __init__(self, old: Callable[[], Source], new: Callable[[], Source], options: Options) -> None:
        self._old = old
        self._new = new
        self._options = options
        self._measurer = Measurer(options.allocator, EncodingLimits(options.settings))
        self._known = KnownKeys()
        self.counts = Counts()

    def differences(self) -> Iterator[Difference]:
        """All differences; then the counts are complete. Raises OSError."""
        for entry in self._entries(self._old()):
            known = self._remembered(entry)
            self._known.add(_name(entry), known)
            _note(self.counts.old, entry.type, known.size)
        for entry in self._entries(self._new()):
            difference = self._compared(entry)
            if difference is not None:
                yield difference
        if self._known.marked < len(self._known):
            yield from self._missing()

    def _entries(self, source: Source) -> Iterator[Entry]:
        """The keys of a file up to its end, or up to a damage, which is noted."""
        try:
            for record in source.records():
                if isinstance(record, Entry):
                    yield record
        except RdbFileError as error:
            message = f"[offset {error.offset}] {error.message}: nothing more of {source.name} can be read"
            if message not in self.counts.damage:
                self.counts.damage.append(message)

    def _remembered(self, entry: Entry) -> KnownKey:
        kind = _TYPES.index(entry.type)
        if entry.image is None:
            self.counts.modules += 1
            return KnownKey(kind, 0, entry.expire_ms, 0)
        size = self._measurer.measure(entry.image).size + self._measurer.key_size(entry.key)
        return KnownKey(kind, content_digest(entry.image), entry.expire_ms, size)

    def _compared(self, entry: Entry) -> Difference | None:
        """How a key of B differs from that of A."""
        counts = self.counts
        name, new = _name(entry), self._remembered(entry)
        _note(counts.new, entry.type, new.size)
        old = self._known.get(name)
        if old is None:
            counts.added += 1
            return Difference(ADDED, entry.database, entry.key, entry.type, "", expire_ms=entry.expire_ms)
        self._known.mark(name)
        changed = _changes(old, new)
        if not changed:
            counts.same += 1
            return None
        counts.changed_keys += 1
        for what in changed:
            counts.changed[what] += 1
        old_type = _TYPES[old.type]
        times = (entry.expire_ms, old.expire_ms)
        return Difference(CHANGED, entry.database, entry.key, entry.type, old_type, changed, *times)

    def _missing(self) -> Iterator[Difference]:
        for entry in self._entries(self._old()):
            if not self._known.is_marked(_name(entry)):
                self.counts.removed += 1
                times = (None, entry.expire_ms)
                yield Difference(REMOVED, entry.database, entry.key, "", entry.type, (), *times)


def _changes(old: KnownKey, new: KnownKey) -> tuple[str, ...]:
    """What differs. Values of different types are not compared."""
    changed: tuple[str, ...] = ()
    if old.type != new.type:
        changed = (TYPE,)
    elif old.content != new.content:
        changed = (VALUE,)
    return changed if old.expire_ms == new.expire_ms else (*changed, EXPIRE)


def _name(entry: Entry) -> int:
    return digest_of([b"%d" % entry.database, entry.key])


def _note(sides: dict[str, Side], kind: str, size: int) -> None:
    side = sides.setdefault(kind, Side())
    side.keys += 1
    side.size += size


def types_of(counts: Counts) -> list[str]:
    """The types that occur; values of modules have no sizes, and come last."""
    return sorted({*counts.old, *counts.new}, key=lambda kind: (kind == MODULE, kind))
