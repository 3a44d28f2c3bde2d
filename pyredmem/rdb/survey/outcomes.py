"""What decides on the encoding of a value, and on the room that its table is made with: its *outcome* under limits.

Equal outcomes have equal sizes. A number from 0 on is where the first string is that is too long for a listpack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

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
    ScoresImage,
)
from pyredmem.rdb.survey.shapes import Shape

LIST_SIZE: Final = "list-max-listpack-size"
COMPRESS_DEPTH: Final = "list-compress-depth"

PACKED: Final = -1
INTSET: Final = -2
TABLE: Final = -3

Outcome = Callable[[Image, Shape, EncodingLimits], object]


def _first_above(shape: Shape, limit: int) -> int:
    """Where the first string above the limit is; PACKED if there is none."""
    if shape.longest <= limit:
        return PACKED
    least: i64 = limit
    at: i64 = 0
    for length in shape.lengths:
        size: i64 = length
        if size > least:
            break
        at += 1
    return at


def _of_fields(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """The table is made for all fields, or for those from the one on that is too long."""
    if shape.elements > limits.hash_entries:
        return TABLE
    return _first_above(shape, limits.hash_value)


def _of_listpack_fields(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return TABLE if shape.elements > limits.hash_entries else PACKED


def _of_members(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """The limit of an intset comes first, whatever the members are."""
    if shape.elements > limits.set_intset_entries:
        return TABLE
    if shape.elements > limits.set_entries or shape.longest > limits.set_value:
        return INTSET  # a table, unless all members are integers
    return PACKED  # the same


def _of_intset(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return TABLE if shape.elements > limits.set_intset_entries else INTSET


def _of_listpack_members(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return TABLE if shape.elements > limits.set_entries else PACKED


def _of_scores(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    if shape.elements > limits.zset_entries or shape.longest > limits.zset_value:
        return TABLE
    return PACKED


def _of_listpack_scores(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return TABLE if shape.elements > limits.zset_entries else PACKED


def _of_compression(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    """Nodes at the ends are not compressed."""
    if not isinstance(image, NodesImage) or len(image.nodes) <= 2:
        return PACKED
    return limits.list_compress_depth


def _of_list(image: Image, shape: Shape, limits: EncodingLimits) -> object:
    return limits.list_size


_HASHES: Final = ("hash-max-listpack-entries", "hash-max-listpack-value")
_SETS: Final = ("set-max-listpack-entries", "set-max-listpack-value")
_SORTED_SETS: Final = ("zset-max-listpack-entries", "zset-max-listpack-value")

#: The settings that may make a difference to an image, with the outcome.
OUTCOMES: Final[dict[type[Image], tuple[tuple[str, Outcome], ...]]] = {
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
