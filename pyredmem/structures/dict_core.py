"""Redis's hash table, one key at a time: find, insert and remove, and the rehashing that these drive.

(What is done with many keys, or with the table as a whole, is in :mod:`pyredmem.structures.dict`.)

The tables are real: chained buckets, and two tables while a rehash is in progress. Each entry has a place in dense
parallel arrays: the link to the next entry of the same bucket, the ledger address of the entry. The index of an entry
in these arrays is its *slot*. A bucket holds the slot of its newest entry::

    heads             [ -1 |  2 | -1 |  0 ]     hash & mask -> newest slot of the bucket
    links             [  1 | -1 | -1 ]          slot -> next slot of its bucket   (bucket 3 holds k0, then k1)
    entry_addresses   [ e0 | e1 | e2 ]          slot -> block of the entry
                         |
    heap              [ place | word | - ]      the 24 bytes of the entry

The *place* of a key is the ledger address of its sds, and its length. Its bytes are there, in the heap, if the table
was made for that and the heap holds data: not in the interpreter, which is faster with Python objects. Else they are in
a list of all keys. The *word* of a key is what a subclass makes of it: most have one number for each value, and no
other array.

Place and word lie side by side in the block of the entry, one cache line for both; links do not, because a chain is
followed by the tags (see below), without a look at its other entries. Tables without values have keys without entries,
so they have an array of places; and so have tables whose keys are in a list, with an array of words.

Slots do not need all bits of these numbers. The bits above them hold a *tag*, the bits of the hash that follow those
which choose the bucket: a lookup compares keys only where the tags agree, so it rarely reads another key. How many bits
a slot has depends on the size of the table, and entries get new tags when they move to another table. Bucket and tag
are so many bits of the hash that a rehash need not look at the keys.

When an entry is removed, the last one moves into its slot, so the arrays stay dense and a random slot is a random
entry.

As in Redis (7.2, dict.c), growth is checked on insertion only, and each operation moves one bucket while a rehash is in
progress. The hash is that of `base/key_hash.py`. An operation here is a lookup together with what is done with
its result: ``find`` and ``find_for_insert`` move the bucket, the ``insert`` or ``remove`` after them does not. Where
Redis looks a key up in one operation and adds it in another, the owner calls ``step`` in between.

The loop over a chain stands in ``find`` and ``find_for_insert``, because these are the lookups of every command: as a
function of its own it would cost each of them one more call.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.key_hash import key_hash
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT, HeapBytes, place_of
from pyredmem.memory.heap_choice import heap_for_keys
from pyredmem.memory.layout import (
    DICT_ENTRY_NO_VALUE_SIZE,
    DICT_ENTRY_SIZE,
    DICT_INITIAL_BUCKETS,
    dict_buckets,
    dict_table_size,
    sds_new_size,
)
from pyredmem.structures.dict_groups import (
    CHILD_SIZE,
    GROUP_BUCKETS,
    GROUP_LEAST_PERCENT,
    group_children,
    group_member,
    group_room,
    group_size,
    grouped_buckets,
)
from pyredmem.structures.keepers import SlotKeeper

#: No slot; no rehash.
NONE: Final = -1
#: The most empty buckets that a step looks at for each bucket that it may move.
EMPTY_VISITS: Final = 10
#: With more keys per bucket than this a table grows whatever the memory limit says (Redis 7.2
#: HASHTABLE_MAX_LOAD_FACTOR).
URGENT_LOAD: Final = 1.618
#: More bytes than there can be.
UNLIMITED: Final = 1 << 62
#: All bits of a number in a bucket or link.
_ALL: Final = 0x7FFFFFFF
#: How many buckets to move at once when a rehash must end.
_URGENT_BUCKETS: Final = 1000
#: A table never has four times as many entries as buckets, of the larger one of two tables: it grows at 1.6 entries per
#: bucket at the latest, and while a rehash is in progress each insertion moves a bucket. (Else it makes room.)
SPARE_BITS: Final = 2


def empty_heads(buckets: i64) -> vec[i32]:
    """A table of empty buckets."""
    heads = vec[i32]([NONE] * min(buckets, 1024))
    while len(heads) < buckets:
        heads = extend(heads, heads)
    return heads


def tag_mask(buckets: i64) -> i64:
    """The bits that slots leave to tags in a table with this number of buckets, or that such a table moves to."""
    slots: i64 = (buckets << SPARE_BITS) - 1
    return _ALL & ~slots


_SMALLEST_TAG_MASK: Final = tag_mask(1)


def search(keys: list[bytes], links: vec[i32], key: bytes, digest: i64, entry: i64, tags: i64) -> i64:
    """The slot of a key with this hash in the chain that begins with ``entry``, -1 if it is not there."""
    tag = digest << SPARE_BITS & tags
    while entry >= 0:
        slot = entry ^ tag
        if slot & tags == 0 and keys[slot] == key:
            return slot
        entry = int(links[entry & ~tags])
    return NONE


class GrowthLimit:
    """The used memory above which tables do not grow, unless they are far too full; several tables can share one."""

    def __init__(self) -> None:
        self.bytes: i64 = UNLIMITED


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class DictCore:
    """The keys, their buckets, and all that a lookup, an insertion and a removal need."""

    def __init__(
        self,
        allocator: Allocator,
        owns_keys: bool,
        without_values: bool = False,
        in_heap: bool = False,
        has_words: bool = False,
    ) -> None:
        self.allocator = allocator
        #: A table without values: the first key of a bucket stands there itself and has no entry (its address is 0).
        self.without_values = without_values
        #: Eight buckets are one of Valkey, which has room for seven keys: see :mod:`pyredmem.structures.dict_groups`.
        self.grouped = without_values and allocator.sizes.groups_buckets
        #: Whether this table owns the sds of its keys; the expires table shares those of the main table.
        self.owns_keys = owns_keys
        self.hash_seed: i64 = allocator.hash_seed
        self.used: i64 = 0
        #: What has the bytes of the keys; None if they are in the list.
        self.heap: HeapBytes | None = heap_for_keys(allocator) if in_heap else None
        #: What has the places and the words, in the blocks of the entries; None if they are in arrays.
        self.entries: HeapBytes | None = None if without_values else self.heap
        #: Whether each key has a word.
        self.has_words = has_words
        self.keys: list[bytes] = []
        self.key_places: vec[i64] = vec[i64]()
        self.words: vec[i64] = vec[i64]()
        self.links: vec[i32] = vec[i32]()
        self.entry_addresses: vec[i32] = vec[i32]()
        self.heads: vec[i32] = empty_heads(1)
        self.mask: i64 = 0
        self.most: i64 = 0  # with more keys the table grows
        self.tags: i64 = _SMALLEST_TAG_MASK  # the bits of tags in this table
        self.table_address: i64 = 0  # 0: Redis has no table yet
        #: The request for a header that comes and goes with the table; 0 if the owner of the table looks after it.
        self.header_size: i64 = 0
        self.header_address: i64 = 0
        self.new_heads: vec[i32] = empty_heads(1)
        self.new_mask: i64 = 0
        self.new_tags: i64 = _SMALLEST_TAG_MASK
        self.new_table_address: i64 = 0
        self.rehash_index: i64 = NONE
        self.old_used: i64 = 0  # entries still in the old table, while rehashing
        #: The limit on the growth of this table, if there is one.
        self.growth_limit: GrowthLimit | None = None
        #: Who must see slots before they change.
        self.keeper: SlotKeeper | None = None

    # Subclasses override these to keep their own parallel arrays in step.

    def move_value(self, source: i64, target: i64) -> None:
        """Copy the value in slot ``source`` to slot ``target``."""

    def drop_last_value(self) -> None:
        """Forget the value in the last slot."""

    def trim_values(self) -> None:
        """Free the memory of slots that are no longer used."""

    def clear_values(self) -> None:
        """Forget all values."""

    # Size.

    def __len__(self) -> int:
        return self.used

    def buckets(self) -> i64:
        """The number of buckets, in both tables."""
        if self.table_address == 0:
            return 0
        if self.rehash_index >= 0:
            return self.mask + self.new_mask + 2
        return self.mask + 1

    def is_rehashing(self) -> bool:
        """Whether a rehash is in progress, so that there are two tables."""
        return self.rehash_index >= 0

    # Keys.

    def key(self, slot: i64) -> bytes:
        """The key in a slot."""
        heap = self.heap
        if heap is None:
            return self.keys[slot]
        place = self.key_place(slot)
        return heap.load(place & ADDRESS, place >> LENGTH_SHIFT)

    def all_keys(self) -> list[bytes]:
        """All keys by slot."""
        if self.heap is None:
            return self.keys.copy()
        return [self.key(slot) for slot in range(self.used)]

    def key_place(self, slot: i64) -> i64:
        """The place of the key in a slot."""
        entries = self.entries
        return self.key_places[slot] if entries is None else entries.word(i64(self.entry_addresses[slot]))

    def key_address(self, slot: i64) -> i64:
        """The ledger address of the key in a slot."""
        return self.key_place(slot) & ADDRESS

    def set_key_address(self, slot: i64, address: i64) -> None:
        """Note that the key in a slot has another address."""
        place = self.key_place(slot) & ~ADDRESS | address
        entries = self.entries
        if entries is None:
            self.key_places[slot] = place
        else:
            entries.set_word(i64(self.entry_addresses[slot]), place)

    def has_key(self, slot: i64, key: bytes) -> bool:
        """Whether this is the key in a slot."""
        entries = self.entries
        if entries is not None:
            return entries.equals_at(i64(self.entry_addresses[slot]), key, len(key))
        heap = self.heap
        if heap is None:
            return self.keys[slot] == key
        length: i64 = len(key)
        place: i64 = self.key_places[slot]
        return place >> LENGTH_SHIFT == length and heap.equals(place & ADDRESS, key, length)

    # Words. Where each command passes, callers look at ``entries`` themselves: that saves the interpreter a call.

    def word(self, slot: i64) -> i64:
        """The word of the key in a slot."""
        entries = self.entries
        return self.words[slot] if entries is None else entries.word(i64(self.entry_addresses[slot]) + 1)

    def set_word(self, slot: i64, word: i64) -> None:
        """Set the word of the key in a slot."""
        entries = self.entries
        if entries is None:
            self.words[slot] = word
        else:
            entries.set_word(i64(self.entry_addresses[slot]) + 1, word)

    def all_words(self) -> vec[i64]:
        """A copy of all words by slot."""
        if self.entries is None:
            return self.words[: self.used]
        return vec[i64]([self.word(slot) for slot in range(self.used)])

    def put_words(self, words: vec[i64]) -> None:
        """Let the slots have these words."""
        if self.entries is None:
            self.words = words
            return
        slot: i64 = 0
        while slot < self.used:
            self.set_word(slot, words[slot])
            slot += 1

    # Lookup.

    def find(self, key: bytes) -> int:
        """The slot of a key, -1 if it is not there. A rehash in progress moves one bucket first."""
        if self.rehash_index >= 0:
            self.rehash(1)
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
            self.rehash(1)
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
        entry_address: i64 = 0
        if not self.without_values or (head >= 0 and not self.grouped):
            entry_address = allocator.alloc(DICT_ENTRY_NO_VALUE_SIZE if self.without_values else DICT_ENTRY_SIZE)
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
        if not self.grouped:
            return slot
        return self._join_group(slot, self.new_heads if self.rehash_index >= 0 else self.heads, bucket, tags)

    def remove(self, slot: i64) -> None:
        """Remove the key in a slot; the entry in the last slot moves there."""
        if self.keeper is not None:
            self.keeper.before_change(slot)
            self.keeper.before_change(self.used - 1)
        in_old = self._redirect(slot, NONE)
        if in_old and self.rehash_index >= 0:
            self.old_used -= 1
        if self.grouped:
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
        self.tags = _SMALLEST_TAG_MASK
        self.new_heads = empty_heads(1)
        self.new_mask = 0
        self.new_tags = _SMALLEST_TAG_MASK
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

    # Tables.

    def expand(self, size: i64) -> None:
        """Make room for ``size`` keys in all, as Redis does where it knows the number beforehand."""
        if self.rehash_index < 0 and size > self.used:
            self._resize(self._wanted_buckets(size))

    def shrink_if_sparse(self) -> bool:
        """Start to shrink a table that has fewer keys than 10 percent of its buckets; True if it did."""
        if self.rehash_index >= 0 or self.table_address == 0:
            return False
        buckets = self.mask + 1
        if self.grouped:
            if buckets <= GROUP_BUCKETS or self.used * 100 >= GROUP_LEAST_PERCENT * group_room(buckets):
                return False
        elif buckets <= DICT_INITIAL_BUCKETS or self.used * 100 // buckets >= 10:
            return False
        self._resize(self._wanted_buckets(self.used))
        return True

    def grow_if_full(self) -> None:
        """Start to grow a table before the key comes for which it would grow."""
        if self.rehash_index < 0 and self.table_address != 0 and self.used > self.most:
            self._grow()

    def _grow(self) -> None:
        if self.table_address == 0:
            self._resize(GROUP_BUCKETS if self.grouped else DICT_INITIAL_BUCKETS)
            return
        buckets = self._wanted_buckets(self.used + 1)
        limit = self.growth_limit
        if (
            limit is None
            or self.allocator.used_memory + dict_table_size(buckets) <= limit.bytes
            or float(self.used) > URGENT_LOAD * float(self.most + 1)
        ):
            self._resize(buckets)

    def _make_room_for_slots(self) -> None:
        """End a rehash for which nobody called ``step``, and grow: slots have outgrown their bits."""
        while self.rehash(_URGENT_BUCKETS):
            pass
        self._resize(self._wanted_buckets(self.used + 1))

    def _wanted_buckets(self, count: i64) -> i64:
        return grouped_buckets(count) if self.grouped else dict_buckets(count)

    def _resize(self, buckets: i64) -> None:
        if self.table_address == 0:
            self.table_address = self.allocator.alloc(dict_table_size(buckets))
            self.fit_header()
            self.heads = empty_heads(buckets)
            self.mask = buckets - 1
            self.fit_most()
            self.tags = tag_mask(buckets)
            return
        if buckets == self.mask + 1:
            return
        self.new_table_address = self.allocator.alloc(dict_table_size(buckets))
        self.new_heads = empty_heads(buckets)
        self.new_mask = buckets - 1
        self.new_tags = tag_mask(max(buckets, self.mask + 1))
        self.rehash_index = 0
        self.old_used = self.used
        if self.used == 0:
            self._finish_rehash()

    def fit_most(self) -> None:
        """Know when the table, which has another mask, grows."""
        self.most = group_room(self.mask + 1) - 1 if self.grouped else self.mask

    def fit_header(self) -> None:
        """Have a header if there is a table."""
        if self.header_size > 0 and self.table_address != 0 and self.header_address == 0:
            self.header_address = self.allocator.alloc(self.header_size)
        elif self.table_address == 0 and self.header_address != 0:
            self.allocator.free(self.header_address)
            self.header_address = 0

    def rehash(self, buckets: i64) -> bool:
        """Move at most ``buckets`` buckets to the new table; False when no rehash is in progress any more."""
        if self.rehash_index < 0:
            return False
        visits = buckets * EMPTY_VISITS
        heads = self.heads
        if self.grouped:
            return self._rehash_groups(buckets, visits)
        while buckets > 0 and self.old_used > 0:
            while heads[self.rehash_index] < 0:
                self.rehash_index += 1
                visits -= 1
                if visits == 0:
                    return True
            self._move_bucket(self.rehash_index)
            self.rehash_index += 1
            buckets -= 1
        if self.old_used == 0:
            self._finish_rehash()
            return False
        return True

    def _move_bucket(self, bucket: i64) -> None:
        entry: i64 = i64(self.heads[bucket])
        old_tags = self.tags
        is_known = old_tags == tag_mask(self.mask + 1)
        mask = self.new_mask
        tags = self.new_tags
        new_heads = self.new_heads
        while entry >= 0:
            slot = entry & ~old_tags
            # All bits of the hash that anybody asks for: the lower ones choose the bucket, and the tag has the next.
            digest: i64 = bucket | (entry & old_tags) >> SPARE_BITS
            if not is_known:  # the table was larger once, and the tags are still those of that time
                digest = key_hash(self.key(slot), self.hash_seed)
            entry = i64(self.links[slot])
            target: i64 = digest & mask
            if self.grouped:
                self._free_child(slot)
            elif self.without_values:
                self._fit_entry(slot, new_heads[target] < 0)
            self.links[slot] = new_heads[target]
            new_heads[target] = i32(slot | digest << SPARE_BITS & tags)
            self.old_used -= 1
            if self.grouped:
                self._join_group(slot, new_heads, target, tags)
        self.heads[bucket] = i32(NONE)

    # Groups: see :mod:`pyredmem.structures.dict_groups`.

    def _rehash_groups(self, groups: i64, visits: i64) -> bool:
        """Move groups, of which empty ones do not count; False when no rehash is in progress any more."""
        while groups > 0 and visits > 0 and self.old_used > 0:
            before = self.old_used
            end: i64 = self.rehash_index + GROUP_BUCKETS
            bucket: i64 = self.rehash_index
            while bucket < end:
                if self.heads[bucket] >= 0:
                    self._move_bucket(bucket)
                bucket += 1
            self.rehash_index = end
            if self.old_used < before:
                groups -= 1
            else:
                visits -= 1
        if self.old_used == 0:
            self._finish_rehash()
            return False
        return True

    def _join_group(self, slot: i64, heads: vec[i32], bucket: i64, tags: i64) -> i64:
        """Give a key that was added to a bucket a child bucket if its group has no room; returns its slot."""
        count = group_size(heads, self.links, bucket, tags)
        if group_children(count) > group_children(count - 1):
            self.entry_addresses[slot] = i32(self.allocator.alloc(CHILD_SIZE))
        return slot

    def _leave_group(self, slot: i64, in_old: bool) -> None:
        """Let a key that was taken out of its bucket have the child bucket which its group does not need any more.

        If the group needs all of them, another key gets that of this one.
        """
        digest = key_hash(self.key(slot), self.hash_seed)
        heads = self.heads if in_old else self.new_heads
        tags = self.tags if in_old else self.new_tags
        bucket = digest & (self.mask if in_old else self.new_mask)
        count = group_size(heads, self.links, bucket, tags)
        has_child = self.entry_addresses[slot] != 0
        if has_child == (group_children(count) < group_children(count + 1)):
            return
        other = group_member(heads, self.links, self.entry_addresses, bucket, tags, not has_child)
        address = self.entry_addresses[slot]
        self.entry_addresses[slot] = self.entry_addresses[other]
        self.entry_addresses[other] = address

    def _free_child(self, slot: i64) -> None:
        address: i64 = i64(self.entry_addresses[slot])
        if address != 0:
            self.allocator.free(address)
            self.entry_addresses[slot] = 0

    def children(self) -> i64:
        """How many child buckets there are."""
        found: i64 = 0
        if self.grouped:
            slot: i64 = 0
            while slot < self.used:
                if self.entry_addresses[slot] != 0:
                    found += 1
                slot += 1
        return found

    def entry_bytes(self) -> i64:
        """The request for the block of an entry, or for what some keys have in its place."""
        if self.grouped:
            return CHILD_SIZE
        return DICT_ENTRY_NO_VALUE_SIZE if self.without_values else DICT_ENTRY_SIZE

    def _fit_entry(self, slot: i64, is_first: bool) -> None:
        """Give a key without value an entry, or free its entry, as its place in the new bucket requires."""
        entry_address: i64 = i64(self.entry_addresses[slot])
        if is_first and entry_address != 0:
            self.allocator.free(entry_address)
            self.entry_addresses[slot] = 0
        elif not is_first and entry_address == 0:
            self.entry_addresses[slot] = i32(self.allocator.alloc(DICT_ENTRY_NO_VALUE_SIZE))

    def _finish_rehash(self) -> None:
        self.allocator.free(self.table_address)
        self.table_address = self.new_table_address
        self.heads = self.new_heads
        self.mask = self.new_mask
        self.fit_most()
        self.tags = self.new_tags
        self.new_table_address = 0
        self.new_heads = empty_heads(1)
        self.new_mask = 0
        self.new_tags = _SMALLEST_TAG_MASK
        self.rehash_index = NONE
        if self.used * 4 < len(self.links):  # the arrays shrink together with the table
            self.trim()

    def trim(self) -> None:
        """Free the memory of slots that are no longer used. It takes as long as to copy those that are."""
        self.key_places = self.key_places[: self.used]
        self.words = self.words[: self.used]
        self.links = self.links[: self.used]
        self.entry_addresses = self.entry_addresses[: self.used]
        self.trim_values()
