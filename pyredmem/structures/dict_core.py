"""Redis's hash table, one key at a time: find, insert and remove, and the rehashing that these drive.

(What is done with many keys, or with the table as a whole, is in :mod:`pyredmem.structures.dict`; the arrays are in
:mod:`pyredmem.structures.dict_slots`, the buckets in :mod:`pyredmem.structures.dict_tables`.)

When an entry is removed, the last one moves into its slot, so the arrays stay dense and a random slot is a random
entry.

As in Redis (7.2, dict.c), growth is checked on insertion only, and each operation moves one bucket while a rehash is in
progress: the next one, or that of its own key if it is still in the old table (8.2, measured). The hash is that of
`base/key_hash.py`. An operation here is a lookup together with what is done with its result: ``find`` and
``find_for_insert`` move the bucket, the ``insert`` or ``remove`` after them does not. Where Redis looks a key up in one
operation and adds it in another, the owner calls ``step`` in between.

The loop over a chain stands in ``find`` and ``find_for_insert``, because these are the lookups of every command: as a
function of its own it would cost each of them one more call.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.key_hash import key_hash
from pyredmem.memory.heap_bytes import place_of
from pyredmem.memory.layout import sds_new_size
from pyredmem.structures.dict_tables import NONE, SMALLEST_TAG_MASK, SPARE_BITS, DictTables, empty_heads

#: How many buckets to move at once when a rehash must end.
_URGENT_BUCKETS: Final = 1000


def search(keys: list[bytes], links: vec[i32], key: bytes, digest: i64, entry: i64, tags: i64) -> i64:
    """The slot of a key with this hash in the chain that begins with ``entry``, -1 if it is not there."""
    tag = digest << SPARE_BITS & tags
    while entry >= 0:
        slot = entry ^ tag
        if slot & tags == 0 and keys[slot] == key:
            return slot
        entry = int(links[entry & ~tags])
    return NONE


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class DictCore(DictTables):
    """All that a lookup, an insertion and a removal need."""

    # Lookup.

    def find(self, key: bytes) -> int:
        """The slot of a key, -1 if it is not there. A rehash in progress moves one bucket first."""
        if self.rehash_index >= 0:
            self.step_for(key)
            if self.rehash_index >= 0:
                return self.find_rehashing(key)
        digest = key_hash(key, self.hash_seed)
        entry: i64 = int(self.heads[digest & self.mask])
        tags = self.tags
        tag = digest << SPARE_BITS & tags
        keys = self.keys
        heap = self.heap
        while entry >= 0:
            slot = entry ^ tag
            if slot & tags == 0 and (keys[slot] == key if heap is None else self.has_key(slot, key)):
                return slot
            entry = int(self.links[entry & ~tags])
        return NONE

    def find_for_insert(self, key: bytes) -> int:
        """Like ``find``, for a key that is inserted if it is not there: a full table begins to grow in both cases."""
        if self.rehash_index >= 0:
            self.step_for(key)
        if self.rehash_index < 0 and self.used > self.most:
            self._grow()
        if self.rehash_index >= 0:
            return self.find_rehashing(key)
        digest = key_hash(key, self.hash_seed)
        entry: i64 = int(self.heads[digest & self.mask])
        tags = self.tags
        tag = digest << SPARE_BITS & tags
        keys = self.keys
        heap = self.heap
        while entry >= 0:
            slot = entry ^ tag
            if slot & tags == 0 and (keys[slot] == key if heap is None else self.has_key(slot, key)):
                return slot
            entry = int(self.links[entry & ~tags])
        return NONE

    def step(self) -> None:
        """Move a bucket if a rehash is in progress."""
        if self.rehash_index >= 0:
            self.rehash(1)

    def step_for(self, key: bytes) -> None:
        """Move a bucket if a rehash is in progress: that of a key which is looked at, if the version moves that one."""
        if self.rehash_index >= 0 and self.allocator.sizes.moves_own_bucket:
            bucket: i64 = key_hash(key, self.hash_seed) & self.mask
            if bucket >= self.rehash_index and self.heads[bucket] >= 0:
                self._move_bucket(bucket)
                if self.old_used == 0:
                    self._finish_rehash()
                return
        self.step()

    def find_rehashing(self, key: bytes) -> i64:
        """Like ``find`` while there are two tables, but moves no bucket."""
        digest = key_hash(key, self.hash_seed)
        bucket: i64 = digest & self.mask
        if bucket >= self.rehash_index:
            slot = self._search(key, digest, i64(self.heads[bucket]), self.tags)
            if slot >= 0:
                return slot
        return self._search(key, digest, i64(self.new_heads[digest & self.new_mask]), self.new_tags)

    def _search(self, key: bytes, digest: i64, entry: i64, tags: i64) -> i64:
        """The slot of a key with this hash in the chain that begins with ``entry``, -1 if it is not there."""
        tag = digest << SPARE_BITS & tags
        while entry >= 0:
            slot = entry ^ tag
            if slot & tags == 0 and self.has_key(slot, key):
                return slot
            entry = int(self.links[entry & ~tags])
        return NONE

    def find_moved(self, key: bytes, address: i64) -> i64:
        """The slot of a key that another table owns, -1 if it is not there; its sds had this address until now.

        The bytes at the address are not read. No bucket moves.
        """
        digest = key_hash(key, self.hash_seed)
        bucket: i64 = digest & self.mask
        entry: i64 = i64(self.heads[bucket]) if bucket >= self.rehash_index else NONE
        tags = self.tags
        while entry >= 0 and self.key_address(entry & ~tags) != address:
            entry = i64(self.links[entry & ~tags])
        if entry < 0 and self.rehash_index >= 0:
            entry = i64(self.new_heads[digest & self.new_mask])
            tags = self.new_tags
            while entry >= 0 and self.key_address(entry & ~tags) != address:
                entry = i64(self.links[entry & ~tags])
        return entry & ~tags if entry >= 0 else NONE

    # Change.

    def insert(self, key: bytes, key_address: i64, word: i64 = 0) -> i64:
        """Add a key that is not there, with its word; returns its slot, which is the last one.

        ``key_address`` is the sds of the key if another table owns it; a table that owns its keys allocates one.
        """
        if self.rehash_index < 0 and (self.used > self.most or self.table_address == 0):
            self._grow()
        allocator = self.allocator
        slot = self.used
        tags = self.new_tags if self.rehash_index >= 0 else self.tags
        if slot & tags != 0:
            self._make_room_for_slots()
            tags = self.new_tags
        length: i64 = len(key)
        if self.owns_keys:
            key_address = allocator.alloc(sds_new_size(length))
        heap = self.heap
        if heap is None:
            self.keys.append(key)
        elif self.owns_keys:
            heap.store(key_address, key, length)
        digest = key_hash(key, self.hash_seed)
        head: i32
        if self.rehash_index >= 0:
            bucket: i64 = digest & self.new_mask
            head = self.new_heads[bucket]
            self.new_heads[bucket] = i32(slot | digest << SPARE_BITS & tags)
        else:
            bucket = digest & self.mask
            head = self.heads[bucket]
            self.heads[bucket] = i32(slot | digest << SPARE_BITS & tags)
        entry_size = self.entry_size if head >= 0 else self.first_entry_size
        entry_address: i64 = allocator.alloc(entry_size) if entry_size != 0 else 0
        if slot < len(self.links):
            self.links[slot] = head
            self.entry_addresses[slot] = i32(entry_address)
        else:
            self.links = append(self.links, head)
            self.entry_addresses = append(self.entry_addresses, i32(entry_address))
        entries = self.entries
        if entries is not None:
            entries.set_words(entry_address, place_of(key_address, length), word)
        elif slot < len(self.key_places):
            self.key_places[slot] = place_of(key_address, length)
            if self.has_words:
                self.words[slot] = word
        else:
            self.key_places = append(self.key_places, place_of(key_address, length))
            if self.has_words:
                self.words = append(self.words, word)
        self.used = slot + 1
        if self.groups is not None:
            self._fit_group(digest, self.rehash_index < 0)
        return slot

    def remove(self, slot: i64) -> None:
        """Remove the key in a slot; the entry in the last slot moves there."""
        if self.keeper is not None:
            self.keeper.before_change(slot)
            self.keeper.before_change(self.used - 1)
        in_old = self._redirect(slot, NONE)
        if in_old and self.rehash_index >= 0:
            self.old_used -= 1
        if self.groups is not None:
            self._leave_group(slot, in_old)
        entry_address: i64 = i64(self.entry_addresses[slot])
        key_address = self.key_address(slot)  # which may be known to the entry alone
        if entry_address != 0:
            self.allocator.free(entry_address)
        if self.owns_keys:
            self.allocator.free(key_address)
        last = self.used - 1
        if slot != last:
            self._redirect(last, slot)
            if self.heap is None:
                self.keys[slot] = self.keys[last]
            if self.entries is None:
                self.key_places[slot] = self.key_places[last]
                if self.has_words:
                    self.words[slot] = self.words[last]
            self.links[slot] = self.links[last]
            self.entry_addresses[slot] = self.entry_addresses[last]
            self.move_value(last, slot)
        if self.heap is None:
            self.keys.pop()
        self.drop_last_value()
        self.used = last
        if self.rehash_index >= 0 and self.old_used == 0:
            self._finish_rehash()

    def _leave_group(self, slot: i64, in_old: bool) -> None:
        """Let the group of a key that is in no bucket any more have its child bucket, or do without."""
        address: i64 = i64(self.entry_addresses[slot])
        self.entry_addresses[slot] = 0
        if address != 0:
            self.allocator.free(address)
        self._fit_group(key_hash(self.key(slot), self.hash_seed), in_old)

    def _fit_group(self, digest: i64, in_old: bool) -> None:
        """Let the group of keys with this hash have the child buckets that it needs."""
        groups = self.groups
        assert groups is not None
        if in_old:
            groups.fit(self.heads, self.links, self.entry_addresses, digest & self.mask, self.tags)
        else:
            groups.fit(self.new_heads, self.links, self.entry_addresses, digest & self.new_mask, self.new_tags)

    def clear(self) -> None:
        """Remove all keys and free the tables."""
        if self.keeper is not None:
            self.keeper.before_clear()
        allocator = self.allocator
        slot: i64 = 0
        while slot < self.used:
            entry_address: i64 = i64(self.entry_addresses[slot])
            key_address = self.key_address(slot)
            if entry_address != 0:
                allocator.free(entry_address)
            if self.owns_keys:
                allocator.free(key_address)
            slot += 1
        if self.table_address != 0:
            allocator.free(self.table_address)
        if self.new_table_address != 0:
            allocator.free(self.new_table_address)
        self.table_address = 0
        self.new_table_address = 0
        self.fit_header()
        self.rehash_index = NONE
        self.old_used = 0
        self.used = 0
        self.keys = []
        self.key_places = vec[i64]()
        self.words = vec[i64]()
        self.links = vec[i32]()
        self.entry_addresses = vec[i32]()
        self.heads = empty_heads(1)
        self.mask = 0
        self.most = 0
        self.tags = SMALLEST_TAG_MASK
        self.new_heads = empty_heads(1)
        self.new_mask = 0
        self.new_tags = SMALLEST_TAG_MASK
        self.clear_values()

    def _redirect(self, slot: i64, target: i64) -> bool:
        """Make the bucket or link that points at ``slot`` point at the slot ``target`` instead.

        If ``target`` is -1 it then points at the next entry of the chain, so the slot is in no chain any more.
        Returns True if the slot was in the old (or only) table.
        """
        digest = key_hash(self.key(slot), self.hash_seed)
        bucket: i64 = digest & self.mask
        if bucket >= self.rehash_index and self._relink(self.heads, bucket, digest, self.tags, slot, target):
            return True
        found = self._relink(self.new_heads, digest & self.new_mask, digest, self.new_tags, slot, target)
        assert found, f"slot {slot} is in no bucket"
        return False

    def _relink(self, heads: vec[i32], bucket: i64, digest: i64, tags: i64, slot: i64, target: i64) -> bool:
        tag = digest << SPARE_BITS & tags
        replacement = self.links[slot] if target < 0 else i32(target | tag)
        entry: i64 = i64(heads[bucket])
        if entry == slot | tag:
            heads[bucket] = replacement
            return True
        while entry >= 0:
            following: i64 = i64(self.links[entry & ~tags])
            if following == slot | tag:
                self.links[entry & ~tags] = replacement
                return True
            entry = following
        return False

    def _make_room_for_slots(self) -> None:
        """End a rehash for which nobody called ``step``, and grow: slots have outgrown their bits."""
        while self.rehash(_URGENT_BUCKETS):
            pass
        self._resize(self._wanted_buckets(self.used + 1))
