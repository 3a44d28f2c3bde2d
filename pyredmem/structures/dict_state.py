"""The state of a hash table at one moment: its keys, and their places in slots and buckets, without the values.

A table that is put back into its state has the same order for SCAN, for samples and for random keys, and is as far in
a rehash as it was. Copying the arrays takes a few nanoseconds per key. The blocks of the ledger are not part of the
state, only the sizes of those of the buckets: whoever puts a table back says which blocks the entries have now.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.base.key_hash import key_hash
from pyredmem.memory.allocator import Allocator
from pyredmem.structures.dict import Dict
from pyredmem.structures.dict_core import search


class DictState:
    """A copy of the arrays of a table."""

    def __init__(self, table: Dict) -> None:
        allocator = table.allocator
        self._hash_seed: i64 = table.hash_seed
        self.used: i64 = table.used
        self.keys = table.all_keys()
        self._links: vec[i32] = table.links[: table.used]
        #: The blocks of the entries then, of a table where not every key has one: which keys those are.
        self._entries: vec[i32] = table.entry_addresses[: table.used if table.without_values else 0]
        self._entry_bytes: i64 = table.entry_bytes()
        self._heads: vec[i32] = table.heads[:]
        self._mask: i64 = table.mask
        self._tags: i64 = table.tags
        self._table_bytes: i64 = _size(table.table_address, allocator)
        self._header_bytes: i64 = _size(table.header_address, allocator)
        self._new_heads: vec[i32] = table.new_heads[:]
        self._new_mask: i64 = table.new_mask
        self._new_tags: i64 = table.new_tags
        self._new_table_bytes: i64 = _size(table.new_table_address, allocator)
        self._rehash_index: i64 = table.rehash_index
        self._old_used: i64 = table.old_used

    def find(self, key: bytes) -> i64:
        """The slot of a key, -1 if it was not there."""
        digest = key_hash(key, self._hash_seed)
        bucket: i64 = digest & self._mask
        if bucket >= self._rehash_index:
            slot = search(self.keys, self._links, key, digest, i64(self._heads[bucket]), self._tags)
            if slot >= 0:
                return slot
        entry: i64 = i64(self._new_heads[digest & self._new_mask])
        return search(self.keys, self._links, key, digest, entry, self._new_tags)

    def fit_entries(self, entries: vec[i32], allocator: Allocator) -> None:
        """Give each slot that had an entry a block, and free the others; 0 in ``entries`` stands for no block."""
        slot: i64 = 0
        while slot < self.used:
            has_entry = len(self._entries) == 0 or self._entries[slot] != 0
            if has_entry and entries[slot] == 0:
                entries[slot] = i32(allocator.alloc(self._entry_bytes))
            elif not has_entry and entries[slot] != 0:
                allocator.free(i64(entries[slot]))
                entries[slot] = 0
            slot += 1

    def put_back(self, table: Dict, entry_addresses: vec[i32], key_addresses: vec[i32]) -> None:
        """Give a table, whose own entries have been freed or are among these, its state of then."""
        allocator = table.allocator
        table.table_address = _fitted(table.table_address, self._table_bytes, allocator)
        table.new_table_address = _fitted(table.new_table_address, self._new_table_bytes, allocator)
        table.header_address = _fitted(table.header_address, self._header_bytes, allocator)
        table.used = self.used
        table.links = self._links[:]
        table.entry_addresses = entry_addresses
        table.put_keys(self.keys, key_addresses)
        table.heads = self._heads[:]
        table.mask = self._mask
        table.fit_most()
        table.tags = self._tags
        table.new_heads = self._new_heads[:]
        table.new_mask = self._new_mask
        table.new_tags = self._new_tags
        table.rehash_index = self._rehash_index
        table.old_used = self._old_used


def _size(address: i64, allocator: Allocator) -> i64:
    return 0 if address == 0 else allocator.usable(address)


def _fitted(address: i64, size: i64, allocator: Allocator) -> i64:
    """A block of a usable size in place of another block; 0 means none, either way."""
    if _size(address, allocator) == size:
        return address
    if address != 0:
        allocator.free(address)
    return 0 if size == 0 else allocator.alloc(size)
