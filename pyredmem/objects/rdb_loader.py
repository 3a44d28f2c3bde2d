"""Reads serialized values into images, with a function for each type.

Every format that Redis has written since 2.6 can be read, except values of modules. Nothing is trusted: a payload with
a correct checksum can still contain anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from librt.strings import read_i16_le, read_i32_le, read_i64_le
from mypy_extensions import i64

from pyredmem.base.numbers import parse_double, parse_integer
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    Image,
    IntegerImage,
    IntsetImage,
    ListpackFieldsImage,
    ListpackScoresImage,
    ListpackSetImage,
    ListpackTimedFieldsImage,
    MembersImage,
    NodeImage,
    NodesImage,
    PackedNodeImage,
    PlainNodeImage,
    ScoresImage,
    StringImage,
)
from pyredmem.objects.rdb_reader import EmptyValueError, PayloadError, RdbReader
from pyredmem.objects.rdb_stream import StreamImage
from pyredmem.objects.sorted_set import Item
from pyredmem.structures.listpack import entry_sizes
from pyredmem.structures.listpack_bytes import read_listpack
from pyredmem.structures.ziplist_bytes import ziplist_elements, zipmap_elements

_INTSET_HEADER: Final = 8
_UINT32_MAX: Final = 0xFFFFFFFF
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
    return kind == rdb_types.STRING or kind in _READERS or kind in _STREAMS


def read_value_of(reader: RdbReader, kind: int) -> Image | None:
    """Read a value of a type; None if there is no such type. Raises PayloadError if the value is invalid."""
    if kind == rdb_types.STRING:
        return _string(reader)
    read = _READERS.get(kind)
    if read is not None:
        return read(reader)
    return StreamImage(reader, kind) if kind in _STREAMS else None


#: Elements, and the bytes of their entries in a listpack.
Packed = tuple[list[bytes], i64]


def _listpack(reader: RdbReader) -> Packed:
    """The elements of a string that is a listpack."""
    try:
        return read_listpack(reader.string())
    except (ValueError, IndexError):
        raise PayloadError from None


def _ziplist(reader: RdbReader) -> Packed:
    """The elements of a string that is a ziplist."""
    elements = _unpack(reader, ziplist_elements)
    return elements, entry_sizes(elements)


def _unpack(reader: RdbReader, unpack: Callable[[bytes], list[bytes]]) -> list[bytes]:
    """The elements of a string that is a ziplist or a zipmap."""
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
    is_integer, number = reader.integer()
    return IntegerImage(number) if is_integer else StringImage(reader.string())


# Lists.


def _list(reader: RdbReader) -> Image:
    return ElementsImage([reader.string() for _ in range(reader.count())])


def _list_ziplist(reader: RdbReader) -> Image:
    elements, size = _ziplist(reader)
    return NodesImage([PackedNodeImage(_some(elements), size)])


def _list_of_ziplists(reader: RdbReader) -> Image:
    return _nodes([_packed_node(_ziplist(reader)) for _ in range(reader.count())])


def _list_of_nodes(reader: RdbReader) -> Image:
    return _nodes([_node(reader) for _ in range(reader.count())])


def _nodes(nodes: list[NodeImage]) -> Image:
    """The list of the nodes that are not empty. There must be one."""
    filled = [node for node in nodes if not node.is_empty()]
    if not filled:
        raise EmptyValueError
    return NodesImage(filled)


def _node(reader: RdbReader) -> NodeImage:
    kind = reader.length()
    if kind == rdb_types.PACKED_NODE:
        return _packed_node(_listpack(reader))
    if kind != rdb_types.PLAIN_NODE:
        raise PayloadError
    element = reader.string()
    if not element:
        raise PayloadError
    return PlainNodeImage(element)


def _packed_node(packed: Packed) -> NodeImage:
    return PackedNodeImage(packed[0], packed[1])


# Sets.


def _set(reader: RdbReader) -> Image:
    return MembersImage(_distinct([reader.string() for _ in range(reader.count())]))


def _intset(reader: RdbReader) -> Image:
    data = reader.string()
    size: i64 = len(data)
    if size <= _INTSET_HEADER:
        raise PayloadError
    width: i64 = i64(read_i32_le(data, 0))
    count: i64 = i64(read_i32_le(data, 4)) & _UINT32_MAX
    if width not in (2, 4, 8) or size != _INTSET_HEADER + count * width:
        raise PayloadError
    numbers: list[int] = []
    last: i64 = 0
    at: i64 = _INTSET_HEADER
    while at < size:
        number = _signed(data, at, width)
        if number <= last and numbers:
            raise PayloadError
        numbers.append(number)
        last = number
        at += width
    return IntsetImage(numbers, width)


def _signed(data: bytes, at: i64, width: i64) -> i64:
    """A number of 2, 4 or 8 bytes."""
    if width == 2:
        return i64(read_i16_le(data, at))
    return i64(read_i32_le(data, at)) if width == 4 else read_i64_le(data, at)


def _set_listpack(reader: RdbReader) -> Image:
    elements, size = _listpack(reader)
    members = dict.fromkeys(_some(elements))
    if len(members) != len(elements):
        raise PayloadError
    return ListpackSetImage(members, size)


# Sorted sets.


def _scores_as_text(reader: RdbReader) -> Image:
    return _scores([(reader.string(), reader.double_text()) for _ in range(reader.count())])


def _scores_as_doubles(reader: RdbReader) -> Image:
    return _scores([(reader.string(), reader.double()) for _ in range(reader.count())])


def _scores(items: list[Item]) -> Image:
    _distinct([member for member, _ in items])
    return ScoresImage(items)


def _scores_listpack(reader: RdbReader) -> Image:
    elements, size = _listpack(reader)
    return _packed_scores(elements, size)


def _scores_ziplist(reader: RdbReader) -> Image:
    elements, size = _ziplist(reader)
    return _packed_scores(elements, size)


def _packed_scores(elements: list[bytes], size: i64) -> Image:
    """The sorted set of member, score, member, score ..."""
    scores: dict[bytes, float] = {}
    count: i64 = len(_some(elements))
    at: i64 = 0
    while at + 1 < count:
        scores[elements[at]] = _score(elements[at + 1])
        at += 2
    if 2 * len(scores) != count:
        raise PayloadError
    return ListpackScoresImage(scores, size)


def _score(element: bytes) -> float:
    """The score that an element is the text of."""
    number = parse_integer(element)
    if number is not None:
        return float(number)
    score = parse_double(element)
    if score is None:
        raise PayloadError
    return score


# Hashes.


def _hash(reader: RdbReader) -> Image:
    return FieldsImage(_pairs([reader.string() for _ in range(2 * reader.count())]), {})


def _hash_listpack(reader: RdbReader) -> Image:
    elements, size = _listpack(reader)
    return _packed_hash(elements, size)


def _hash_ziplist(reader: RdbReader) -> Image:
    elements, size = _ziplist(reader)
    return _packed_hash(elements, size)


def _hash_zipmap(reader: RdbReader) -> Image:
    return FieldsImage(_pairs(_unpack(reader, zipmap_elements)), {})


def _packed_hash(elements: list[bytes], size: i64) -> Image:
    """The hash of field, value, field, value ..."""
    values: dict[bytes, bytes] = {}
    count: i64 = len(_some(elements))
    at: i64 = 0
    while at + 1 < count:
        values[elements[at]] = elements[at + 1]
        at += 2
    if 2 * len(values) != count:
        raise PayloadError
    return ListpackFieldsImage(values, size)


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
    elements, _ = _listpack(reader)
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
    return ListpackTimedFieldsImage(values, times)


def _moment(unix_ms: int) -> int:
    if not 0 <= unix_ms <= _LATEST_MS:
        raise PayloadError
    return unix_ms


_STREAMS: Final = (rdb_types.STREAM_LISTPACKS, rdb_types.STREAM_LISTPACKS_2, rdb_types.STREAM_LISTPACKS_3)

_READERS: Final[dict[int, Read]] = {
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
