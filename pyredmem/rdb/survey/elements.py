"""Where the longest string of a collection is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from pyredmem.objects.stream_id import id_text

INDEX: Final = "index"
MEMBER: Final = "member"
FIELD: Final = "value of field"
FIELD_NAME: Final = "name of field"
ENTRY: Final = "entry"

#: What a string is, which one (the name of a field or member, the index in a list, the id of an entry), and the string.
Placed = tuple[str, bytes | int, bytes]


def _list(image: ElementsImage | NodesImage) -> Iterator[Placed]:
    if isinstance(image, ElementsImage):
        elements = iter(image.elements)
    else:
        elements = (element for node in image.nodes for element in node.elements)
    return ((INDEX, at, element) for at, element in enumerate(elements))


def _members(image: MembersImage | ListpackSetImage) -> Iterator[Placed]:
    return ((MEMBER, member, member) for member in image.members)


def _intset(image: IntsetImage) -> Iterator[Placed]:
    return ((MEMBER, number, b"%d" % number) for number in image.numbers)


def _scores(image: ScoresImage | ListpackScoresImage) -> Iterator[Placed]:
    return ((MEMBER, member, member) for member, _ in image.items)


def _fields(image: FieldsImage) -> Iterator[Placed]:
    return _of_pairs(zip(image.pairs[::2], image.pairs[1::2], strict=True))


def _listpack_fields(image: ListpackFieldsImage) -> Iterator[Placed]:
    return _of_pairs(iter(image.values.items()))


def _of_pairs(pairs: Iterator[tuple[bytes, bytes]]) -> Iterator[Placed]:
    for field, value in pairs:
        yield FIELD_NAME, field, field
        yield FIELD, field, value


def _stream(image: StreamImage) -> Iterator[Placed]:
    for node in image.nodes:
        for place, (entry_id, entry) in enumerate(zip(node.ids, node.entries, strict=True)):
            if place not in node.deleted:
                yield from ((ENTRY, id_text(entry_id), part) for part in entry)


_PLACES: Final[dict[type[Image], Callable[..., Iterator[Placed]]]] = {
    ElementsImage: _list,
    NodesImage: _list,
    MembersImage: _members,
    IntsetImage: _intset,
    ListpackSetImage: _members,
    ScoresImage: _scores,
    ListpackScoresImage: _scores,
    FieldsImage: _fields,
    ListpackFieldsImage: _listpack_fields,
    StreamImage: _stream,
}


def longest_element(image: Image) -> tuple[str, bytes | int]:
    """What the longest string of a collection is, and which one; of equal ones the first. It must have a string."""
    what, which, _ = max(_PLACES[type(image)](image), key=_length)
    return what, which


def _length(placed: Placed) -> int:
    return len(placed[2])
