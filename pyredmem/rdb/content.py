"""A digest of a value's content, which does not depend on its encoding: equal values have equal digests."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from struct import pack
from typing import Final

from pyredmem.objects.rdb_images import HashImage, Image, SetImage, SortedSetImage
from pyredmem.objects.rdb_stream import StreamImage

#: 64 bits: that two of a million different values have the same digest happens once in 40 million times.
DIGEST_BYTES: Final = 8


def content_digest(image: Image) -> int:
    """The digest of a value. Types are not told apart."""
    return digest_of(_parts(image))


def digest_of(parts: list[bytes]) -> int:
    """The digest of some strings, and of where each of them ends."""
    digest = blake2b(array("Q", map(len, parts)).tobytes(), digest_size=DIGEST_BYTES)
    digest.update(b"".join(parts))
    return int.from_bytes(digest.digest())


def _parts(image: Image) -> list[bytes]:
    """Strings that are the same for equal values."""
    if isinstance(image, SetImage):
        return sorted(image.strings())
    if isinstance(image, SortedSetImage):
        return _sorted_set(image)
    if isinstance(image, HashImage):
        return _hash(image)
    if isinstance(image, StreamImage):
        return _stream(image)
    return image.strings()


def _sorted_set(image: SortedSetImage) -> list[bytes]:
    """A listpack does not tell -0 from 0: adding 0 makes them equal."""
    items = sorted(zip(image.strings(), image.scores_of_strings(), strict=True))
    return list(chain.from_iterable([(member, pack("<d", score + 0.0)) for member, score in items]))


def _hash(image: HashImage) -> list[bytes]:
    """Fields and values, then the fields that expire and when they do."""
    strings = image.strings()
    parts = list(chain.from_iterable(sorted(zip(strings[::2], strings[1::2], strict=True))))
    times = image.field_times()
    if times:
        parts += [b"", *chain.from_iterable([(field, b"%d" % time) for field, time in sorted(times.items())])]
    return parts


def _stream(image: StreamImage) -> list[bytes]:
    """The entries, the last id, and the groups with what is pending of each consumer."""
    return [*_entries(image), b"%d" % image.last_id, *_groups(image)]


def _entries(image: StreamImage) -> Iterator[bytes]:
    for entry_id, entry in image.entries():
        yield b"%d %d" % (entry_id, len(entry))
        yield from entry


def _groups(image: StreamImage) -> Iterator[bytes]:
    for group in sorted(image.groups, key=lambda group: group.name):
        yield group.name
        yield b"%d %d" % (group.last_id, len(group.consumers))
        for consumer in sorted(group.consumers, key=lambda consumer: consumer.name):
            yield consumer.name
            yield b"".join(sorted(consumer.keys))
