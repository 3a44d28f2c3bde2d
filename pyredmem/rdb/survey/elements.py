"""Where the longest string of a collection is."""

from __future__ import annotations

from typing import Final

from pyredmem.objects.rdb_images import HashImage, Image, ListImage
from pyredmem.objects.rdb_stream import StreamImage
from pyredmem.objects.stream_id import id_text
from pyredmem.rdb.survey.shapes import Shape

INDEX: Final = "index"
MEMBER: Final = "member"
FIELD: Final = "value of field"
FIELD_NAME: Final = "name of field"
ENTRY: Final = "entry"


def longest_element(image: Image, shape: Shape) -> tuple[str, bytes | int]:
    """What the longest string of a collection is, and which one; of equal ones the first. It must have a string.

    Which one is told by the name of a field or member, the index in a list, or the id of an entry.
    """
    at = shape.lengths.index(shape.longest)
    if isinstance(image, ListImage):
        return INDEX, at
    if isinstance(image, StreamImage):
        return ENTRY, id_text(_id_of_entry_with(image, at))
    if isinstance(image, HashImage) and at % 2 == 1:
        return FIELD, image.strings()[at - 1]
    return FIELD_NAME if isinstance(image, HashImage) else MEMBER, image.strings()[at]


def _id_of_entry_with(image: StreamImage, at: int) -> int:
    """The id of the entry that has a string, of which the place among all strings is given."""
    end = 0
    for entry_id, entry in image.entries():
        end += len(entry)
        if at < end:
            return entry_id
    raise AssertionError(at)
