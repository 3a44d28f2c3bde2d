"""What other limits of the encodings would change: ``hash-max-listpack-entries 1024`` takes 3 MB less.

Each value is measured as a server with the other limit would have it after loading the file. Only lists are different:
loading keeps their nodes, whatever the limits are. So for ``list-max-listpack-size`` a list is measured as if its
elements were pushed anew.

A value is built again only under a limit that makes a difference to it. Which one does is told by its *outcome*: what
decides on the encoding, and on the room that a table is made with. Equal outcomes have equal sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from pyredmem.base.numbers import parse_integer
from pyredmem.config.settings import Settings
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, ROBJ_SIZE
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    Image,
    MembersImage,
    NodesImage,
    PackedNodeImage,
    ScoresImage,
)
from pyredmem.objects.sorted_set_encodings import score_entry_size
from pyredmem.rdb.survey.frames import Frames
from pyredmem.rdb.survey.outcomes import COMPRESS_DEPTH, LIST_SIZE, OUTCOMES, PACKED
from pyredmem.rdb.survey.shapes import Shape
from pyredmem.rdb.values import Workbench
from pyredmem.structures.listpack import entry_sizes

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
        self._frames = Frames(self._workbench)
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
        for name, outcome in OUTCOMES.get(type(image), ()):
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
                    known[found] = self._alternative(image, shape, found, limits)
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

    def _alternative(self, image: Image, shape: Shape, outcome: object, limits: EncodingLimits) -> int:
        """What a value takes with another outcome.

        jemalloc makes a listpack as large as its entries need, however it grew. So a value that becomes one usually
        need not be built; nor need one that becomes a table, if the frame is known.
        """
        frame = self._frames.frame_of(image, shape, limits)
        if frame is not None:
            return frame.size(self._frames.strings_bytes(shape))
        if outcome == PACKED and self._fits_blocks:
            if isinstance(image, FieldsImage) and not image.times:
                return self._listpack(int(entry_sizes(image.pairs)))
            if isinstance(image, MembersImage) and parse_integer(image.members[0]) is None:  # it was never an intset
                return self._listpack(int(entry_sizes(image.members)))
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
