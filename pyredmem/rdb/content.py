"""A digest of a value's content, which does not depend on its encoding: equal values have equal digests."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import chain
from struct import pack
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
    StringImage,
)
from pyredmem.objects.rdb_stream import StreamImage

#: 64 bits: that two of a million different values have the same digest happens once in 40 million times.
DIGEST_BYTES: Final = 8


def content_digest(image: Image) -> int:
    """The digest of a value. Types are not told apart."""
    return digest_of(_PARTS[type(image)](image))


def digest_of(parts: list[bytes]) -> int:
    """The digest of some strings, and of where each of them ends."""
    digest = blake2b(array("Q", map(len, parts)).tobytes(), digest_size=DIGEST_BYTES)
    digest.update(b"".join(parts))
    return int.from_bytes(digest.digest())


def _string(image: StringImage) -> list[bytes]:
    return [image.data]


def _list(image: ElementsImage | NodesImage) -> list[bytes]:
    if isinstance(image, ElementsImage):
        return image.elements
    return list(chain.from_iterable([node.elements for node in image.nodes]))


def _set(image: MembersImage | ListpackSetImage) -> list[bytes]:
    return sorted(image.members)


def _intset(image: IntsetImage) -> list[bytes]:
    return sorted([b"%d" % number for number in image.numbers])


def _scores(image: ScoresImage | ListpackScoresImage) -> list[bytes]:
    """A listpack does not tell -0 from 0: adding 0 makes them equal."""
    return list(chain.from_iterable([(member, pack("<d", score + 0.0)) for member, score in sorted(image.items)]))


def _fields(image: FieldsImage) -> list[bytes]:
    return _hash(dict(zip(image.pairs[::2], image.pairs[1::2], strict=True)), image.times)


def _listpack_fields(image: ListpackFieldsImage) -> list[bytes]:
    return _hash(image.values, image.times or {})


def _hash(values: dict[bytes, bytes], times: dict[bytes, int]) -> list[bytes]:
    """Fields and values, then the fields that expire and when they do."""
    parts = list(chain.from_iterable(sorted(values.items())))
    if times:
        parts += [b"", *chain.from_iterable([(field, b"%d" % time) for field, time in sorted(times.items())])]
    return parts


def _stream(image: StreamImage) -> list[bytes]:
    """The entries, the last id, and the groups with what is pending of each consumer."""
    return [*_entries(image), b"%d" % image.last_id, *_groups(image)]


def _entries(image: StreamImage) -> Iterator[bytes]:
    for node in image.nodes:
        for place, (entry_id, entry) in enumerate(zip(node.ids, node.entries, strict=True)):
            if place not in node.deleted:
                yield b"%d %d" % (entry_id, len(entry))
                yield from entry


def _groups(image: StreamImage) -> Iterator[bytes]:
    for group in sorted(image.groups, key=lambda group: group.name):
        yield group.name
        yield b"%d %d" % (group.last_id, len(group.consumers))
        for consumer in sorted(group.consumers, key=lambda consumer: consumer.name):
            yield consumer.name
            yield b"".join(sorted(consumer.keys))


_PARTS: Final[dict[type[Image], Callable[..., list[bytes]]]] = {
    StringImage: _string,
    ElementsImage: _list,
    NodesImage: _list,
    MembersImage: _set,
    IntsetImage: _intset,
    ListpackSetImage: _set,
    ScoresImage: _scores,
    ListpackScoresImage: _scores,
    FieldsImage: _fields,
    ListpackFieldsImage: _listpack_fields,
    StreamImage: _stream,
}
