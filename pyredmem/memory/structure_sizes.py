"""Where versions of Redis differ in the sizes of their structures, other than in the blocks of keys.

What they have in common is in :mod:`pyredmem.memory.layout`. An allocator has the sizes of one version, so whoever
allocates a block has them at hand. Those of Redis 8.2 and Valkey 9.1 are measured (docs/memory-model-8.2.md and
memory-model-valkey.md).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.layout import (
    DICT_ENTRY_SIZE,
    DICT_SIZE,
    RAX_SIZE,
    ROBJ_SIZE,
    SDS_TYPE_5,
    SDS_TYPE_8,
    SDS_TYPE_16,
    sds_capacity,
)


class StructureSizes:
    """The sizes of Redis 7.2, and of 7.4 for hashes with fields that expire."""

    def __init__(self) -> None:
        #: By how much more a server takes before its first client than that of Redis 7.2 with the same allocator.
        self.startup_change: i64 = 0
        #: Allocated, but not in used_memory: thread caches, and allocations that bypass the counter.
        self.cached_bytes: i64 = 267_112
        #: The headers of the tables of a database, which come and go with the tables; 0 if they are always there.
        self.key_table: i64 = 0
        self.expire_table: i64 = 0
        #: Whether they stay when all keys are removed at once.
        self.keeps_headers = False
        #: Whether a database has a table of its keys whose fields expire, with such a header.
        self.has_timed_key_table = False
        #: Whether MEMORY STATS counts them with the buckets, and has an empty database whose tables have been used.
        self.counts_headers = False
        #: What it counts for the functions of an empty server, more than Redis 7.2.
        self.functions_change: i64 = 0
        #: Whether the timer lets a full table of a database grow; else only the next key does.
        self.timer_grows_tables = False
        #: What MEMORY STATS counts for these tables, and in them for each key and each time.
        self.counted_tables: i64 = 0
        self.counted_key: i64 = DICT_ENTRY_SIZE + ROBJ_SIZE
        self.counted_time: i64 = DICT_ENTRY_SIZE
        #: What MEMORY USAGE counts for the entry of a member of a sorted set, which has DICT_ENTRY_SIZE in any case.
        self.counted_sorted_set_entry: i64 = DICT_ENTRY_SIZE
        self.stream: i64 = 80
        self.radix_tree: i64 = RAX_SIZE
        #: Whether MEMORY USAGE counts the trees of a stream as they are; else it estimates them.
        self.counts_trees = False
        self.pending_entry: i64 = 24
        #: The header of a listpack of fields with times.
        self.packed_times: i64 = 32
        #: What times add to the header of a hash table.
        self.table_times: i64 = 32
        #: Whether MEMORY USAGE counts that, and the tree of the times.
        self.counts_table_times = True
        #: Whether MEMORY USAGE estimates a list from the bytes of an element, not from those of a node.
        self.measures_elements = False
        #: Whether an operation moves the bucket of its own key first while a table is being rehashed.
        self.moves_own_bucket = False
        #: Whether an element of a list that is larger than a node may be gets a plain node.
        self.plain_large_elements = False
        #: Whether tables without entries have Valkey's buckets: see structures/dict_groups.py.
        self.groups_buckets = False
        self.set_header: i64 = DICT_SIZE
        #: What MEMORY USAGE counts for the entry of a member of a set, whether or not it has one.
        self.counted_set_entry: i64 = DICT_ENTRY_SIZE
        #: Whether a node of a skiplist has its member in the same block, and the head the header of the list.
        self.embeds_members = False
        self.hash_header: i64 = DICT_SIZE
        #: Whether a field of a hash table shares a block with its value: see memory/field_block.py.
        self.embeds_values = False
        #: What an entry in the queue of parsed requests takes; 0 if a request is parsed when the one before it has run.
        self.queued_request: i64 = 0
        #: Whether an sds knows all of the bytes that its block has, because its header is chosen by the block.
        self.knows_its_block = False

    def sds_header(self, header: i64, usable: i64) -> i64:
        """The header of a string that would have ``header``, in a block of ``usable`` bytes."""
        if self.knows_its_block and header != SDS_TYPE_5:
            while header < _LARGE_HEADER and sds_capacity(header, usable) < usable - header - 1:
                header = SDS_TYPE_16 if header == SDS_TYPE_8 else _LARGE_HEADER
        return header


#: This header can express any capacity below 4 GiB.
_LARGE_HEADER: Final = 9


def _sizes_of_8_2() -> StructureSizes:
    sizes = StructureSizes()
    sizes.startup_change = -212_104
    sizes.cached_bytes = 740_000
    sizes.plain_large_elements = True
    sizes.key_table = 2464  # with a histogram of the sizes of keys
    sizes.expire_table = 64
    sizes.timer_grows_tables = True
    sizes.counted_tables = 216
    sizes.counted_key = 32
    sizes.counted_time = 16
    sizes.counted_sorted_set_entry = 16
    sizes.stream = 112
    sizes.pending_entry = 32
    sizes.packed_times = 24
    sizes.table_times = 24
    sizes.counts_table_times = False
    sizes.measures_elements = True
    sizes.moves_own_bucket = True
    sizes.knows_its_block = True
    return sizes


def _sizes_of_valkey() -> StructureSizes:
    sizes = StructureSizes()
    sizes.startup_change = 41_408
    sizes.plain_large_elements = True
    sizes.radix_tree = 32
    sizes.groups_buckets = True
    sizes.set_header = 80
    sizes.hash_header = 88
    sizes.embeds_values = True
    sizes.table_times = 0
    sizes.embeds_members = True
    sizes.counted_set_entry = 0
    sizes.key_table = 96
    sizes.expire_table = 96
    sizes.keeps_headers = True
    sizes.has_timed_key_table = True
    sizes.counts_headers = True
    sizes.functions_change = 104
    sizes.counted_tables = 112
    sizes.counted_key = 16
    sizes.counted_time = 0
    sizes.knows_its_block = True
    sizes.counts_trees = True
    sizes.queued_request = 48
    return sizes


REDIS_7_2: Final = StructureSizes()
REDIS_8_2: Final = _sizes_of_8_2()
VALKEY_9_1: Final = _sizes_of_valkey()
