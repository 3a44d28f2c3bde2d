"""The sizes of Redis 7.2's structures on a 64-bit system, and the arithmetic of its growing blocks.

Sizes are what Redis *requests*; the allocator rounds them up to a size class. A size that depends on the content is a
function. Everything here is pure arithmetic; each constant names the source file of Redis that defines the structure.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

# Fixed sizes.

POINTER_SIZE: Final = 8

#: server.h robj, the header of each value
ROBJ_SIZE: Final = 16
#: dict.h dict, dict.c dictEntry; sets have entries without a value, and no entry for the first key of a bucket
DICT_SIZE: Final = 56
DICT_ENTRY_SIZE: Final = 24
DICT_ENTRY_NO_VALUE_SIZE: Final = 16
#: Added to the dict and to each entry of the main dicts in cluster mode
CLUSTER_DICT_METADATA_SIZE: Final = 8
CLUSTER_ENTRY_METADATA_SIZE: Final = 16
#: server.h zset, zskiplist, zskiplistNode without its levels, and one level
ZSET_SIZE: Final = 16
SKIPLIST_SIZE: Final = 32
SKIPLIST_NODE_SIZE: Final = 24
SKIPLIST_LEVEL_SIZE: Final = 16
SKIPLIST_MAX_LEVEL: Final = 32
#: The same in Valkey 9.1: a node without levels and member, and the head of the list
MEMBER_NODE_SIZE: Final = 17
SKIPLIST_HEAD_SIZE: Final = 528
#: quicklist.h quicklist, quicklistNode, quicklistBookmark, quicklistLZF header
QUICKLIST_SIZE: Final = 40
QUICKLIST_NODE_SIZE: Final = 40
QUICKLIST_BOOKMARK_SIZE: Final = 16
QUICKLIST_LZF_HEADER_SIZE: Final = 8
#: intset.h intset
INTSET_HEADER_SIZE: Final = 8
#: listpack.c: total bytes and count before the entries, one terminator after them
LISTPACK_HEADER_SIZE: Final = 6
LISTPACK_TERMINATOR_SIZE: Final = 1
LISTPACK_EMPTY_SIZE: Final = LISTPACK_HEADER_SIZE + LISTPACK_TERMINATOR_SIZE
LISTPACK_LIMIT: Final = 1 << 30
#: stream.h streamID, streamCG, streamConsumer
STREAM_ID_SIZE: Final = 16
STREAM_GROUP_SIZE: Final = 40
STREAM_CONSUMER_SIZE: Final = 32
#: rax.h rax, header of raxNode
RAX_SIZE: Final = 24
RAX_NODE_HEADER_SIZE: Final = 4
#: tracking.c bcastState
BROADCAST_STATE_SIZE: Final = 16
#: adlist.h list, listNode
LIST_SIZE: Final = 48
LIST_NODE_SIZE: Final = 24
#: server.h client, connection.h connection
CLIENT_SIZE: Final = 776
CONNECTION_SIZE: Final = 64
#: cluster.c migrateCachedSocket
CACHED_LINK_SIZE: Final = 24
#: server.h clientReplyBlock, replBufBlock, multiCmd, redisDb; multi.c watchedKey
REPLY_BLOCK_HEADER_SIZE: Final = 16
REPLICATION_BLOCK_HEADER_SIZE: Final = 40
MULTI_COMMAND_SIZE: Final = 24
WATCHED_KEY_SIZE: Final = 56
DATABASE_SIZE: Final = 88
#: server.h luaScript
LUA_SCRIPT_SIZE: Final = 16
#: A library of functions, a function, and what Lua keeps of one.
LIBRARY_SIZE: Final = 32
FUNCTION_SIZE: Final = 40
FUNCTION_CONTEXT_SIZE: Final = 4
#: deps/hdr_histogram hdr_histogram and its counters, as latency tracking sizes them
HISTOGRAM_SIZE: Final = 104
HISTOGRAM_COUNTERS_SIZE: Final = 24576
#: server.h PROTO_IOBUF_LEN, PROTO_REPLY_CHUNK_BYTES, PROTO_MBULK_BIG_ARG, PROTO_REPLY_MIN_BYTES
QUERY_BUFFER_BYTES: Final = 16384
REPLY_CHUNK_BYTES: Final = 16384
BIG_ARGUMENT_BYTES: Final = 32768
REPLY_BUFFER_MIN_BYTES: Final = 1024

# Sds strings (sds.c).

# An sds type is represented by the size of its header.
SDS_TYPE_5: Final = 1
SDS_TYPE_8: Final = 3
SDS_TYPE_16: Final = 5
SDS_TYPE_32: Final = 9
SDS_TYPE_64: Final = 17

#: A string that grows below this length gets twice the bytes that it needs, above it these bytes in addition.
SDS_PREALLOCATION_LIMIT: Final = 1024 * 1024

#: The longest string that shares one block with its robj (object.c OBJ_ENCODING_EMBSTR_SIZE_LIMIT)
EMBSTR_LIMIT: Final = 44


def _sds_type(length: i64) -> i64:
    if length < 32:
        return SDS_TYPE_5
    if length < 256:
        return SDS_TYPE_8
    if length < 65536:
        return SDS_TYPE_16
    if length < 4294967296:
        return SDS_TYPE_32
    return SDS_TYPE_64


def sds_header_size(length: i64) -> i64:
    """The bytes of the header, and with them the type, of a new string; an empty one gets a type that can grow."""
    return _sds_type(length) if length else SDS_TYPE_8


def sds_new_size(length: i64) -> i64:
    """The request of a new string: header, bytes, terminator."""
    if 0 < length < 32:
        return length + 2
    if length < 256:
        return length + 4
    return _sds_type(length) + length + 1


def sds_capacity(header: i64, usable: i64) -> i64:
    """The capacity of a string in a block of ``usable`` bytes, as far as the type of its header can express it.

    Type 5 stores no capacity, and its strings never have free space; their capacity is given as 0.
    """
    if header == SDS_TYPE_5:
        return 0
    capacity: i64 = usable - header - 1
    if header == SDS_TYPE_8 and capacity > 255:
        return 255
    if header == SDS_TYPE_16 and capacity > 65535:
        return 65535
    if header == SDS_TYPE_32 and capacity > 4294967295:
        return 4294967295
    return capacity


def sds_make_room(length: i64, added: i64, greedy: bool) -> tuple[i64, i64]:
    """Header and request of the block for a string of ``length`` bytes that gets ``added`` more.

    Greedy growth doubles the string up to 1 MiB, and adds 1 MiB to a longer one. The block is reallocated if the header
    stays the same, otherwise it is a new one.
    """
    wanted: i64 = length + added
    if greedy:
        wanted += wanted if wanted < SDS_PREALLOCATION_LIMIT else SDS_PREALLOCATION_LIMIT
    header: i64 = _sds_type(wanted)
    if header == SDS_TYPE_5:
        header = SDS_TYPE_8
    return header, header + wanted + 1


def sds_resize(header: i64, size: i64, would_regrow: bool) -> tuple[i64, i64]:
    """Header and request of a string that is trimmed or grown to a capacity of exactly ``size``.

    A header that could be smaller stays unless type 8 or 5 is enough. If the header stays, the block is reallocated,
    otherwise it is a new one. The capacity is ``size`` afterwards, even if the block has more. A string that has this
    capacity already is left alone.
    """
    wanted: i64 = _sds_type(size)
    if would_regrow and wanted == SDS_TYPE_5:
        wanted = SDS_TYPE_8
    if wanted == header or (SDS_TYPE_8 < wanted < header):
        wanted = header
    return wanted, wanted + size + 1


def embstr_size(length: i64) -> i64:
    """The request of a short string that shares one block with its robj."""
    return ROBJ_SIZE + SDS_TYPE_8 + length + 1


# Hash tables (dict.c).

DICT_INITIAL_BUCKETS: Final = 4


def dict_buckets(count: i64) -> i64:
    """The buckets of a table for ``count`` entries: the next power of two, at least 4."""
    buckets: i64 = DICT_INITIAL_BUCKETS
    while buckets < count:
        buckets *= 2
    return buckets


def dict_table_size(buckets: i64) -> i64:
    """The request of a table with that many buckets."""
    return buckets * POINTER_SIZE


# Listpacks (listpack.c).


def listpack_back_length_size(encoded: i64) -> i64:
    """The bytes of the field at the end of an entry that gives its length, ``encoded`` bytes."""
    if encoded <= 127:
        return 1
    if encoded < 16383:
        return 2
    if encoded < 2097151:
        return 3
    if encoded < 268435455:
        return 4
    return 5


def listpack_integer_size(value: i64) -> i64:
    """The bytes of an integer entry, including the field at its end."""
    if 0 <= value <= 127:
        return 2
    if -4096 <= value <= 4095:
        return 3
    if -32768 <= value <= 32767:
        return 4
    if -8388608 <= value <= 8388607:
        return 5
    if -2147483648 <= value <= 2147483647:
        return 6
    return 10


def listpack_string_size(length: i64) -> i64:
    """The bytes of an entry with a string of ``length`` bytes, including the field at its end."""
    encoded: i64 = length + 5
    if length < 64:
        encoded = length + 1
    elif length < 4096:
        encoded = length + 2
    return encoded + listpack_back_length_size(encoded)


# Other collections.


def intset_width(value: i64) -> i64:
    """The bytes that an integer needs in an intset (intset.c)."""
    if -32768 <= value <= 32767:
        return 2
    if -2147483648 <= value <= 2147483647:
        return 4
    return 8


def intset_size(count: i64, width: i64) -> i64:
    """The request of an intset."""
    return INTSET_HEADER_SIZE + count * width


def skiplist_node_size(level: i64) -> i64:
    """The request of a skiplist node with ``level`` levels (t_zset.c)."""
    return SKIPLIST_NODE_SIZE + SKIPLIST_LEVEL_SIZE * level


def member_node_size(level: i64, member: i64) -> i64:
    """The request of a skiplist node that has its member in the same block (measured in Valkey 9.1)."""
    text: i64 = sds_new_size(member) if member > 0 else SDS_TYPE_5 + 1  # a member never grows
    return MEMBER_NODE_SIZE + SKIPLIST_LEVEL_SIZE * level + text


def key_overhead(block_bytes: i64) -> i64:
    """What MEMORY USAGE adds to a value for its key: the block that the key's sds lies in, and its entry (object.c)."""
    return block_bytes + DICT_ENTRY_SIZE


#: The node before the first one has all levels.
SKIPLIST_HEADER_NODE_SIZE: Final = SKIPLIST_NODE_SIZE + SKIPLIST_LEVEL_SIZE * SKIPLIST_MAX_LEVEL


def rax_node_size(edge_bytes: i64, children: i64, has_value: bool) -> i64:
    """The request of a radix tree node (rax.c): header and edges, padded, then the pointers."""
    padded: i64 = (RAX_NODE_HEADER_SIZE + edge_bytes + POINTER_SIZE - 1) // POINTER_SIZE * POINTER_SIZE
    pointers: i64 = children + 1 if has_value else children
    return padded + pointers * POINTER_SIZE


def reply_block_size(needed: i64) -> i64:
    """The request of a block of replies for ``needed`` bytes (networking.c)."""
    payload: i64 = needed if needed > REPLY_CHUNK_BYTES else REPLY_CHUNK_BYTES
    return payload + REPLY_BLOCK_HEADER_SIZE
