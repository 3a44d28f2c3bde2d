"""The reports of DEBUG OBJECT, LISTPACK, QUICKLIST and SDSLEN."""

from __future__ import annotations

from typing import Final

from pyredmem.base.double_text import format_double
from pyredmem.base.errors import CommandError
from pyredmem.engine.context import Context
from pyredmem.keyspace import access
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, ROBJ_SIZE, sds_capacity, sds_header_size
from pyredmem.objects.hash import HashObject
from pyredmem.objects.list import ListObject
from pyredmem.objects.list_encodings import QuicklistList
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.string import BufferString, BytesString
from pyredmem.structures.list_node import COMPRESSED, PLAIN
from pyredmem.structures.listpack import entry_size, entry_sizes
from pyredmem.structures.quicklist import Quicklist

_SHOWN_BYTES: Final = 200  # at most this many bytes of an element are printed


def object_report(context: Context, value: RedisObject) -> bytes:
    """DEBUG OBJECT: where and how a value is stored."""
    idle_s = access.idle_ms(int(context.keyspace.lru_clock), int(value.lru)) // 1000
    report = b"Value at:0x%x refcount:%d encoding:%b serializedlength:%d lru:%d lru_seconds_idle:%d" % (
        value.address * 8,
        value.refcount,
        value.encoding(),
        value.serialized_length(context.engine.settings.flag("rdbcompression")),
        value.lru,
        idle_s,
    )
    if isinstance(value, ListObject) and isinstance(value.encoded, QuicklistList):
        report += _quicklist_report(value.encoded.quicklist)
    return report


def _quicklist_report(quicklist: Quicklist) -> bytes:
    """The part of DEBUG OBJECT about the nodes of a quicklist."""
    return b" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:%d ql_uncompressed_size:%d" % (
        quicklist.nodes,
        int(quicklist.count) / max(int(quicklist.nodes), 1),
        quicklist.fill,
        quicklist.depth > 0,
        sum([int(node.size) for node in quicklist.chain()]),
    )


def listpack_report(value: RedisObject) -> list[str]:
    """DEBUG LISTPACK: the entries of a value whose encoding is a listpack."""
    entries = _listpack_entries(value)
    total = LISTPACK_EMPTY_SIZE + entry_sizes(entries)
    return [f"listpack of {total} bytes, {len(entries)} entries", *_entry_lines(entries)]


def _listpack_entries(value: RedisObject) -> list[bytes]:
    """The contents of the entries, in order."""
    if isinstance(value, ListObject):
        return value.elements()
    if isinstance(value, SetObject):
        return value.members()
    entries: list[bytes] = []
    if isinstance(value, HashObject):
        for field, content in value.items():
            entries += [field, content]
    elif isinstance(value, SortedSetObject):
        for member, score in value.items():
            entries += [member, format_double(score)]
    return entries


def _entry_lines(entries: list[bytes]) -> list[str]:
    lines: list[str] = []
    for index in range(len(entries)):
        entry = entries[index]
        lines.append(f"  {index}: {entry_size(entry)} bytes, {repr(entry[:_SHOWN_BYTES])[1:]}")
    return lines


def quicklist_report(value: ListObject, full: bool) -> list[str]:
    """DEBUG QUICKLIST: the nodes of a list; if ``full``, with their elements."""
    assert isinstance(value.encoded, QuicklistList)
    quicklist = value.encoded.quicklist
    lines = [
        f"quicklist of {quicklist.nodes} nodes, {quicklist.count} elements, "
        f"fill {quicklist.fill}, compress depth {quicklist.depth}"
    ]
    nodes = quicklist.chain()
    for index in range(len(nodes)):
        node = nodes[index]
        kind = "plain" if node.is_(PLAIN) else "listpack"
        packed = ", compressed" if node.is_(COMPRESSED) else ""
        lines.append(f"node {index}: {kind} of {node.size} bytes, {node.count()} elements{packed}")
        if full:
            lines += _entry_lines(node.items[node.start :])
    return lines


def sds_report(context: Context, key: bytes, value: RedisObject) -> bytes:
    """DEBUG SDSLEN: the length, spare bytes and block size of a key and of its string."""
    allocator = context.engine.allocator
    key_block = int(context.db.key_block_bytes(key))
    if isinstance(value, BufferString):
        block = value.sds.usable(allocator)
        length, spare = len(value.buffer), max(value.sds.capacity - len(value.buffer), 0)
    elif isinstance(value, BytesString):
        length = len(value.content)
        if value.sds_address == 0:
            block, spare = allocator.usable(int(value.address)) - ROBJ_SIZE, 0
        else:
            block = allocator.usable(int(value.sds_address))
            spare = max(value.sds(allocator).capacity - length, 0)
    else:
        raise CommandError(b"ERR Not an sds encoded string.")
    return b"key_sds_len:%d, key_sds_avail:%d, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:%d, val_zmalloc: %d" % (
        len(key),
        _spare(len(key), key_block),
        key_block,
        length,
        spare,
        block,
    )


def _spare(length: int, block: int) -> int:
    return max(sds_capacity(sds_header_size(length), block) - length, 0)
