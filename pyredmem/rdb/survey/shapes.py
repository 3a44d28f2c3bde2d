"""What a collection consists of, read from its image: how many elements, and how long the strings in them are."""

from __future__ import annotations

from typing import Final

from pyredmem.objects.rdb_images import HashImage, Image, SortedSetImage
from pyredmem.objects.rdb_stream import StreamImage

#: A score is a double; the id of an entry of a stream is two 64-bit numbers.
_SCORE_BYTES: Final = 8
_ID_BYTES: Final = 16


class Shape:
    """A collection without its content."""

    def __init__(self, elements: int, lengths: list[int], numbers_bytes: int = 0) -> None:
        self.elements = elements
        self.lengths = lengths  # bytes of each string in it
        self.strings_bytes = -1  # what the strings take in a table, once that was asked for
        self.longest = max(lengths, default=0)
        #: Bytes of the strings, and of the scores or ids beside them.
        self.content_bytes = sum(lengths) + numbers_bytes


def shape_of(image: Image) -> Shape:
    """The shape of a collection."""
    lengths = list(map(len, image.strings()))
    if isinstance(image, HashImage):
        return Shape(len(lengths) // 2, lengths)
    if isinstance(image, SortedSetImage):
        return Shape(len(lengths), lengths, _SCORE_BYTES * len(lengths))
    if isinstance(image, StreamImage):
        return Shape(image.length, lengths, _ID_BYTES * image.length)
    return Shape(len(lengths), lengths)
