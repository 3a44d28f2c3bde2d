"""What other limits of the encodings would change: ``hash-max-listpack-entries 1024`` takes 3 MB less.

Each value is measured as a server with the other limit would have it after loading the file. Only lists are different:
loading keeps their nodes, whatever the limits are. So for ``list-max-listpack-size`` a list is measured as if its
elements were pushed anew.

A value is built again only under a limit that makes a difference to it. Which one does is told by its *outcome*: what
decides on the encoding, and on the room that a table is made with. Equal outcomes have equal sizes. So a hash of five
fields, or one of a million, is built once, and one of 200 fields twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from pyredmem.config.settings import Settings
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, ROBJ_SIZE
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    Image,
    IntsetImage,
    ListpackFieldsImage,
    ListpackScoresImage,
    ListpackSetImage,
    ListpackTimedFieldsImage,
    MembersImage,
    NodesImage,
    PackedNodeImage,
    ScoresImage,
)
from pyredmem.objects.sorted_set_encodings import score_entry_size
from pyredmem.rdb.survey.shapes import Shape
from pyredmem.rdb.values import Workbench
from pyredmem.structures.listpack import entry_sizes

LIST_SIZE: Final = "list-max-listpack-size"
COMPRESS_DEPTH: Final = "list-compress-depth"

#: The limits that are tried.
STEPS: Final = {
    "hash-max-listpack-entries": (64, 128, 256, 512, 1024, 2048),
    "hash-max-listpack-value": (32, 64, 128, 256, 512, 1024),
    LIST_SIZE: (-1, -2, -3, -4, -5),
    COMPRESS_DEPTH: (0, 1),
    "set-max-intset-entries": (128, 256, 512, 1024, 2048, 4096),
    "set-max-listpack-entries": (64, 128, 256, 512, 1024),
    "set-max-listpack-value": (32, 64, 128, 256, 512, 1024),
    "zset-max-listpack-entries": (64, 128, 256, 512, 1024),
    "zset-max-listpack-value": (32, 64, 128, 256, 512, 1024),
}

#: The largest listpack under the smallest of these limits of lists (bytes): one that fits is the same under all.
_SMALL_LIST: Final = 4096

# Outcomes.
_PACKED: Final = -1
_INTSET: Final = -2
_TABLE: Final = -3

Outcome = Callable[[Image, Shape, EncodingLimits], object]


def _first_above(shape: Shape, limit: int) -> int:
    """Where the first string above the limit is; _PACKED if there is none."""
    if shape.longest <= limit:
        return _PACKED
    return next(at for at, length in enumerate(shape.lengths) if length > limit)


def _of_fields(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """The table is made for all fields, or for those from the one on that is too long."""
    if shape.elements > limits.hash_entries:
        return _TABLE
    return _first_above(shape, limits.hash_value)


def _of_listpack_fields(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return _TABLE if shape.elements > limits.hash_entries else _PACKED


def _of_members(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """The limit of an intset comes first, whatever the members are."""
    if shape.elements > limits.set_intset_entries:
        return _TABLE
    if shape.elements > limits.set_entries or shape.longest > limits.set_value:
        return _INTSET  # a table, unless all members are integers
    return _PACKED  # the same


def _of_intset(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return _TABLE if shape.elements > limits.set_intset_entries else _INTSET


def _of_listpack_members(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return _TABLE if shape.elements > limits.set_entries else _PACKED


def _of_scores(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    if shape.elements > limits.zset_entries or shape.longest > limits.zset_value:
        return _TABLE
    return _PACKED


def _of_listpack_scores(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return _TABLE if shape.elements > limits.zset_entries else _PACKED


def _of_compression(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """Nodes at the ends are not compressed."""
    if not isinstance(image, NodesImage) or len(image.nodes) <= 2:
        return _PACKED
    return limits.list_compress_depth


def _of_list(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return limits.list_size


_HASHES: Final = ("hash-max-listpack-entries", "hash-max-listpack-value")
_SETS: Final = ("set-max-listpack-entries", "set-max-listpack-value")
_SORTED_SETS: Final = ("zset-max-listpack-entries", "zset-max-listpack-value")

#: The settings that may make a difference to an image, with the outcome.
_OUTCOMES: Final[dict[type[Image], tuple[tuple[str, Outcome], ...]]] = {
    FieldsImage: tuple((name, _of_fields) for name in _HASHES),
    ListpackFieldsImage: ((_HASHES[0], _of_listpack_fields),),
    ListpackTimedFieldsImage: ((_HASHES[0], _of_listpack_fields),),
    MembersImage: tuple((name, _of_members) for name in ("set-max-intset-entries", *_SETS)),
    IntsetImage: (("set-max-intset-entries", _of_intset),),
    ListpackSetImage: ((_SETS[0], _of_listpack_members),),
    ScoresImage: tuple((name, _of_scores) for name in _SORTED_SETS),
    ListpackScoresImage: ((_SORTED_SETS[0], _of_listpack_scores),),
    NodesImage: ((LIST_SIZE, _of_list), (COMPRESS_DEPTH, _of_compression)),
    ElementsImage: ((LIST_SIZE, _of_list),),
}


class Change(NamedTuple):
    """What a limit would change."""

    setting: str
    limit: int
    values: int  # that would take more or less
    size: int  # bytes more; negative: less


class LimitStudy:
    """Adds up what the limits of STEPS would change, compared with those of ``settings``."""

    def __init__(self, settings: Settings, allocator: str) -> None:
        self._workbench = Workbench(allocator, EncodingLimits(settings))
        self._present = EncodingLimits(settings)
        self.present = {name: settings.integer(name) for name in STEPS}
        self._limits = {
            name: [(limit, _with(settings, name, limit)) for limit in steps if limit != self.present[name]]
            for name, steps in STEPS.items()
        }
        self._fits_blocks = allocator.startswith("jemalloc")
        self._values: dict[tuple[str, int], int] = {}
        self._sizes: dict[tuple[str, int], int] = {}

    def add(self, image: Image, shape: Shape, size: int) -> None:
        """Count a value that takes ``size`` bytes now."""
        for name, outcome in _OUTCOMES.get(type(image), ()):
            if name == LIST_SIZE:
                self._add_list(image, shape, size)
                continue
            present = outcome(image, shape, self._present)
            tried = self._limits[name]
            if present == outcome(image, shape, tried[0][1]) == outcome(image, shape, tried[-1][1]):
                continue  # the limits between the lowest and the highest one have the same outcome
            known = {present: size}
            for limit, limits in tried:
                found = outcome(image, shape, limits)
                if found not in known:
                    known[found] = self._alternative(image, found, limits)
                self._note(name, limit, known[found] - size)

    def _add_list(self, image: Image, shape: Shape, size: int) -> None:
        """Measure a list whose elements are pushed anew."""
        if sum(shape.lengths) <= _SMALL_LIST // 2 and _is_one_small_listpack(image):
            return
        pushed = ElementsImage(image.strings())
        for limit, limits in self._limits[LIST_SIZE]:
            self._note(LIST_SIZE, limit, self._size(pushed, limits) - size)

    def _note(self, name: str, limit: int, difference: int) -> None:
        if difference != 0:
            place = name, limit
            self._values[place] = self._values.get(place, 0) + 1
            self._sizes[place] = self._sizes.get(place, 0) + difference

    def _alternative(self, image: Image, outcome: object, limits: EncodingLimits) -> int:
        """What a value takes with another outcome.

        jemalloc makes a listpack as large as its entries need, however it grew. So the usual case, a hash or a sorted
        set that becomes one, need not be built.
        """
        if outcome == _PACKED and self._fits_blocks:
            if isinstance(image, FieldsImage) and not image.times:
                return self._listpack(int(entry_sizes(image.pairs)))
            if isinstance(image, ScoresImage):
                scores = sum([int(score_entry_size(score)) for score in image.scores_of_strings()])
                return self._listpack(int(entry_sizes(image.strings())) + scores)
        return self._size(image, limits)

    def _listpack(self, entries_bytes: int) -> int:
        return int(ROBJ_SIZE + self._workbench.allocator.good_size(LISTPACK_EMPTY_SIZE + entries_bytes))

    def _size(self, image: Image, limits: EncodingLimits) -> int:
        """What a value takes under other limits, without its key."""
        self._workbench.use(limits)
        with self._workbench.built(image) as value:
            return int(value.expected_memory(self._workbench.allocator))

    def changes(self) -> Iterator[Change]:
        """What each limit would change, in the order of STEPS; only limits that would change something."""
        for name, steps in STEPS.items():
            for limit in steps:
                if (values := self._values.get((name, limit), 0)) > 0:
                    yield Change(name, limit, values, self._sizes[name, limit])


def _with(settings: Settings, name: str, limit: int) -> EncodingLimits:
    """The limits with another one."""
    changed = Settings([(other, str(settings.integer(other))) for other in STEPS])
    changed.start_with(name, str(limit))
    return EncodingLimits(changed)


def _is_one_small_listpack(image: Image) -> bool:
    if not isinstance(image, NodesImage):
        return True
    [node, *more] = image.nodes
    return not more and isinstance(node, PackedNodeImage) and LISTPACK_EMPTY_SIZE + node.size <= _SMALL_LIST
