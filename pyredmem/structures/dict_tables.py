"""The buckets of Redis's hash table, and how they are moved to another table.

(The keys are in :mod:`pyredmem.structures.dict_slots`, their lookup in :mod:`pyredmem.structures.dict_core`.)

The tables are real: chained buckets, and two tables while a rehash is in progress. A bucket holds the slot of its
newest key::

    heads             [ -1 |  2 | -1 |  0 ]     hash & mask -> newest slot of the bucket
    links             [  1 | -1 | -1 ]          slot -> next slot of its bucket   (bucket 3 holds k0, then k1)

Slots do not need all bits of these numbers. The bits above them hold a *tag*, the bits of the hash that follow those
which choose the bucket: a lookup compares keys only where the tags agree, so it rarely reads another key. How many bits
a slot has depends on the size of the table, and entries get new tags when they move to another table. A bucket and a
tag together have enough bits of the hash for a rehash, which need not look at the keys.

Valkey's buckets are groups of these: see :mod:`pyredmem.structures.dict_groups`.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.key_hash import key_hash
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import DICT_ENTRY_NO_VALUE_SIZE, DICT_INITIAL_BUCKETS, dict_buckets, dict_table_size
from pyredmem.structures.dict_groups import CHILD_SIZE, GROUP_BUCKETS, BucketGroups, grouped_buckets
from pyredmem.structures.dict_slots import DictSlots

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


#: The tags of a table with one bucket.
SMALLEST_TAG_MASK: Final = tag_mask(1)


class GrowthLimit:
    """The used memory above which tables do not grow, unless they are far too full; several tables can share one."""

    def __init__(self) -> None:
        self.bytes: i64 = UNLIMITED


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class DictTables(DictSlots):
    """The two tables of buckets: how they grow, shrink and are rehashed."""

    def __init__(
        self,
        allocator: Allocator,
        owns_keys: bool,
        without_values: bool = False,
        in_heap: bool = False,
        has_words: bool = False,
    ) -> None:
        super().__init__(allocator, owns_keys, without_values, in_heap, has_words)
        self.hash_seed: i64 = allocator.hash_seed
        #: Valkey's buckets, if this table has them.
        self.groups: BucketGroups | None = None
        if without_values and allocator.sizes.groups_buckets:
            self.groups = BucketGroups(allocator)
            self.entry_size = 0
        self.heads: vec[i32] = empty_heads(1)
        self.mask: i64 = 0
        self.most: i64 = 0  # with more keys the table grows
        self.tags: i64 = SMALLEST_TAG_MASK  # the bits of tags in this table
        self.table_address: i64 = 0  # 0: Redis has no table yet
        #: The request for a header that comes and goes with the table; 0 if the owner of the table looks after it.
        self.header_size: i64 = 0
        self.header_address: i64 = 0
        #: Whether the header stays when all keys are removed at once.
        self.keeps_header = False
        self.new_heads: vec[i32] = empty_heads(1)
        self.new_mask: i64 = 0
        self.new_tags: i64 = SMALLEST_TAG_MASK
        self.new_table_address: i64 = 0
        self.rehash_index: i64 = NONE
        self.old_used: i64 = 0  # entries still in the old table, while rehashing
        #: The limit on the growth of this table, if there is one.
        self.growth_limit: GrowthLimit | None = None

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
        groups = self.groups
        if groups is not None:
            if not groups.is_sparse(self.used, buckets):
                return False
        elif buckets <= DICT_INITIAL_BUCKETS or self.used * 100 // buckets >= 10:
            return False
        self._resize(self._wanted_buckets(self.used))
        return True

    def pause_shrinking(self) -> None:
        """Let a table of Valkey keep its size until ``resume_shrinking``, though it may be sparse."""
        if self.groups is not None:
            self.groups.keeps_size = True

    def resume_shrinking(self) -> None:
        """Let it shrink again, at once if it is sparse."""
        if self.groups is not None:
            self.groups.keeps_size = False
            self.shrink_if_sparse()

    def grow_if_full(self) -> None:
        """Start to grow a table before the key comes for which it would grow."""
        if self.rehash_index < 0 and self.table_address != 0 and self.used > self.most:
            self._grow()

    def reopen(self) -> None:
        """Give a table that has kept its header the smallest table, before the key comes that would."""
        if self.table_address == 0 and self.header_address != 0:
            self._grow()

    def _grow(self) -> None:
        if self.table_address == 0:
            self._resize(DICT_INITIAL_BUCKETS if self.groups is None else GROUP_BUCKETS)
            return
        buckets = self._wanted_buckets(self.used + 1)
        limit = self.growth_limit
        if (
            limit is None
            or self.allocator.used_memory + dict_table_size(buckets) <= limit.bytes
            or float(self.used) > URGENT_LOAD * float(self.most + 1)
        ):
            self._resize(buckets)

    def _wanted_buckets(self, count: i64) -> i64:
        return dict_buckets(count) if self.groups is None else grouped_buckets(count)

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
        groups = self.groups
        self.most = self.mask if groups is None else groups.room(self.mask + 1) - 1

    def fit_header(self) -> None:
        """Have a header if there is a table, or if it has been kept."""
        if self.header_size > 0 and self.table_address != 0 and self.header_address == 0:
            self.header_address = self.allocator.alloc(self.header_size)
        elif self.table_address == 0 and self.header_address != 0 and not self.keeps_header:
            self.allocator.free(self.header_address)
            self.header_address = 0

    def rehash(self, buckets: i64) -> bool:
        """Move at most ``buckets`` buckets to the new table; False when no rehash is in progress any more."""
        if self.rehash_index < 0:
            return False
        groups = self.groups
        if groups is not None:
            return self._move_groups(groups, buckets)
        visits = buckets * EMPTY_VISITS
        heads = self.heads
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
        fits_entries = self.entry_size != self.first_entry_size
        while entry >= 0:
            slot = entry & ~old_tags
            # All bits of the hash that anybody asks for: the lower ones choose the bucket, and the tag has the next.
            digest: i64 = bucket | (entry & old_tags) >> SPARE_BITS
            if not is_known:  # the table was larger once, and the tags are still those of that time
                digest = key_hash(self.key(slot), self.hash_seed)
            entry = i64(self.links[slot])
            target: i64 = digest & mask
            if fits_entries:
                self._fit_entry(slot, new_heads[target] < 0)
            self.links[slot] = new_heads[target]
            new_heads[target] = i32(slot | digest << SPARE_BITS & tags)
            self.old_used -= 1
        self.heads[bucket] = i32(NONE)

    def _move_groups(self, groups: BucketGroups, count: i64) -> bool:
        """Move groups, of which empty ones do not count; False when no rehash is in progress any more."""
        visits = count * EMPTY_VISITS
        while count > 0 and visits > 0 and self.old_used > 0:
            before = self.old_used
            first = self.rehash_index
            bucket: i64 = first
            self.rehash_index = first + GROUP_BUCKETS
            detached = groups.detach(self.heads, self.links, self.entry_addresses, first, self.tags)
            while bucket < self.rehash_index:
                if self.heads[bucket] >= 0:
                    self._move_bucket(bucket)
                bucket += 1
            if self.old_used == before:
                visits -= 1
                continue
            groups.fit_all(self.new_heads, self.links, self.entry_addresses, first, self.mask + 1, self.new_tags)
            for child in detached:
                self.allocator.free(child)
            count -= 1
        if self.old_used == 0:
            self._finish_rehash()
            return False
        return True

    def children(self) -> i64:
        """How many child buckets there are."""
        found: i64 = 0
        if self.groups is not None:
            slot: i64 = 0
            while slot < self.used:
                if self.entry_addresses[slot] != 0:
                    found += 1
                slot += 1
        return found

    def table_bytes(self) -> i64:
        """The requests for the buckets of both tables, child buckets included."""
        return dict_table_size(self.buckets()) + CHILD_SIZE * self.children()

    def entry_bytes(self) -> i64:
        """The request for the block of an entry, or for what some keys have in its place."""
        return CHILD_SIZE if self.groups is not None else self.entry_size

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
        self.new_tags = SMALLEST_TAG_MASK
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
