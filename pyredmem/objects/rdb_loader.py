"""Reads serialized values into images, with a function for each type.

Every format that Redis has written since 2.6 can be read, except values of modules. Nothing is trusted: a payload with
a correct checksum can still contain anything.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from pyredmem.base.numbers import parse_double, parse_integer
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    Image,
    IntsetImage,
    ListpackFieldsImage,
    ListpackScoresImage,
    ListpackSetImage,
    MembersImage,
    NodeImage,
    NodesImage,
    ScoresImage,
    StringImage,
)
from pyredmem.objects.rdb_reader import EmptyValueError, PayloadError, RdbReader
from pyredmem.objects.rdb_stream import StreamImage
from pyredmem.objects.sorted_set import Item
from pyredmem.structures.listpack import entry_sizes
from pyredmem.structures.listpack_bytes import listpack_elements
from pyredmem.structures.ziplist_bytes import ziplist_elements, zipmap_elements

_INTSET_WIDTHS: Final = (2, 4, 8)
_INTSET_HEADER: Final = 8
#: The latest expire time of a field, unix milliseconds: 46 bits.
_LATEST_MS: Final = (1 << 46) - 1

Read = Callable[[RdbReader], Image]


def read_value(payload: bytes) -> Image:
    """Read the value of a payload; raises PayloadError if it is invalid. Bytes after the value are ignored."""
    reader = RdbReader(payload)
    value = read_value_of(reader, reader.byte())
    if value is None:
        raise PayloadError
    return value


def is_known_type(kind: int) -> bool:
    """Whether values of a type can be read."""
    return kind in _STREAMS or kind in _READERS


def read_value_of(reader: RdbReader, kind: int) -> Image | None:
    """Read a value of a type; None if there is no such type. Raises PayloadError if the value is invalid."""
    if kind in _STREAMS:
        return StreamImage(reader, kind)
    read = _READERS.get(kind)
    return None if read is None else read(reader)


def _unpack(reader: RdbReader, unpack: Callable[[bytes], list[bytes]]) -> list[bytes]:
    """The elements of a string that is a listpack, a ziplist or a zipmap."""
    try:
        return unpack(reader.string())
    except (ValueError, IndexError):
        raise PayloadError from None


def _some(elements: list[bytes]) -> list[bytes]:
    """The elements, of which there must be at least one."""
    if not elements:
        raise EmptyValueError
    return elements


def _distinct(elements: list[bytes]) -> list[bytes]:
    """The elements, which must be distinct and at least one."""
    if len(set(_some(elements))) != len(elements):
        raise PayloadError
    return elements


def _string(reader: RdbReader) -> Image:
    return StringImage(reader.string())


# Lists.


def _list(reader: RdbReader) -> Image:
    return ElementsImage([reader.string() for _ in range(reader.count())])


def _list_ziplist(reader: RdbReader) -> Image:
    return NodesImage([NodeImage(_some(_unpack(reader, ziplist_elements)), False)])


def _list_of_ziplists(reader: RdbReader) -> Image:
    return _nodes([NodeImage(_unpack(reader, ziplist_elements), False) for _ in range(reader.count())])


def _list_of_nodes(reader: RdbReader) -> Image:
    return _nodes([_node(reader) for _ in range(reader.count())])


def _nodes(nodes: list[NodeImage]) -> Image:
    """The list of the nodes that are not empty. There must be one."""
    filled = [node for node in nodes if node.elements]
    if not filled:
        raise EmptyValueError
    return NodesImage(filled)


def _node(reader: RdbReader) -> NodeImage:
    kind = reader.length()
    if kind == rdb_types.PACKED_NODE:
        return NodeImage(_unpack(reader, listpack_elements), False)
    if kind != rdb_types.PLAIN_NODE:
        raise PayloadError
    element = reader.string()
    if not element:
        raise PayloadError
    return NodeImage([element], True)


# Sets.


def _set(reader: RdbReader) -> Image:
    return MembersImage(_distinct([reader.string() for _ in range(reader.count())]))


def _intset(reader: RdbReader) -> Image:
    data = reader.string()
    width = int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[4:8], "little")
    if width not in _INTSET_WIDTHS or count == 0 or len(data) != _INTSET_HEADER + count * width:
        raise PayloadError
    places = range(_INTSET_HEADER, len(data), width)
    numbers = [int.from_bytes(data[at : at + width], "little", signed=True) for at in places]
    if not all(low < high for low, high in pairwise(numbers)):
        raise PayloadError
    return IntsetImage(numbers, width)


def _set_listpack(reader: RdbReader) -> Image:
    return ListpackSetImage(_distinct(_unpack(reader, listpack_elements)))


# Sorted sets.


def _scores_as_text(reader: RdbReader) -> Image:
    return _scores([(reader.string(), reader.double_text()) for _ in range(reader.count())])


def _scores_as_doubles(reader: RdbReader) -> Image:
    return _scores([(reader.string(), reader.double()) for _ in range(reader.count())])


def _scores(items: list[Item]) -> Image:
    _distinct([member for member, _ in items])
    return ScoresImage(items)


def _scores_listpack(reader: RdbReader) -> Image:
    return _packed_scores(_unpack(reader, listpack_elements))


def _scores_ziplist(reader: RdbReader) -> Image:
    return _packed_scores(_unpack(reader, ziplist_elements))


def _packed_scores(elements: list[bytes]) -> Image:
    """The sorted set of member, score, member, score ..."""
    members = _distinct(elements[::2])
    if len(elements) != 2 * len(members):
        raise PayloadError
    items: list[Item] = []
    for at, member in enumerate(members):
        score = parse_double(elements[2 * at + 1])
        if score is None:
            raise PayloadError
        items.append((member, score))
    return ListpackScoresImage(items, entry_sizes(elements))


# Hashes.


def _hash(reader: RdbReader) -> Image:
    return FieldsImage(_pairs([reader.string() for _ in range(2 * reader.count())]), {})


def _hash_listpack(reader: RdbReader) -> Image:
    return _packed_hash(_unpack(reader, listpack_elements))


def _hash_ziplist(reader: RdbReader) -> Image:
    return _packed_hash(_unpack(reader, ziplist_elements))


def _hash_zipmap(reader: RdbReader) -> Image:
    return FieldsImage(_pairs(_unpack(reader, zipmap_elements)), {})


def _packed_hash(elements: list[bytes]) -> Image:
    """The hash of field, value, field, value ..."""
    fields = _some(elements)[::2]
    values = dict(zip(fields, elements[1::2], strict=False))
    if 2 * len(values) != len(elements):
        raise PayloadError
    return ListpackFieldsImage(values, None)


def _pairs(elements: list[bytes]) -> list[bytes]:
    """The elements as field, value, field, value ... with distinct fields."""
    if len(elements) != 2 * len(_distinct(elements[::2])):
        raise PayloadError
    return elements


def _hash_with_times(reader: RdbReader) -> Image:
    """Before each field stands its time, counted from 1 ms before the earliest one; 0 means no time."""
    base_ms = reader.moment() - 1
    pairs: list[bytes] = []
    times: dict[bytes, int] = {}
    for _ in range(reader.count()):
        later_ms = reader.length()
        field = reader.string()
        pairs += [field, reader.string()]
        if later_ms > 0:
            times[field] = _moment(base_ms + later_ms)
    return FieldsImage(_pairs(pairs), times)


def _hash_with_times_of_valkey(reader: RdbReader) -> Image:
    """After each field and its value stands its time, unix milliseconds; -1 means no time."""
    pairs: list[bytes] = []
    times: dict[bytes, int] = {}
    for _ in range(reader.count()):
        field = reader.string()
        pairs += [field, reader.string()]
        when_ms = reader.moment()
        if when_ms != -1:
            times[field] = _moment(when_ms)
    return FieldsImage(_pairs(pairs), times)


def _hash_listpack_with_times(reader: RdbReader) -> Image:
    """The earliest time, then field, value, time, field, value, time ..."""
    reader.moment()
    elements = _unpack(reader, listpack_elements)
    fields = _distinct(elements[::3])
    if len(elements) != 3 * len(fields):
        raise PayloadError
    values: dict[bytes, bytes] = {}
    times: dict[bytes, int] = {}
    for at, field in enumerate(fields):
        values[field] = elements[3 * at + 1]
        when_ms = parse_integer(elements[3 * at + 2])
        if when_ms is None:
            raise PayloadError
        if when_ms != 0:
            times[field] = _moment(when_ms)
    return ListpackFieldsImage(values, times)


def _moment(unix_ms: int) -> int:
    if not 0 <= unix_ms <= _LATEST_MS:
        raise PayloadError
    return unix_ms


_STREAMS: Final = (rdb_types.STREAM_LISTPACKS, rdb_types.STREAM_LISTPACKS_2, rdb_types.STREAM_LISTPACKS_3)

_READERS: Final[dict[int, Read]] = {
    rdb_types.STRING: _string,
    rdb_types.LIST: _list,
    rdb_types.SET: _set,
    rdb_types.ZSET: _scores_as_text,
    rdb_types.HASH: _hash,
    rdb_types.ZSET_2: _scores_as_doubles,
    rdb_types.HASH_ZIPMAP: _hash_zipmap,
    rdb_types.LIST_ZIPLIST: _list_ziplist,
    rdb_types.SET_INTSET: _intset,
    rdb_types.ZSET_ZIPLIST: _scores_ziplist,
    rdb_types.HASH_ZIPLIST: _hash_ziplist,
    rdb_types.LIST_QUICKLIST: _list_of_ziplists,
    rdb_types.HASH_LISTPACK: _hash_listpack,
    rdb_types.ZSET_LISTPACK: _scores_listpack,
    rdb_types.LIST_QUICKLIST_2: _list_of_nodes,
    rdb_types.SET_LISTPACK: _set_listpack,
    rdb_types.HASH_METADATA: _hash_with_times,
    rdb_types.HASH_LISTPACK_EX: _hash_listpack_with_times,
    rdb_types.VALKEY_HASH_WITH_TIMES: _hash_with_times_of_valkey,
}
