"""What a collection consists of, read from its image: how many elements, and how long the strings in them are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    Image,
    IntsetImage,
    ListpackFieldsImage,
    ListpackScoresImage,
    ListpackSetImage,
    MembersImage,
    NodesImage,
    ScoresImage,
)
from pyredmem.objects.rdb_stream import StreamImage

#: A score is a double; the id of an entry of a stream is two 64-bit numbers.
_SCORE_BYTES: Final = 8
_ID_BYTES: Final = 16


class Shape:
    """A collection without its content."""

    def __init__(self, elements: int, lengths: list[int], numbers_bytes: int = 0) -> None:
        self.elements = elements
        self.lengths = lengths  # bytes of each string in it
        self.longest = max(lengths, default=0)
        #: Bytes of the strings, and of the scores or ids beside them.
        self.content_bytes = sum(lengths) + numbers_bytes


def _members(image: ElementsImage | MembersImage | ListpackSetImage) -> Shape:
    members = image.elements if isinstance(image, ElementsImage) else image.members
    return Shape(len(members), list(map(len, members)))


def _nodes(image: NodesImage) -> Shape:
    lengths = list(map(len, chain.from_iterable([node.elements for node in image.nodes])))
    return Shape(len(lengths), lengths)


def _intset(image: IntsetImage) -> Shape:
    lengths = [len(str(number)) for number in image.numbers]
    return Shape(len(lengths), lengths)


def _scores(image: ScoresImage | ListpackScoresImage) -> Shape:
    lengths = [len(member) for member, _ in image.items]
    return Shape(len(lengths), lengths, _SCORE_BYTES * len(lengths))


def _fields(image: FieldsImage) -> Shape:
    return Shape(len(image.pairs) // 2, list(map(len, image.pairs)))


def _listpack_fields(image: ListpackFieldsImage) -> Shape:
    return Shape(len(image.values), list(map(len, chain(image.values, image.values.values()))))


def _stream(image: StreamImage) -> Shape:
    parts: Iterable[bytes] = chain.from_iterable(
        entry for node in image.nodes for place, entry in enumerate(node.entries) if place not in node.deleted
    )
    return Shape(image.length, list(map(len, parts)), _ID_BYTES * image.length)


_SHAPES: Final[dict[type[Image], Callable[..., Shape]]] = {
    ElementsImage: _members,
    NodesImage: _nodes,
    MembersImage: _members,
    IntsetImage: _intset,
    ListpackSetImage: _members,
    ScoresImage: _scores,
    ListpackScoresImage: _scores,
    FieldsImage: _fields,
    ListpackFieldsImage: _listpack_fields,
    StreamImage: _stream,
}


def shape_of(image: Image) -> Shape:
    """The shape of a collection."""
    return _SHAPES[type(image)](image)
