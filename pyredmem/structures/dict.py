"""Redis's hash table, for real: chained buckets, and two tables while it is rehashed step by step.

The entries live in dense parallel arrays (``slot`` is an index into them): the key, the link to the next slot of the
same bucket, the ledger addresses of the entry and of the key's sds. A bucket is the slot of its newest entry::

    heads   [ -1 |  2 | -1 |  0 ]          hash & mask -> newest slot of the bucket
    links   [  1 | -1 | -1 ]               slot -> next slot of its bucket
    keys    [ k0 | k1 | k2 ]               slot -> key       (bucket 3 holds k0, then k1)

A removed slot is filled with the last one, so the arrays stay dense and a random entry is one index away. Because the
buckets are real, what depends on them needs no emulation: rehash progress and with it the size of the tables, SCAN's
cursor (the reverse-binary walk over buckets), sampling by consecutive buckets.

As in Redis: growth is checked on insertion only; each operation moves one bucket while a rehash is under way (Redis 7.2
dict.c); the hash is CPython's keyed SipHash of the key. An operation here is a lookup and what is done with its result:
``find`` and ``find_for_insert`` take the step, ``insert`` and ``remove`` behind them take none. Where Redis looks a key
up and then adds it in an operation of its own, the owner calls ``step`` in between.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import (
    DICT_ENTRY_NO_VALUE_SIZE,
    DICT_ENTRY_SIZE,
    DICT_INITIAL_SLOTS,
    dict_slots,
    dict_table_size,
    sds_new_size,
)
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail, release_vec
from pyredmem.memory.relocation import relocated_array, relocated_list

#: A step looks at no more than this many empty buckets per bucket it may move.
EMPTY_VISITS: Final = 10
#: A sample leaves a run of at least this many empty buckets that is also longer than what it looks for.
FAR_EMPTY: Final = 5
#: Keys per slot from which on a table grows whatever the memory limit says (Redis 7.2 HASHTABLE_MAX_LOAD_FACTOR).
URGENT_LOAD: Final = 1.618
#: More bytes than there can be.
UNLIMITED: Final = 1 << 62
_NONE: Final = -1
#: Unused elements of the arrays that are no reason to copy them.
_SMALL_SPARE: Final = 64
#: Elements of an array from which on dropping it takes a noticeable time.
LARGE_ARRAY: Final = 65536


def _heads(slots: i64) -> vec[i32]:
    """Buckets, all empty."""
    heads = vec[i32]([_NONE] * min(slots, 1024))
    while len(heads) < slots:
        heads = extend(heads, heads)
    return heads


class GrowthLimit:
    """Bytes in use over which tables do not grow, unless they are far too full; several tables may share one."""

    def __init__(self) -> None:
        self.bytes: i64 = UNLIMITED


@mypyc_attr(allow_interpreted_subclasses=True)
class Dict:
    """A hash table of byte strings; subclasses add parallel arrays for what belongs to a key."""

    def __init__(self, allocator: Allocator, owns_keys: bool, without_values: bool = False) -> None:
        self.allocator = allocator
        #: A table of keys alone: the first key of a bucket takes the place of an entry (its address is 0).
        self.without_values = without_values
        #: Whether the key's sds belongs to this table; the expires table shares those of the main table.
        self.owns_keys = owns_keys
        self.used: i64 = 0
        self.keys: list[bytes] = []
        self.links: vec[i32] = vec[i32]()
        self.entry_addresses: vec[i32] = vec[i32]()
        self.key_addresses: vec[i32] = vec[i32]()
        self.heads: vec[i32] = _heads(1)
        self.mask: i64 = 0
        self.table_address: i64 = 0  # 0: Redis has no table yet
        self.new_heads: vec[i32] = _heads(1)
        self.new_mask: i64 = 0
        self.new_table_address: i64 = 0
        self.rehash_index: i64 = _NONE
        self.old_used: i64 = 0  # entries still in the old table, while rehashing
        self._released: i64 = 0  # bytes of the array that is being dropped
        #: What holds the growth of this table back; None if nothing does.
        self.growth_limit: GrowthLimit | None = None

    # Subclasses keep their own arrays in step, and make an empty table of their own for a twin.

    def move_value(self, source: i64, target: i64) -> None:
        """Copy what belongs to slot ``source`` over slot ``target``."""

    def drop_last_value(self) -> None:
        """Forget what belongs to the last slot."""

    def trim_values(self) -> None:
        """Give back the memory of slots that are no longer used."""

    def clear_values(self) -> None:
        """Forget what belongs to all slots."""

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """Let go of the Python objects from slot ``first`` on, their ledger blocks into ``freed``.

        Arrays of numbers stay: ``clear_values`` drops them at the end.
        """

    def defrag_value(self, mover: Mover, slot: i64) -> None:
        """Let a mover place what belongs to a slot."""

    def relocate_values(self, mover: Mover) -> None:
        """Show a mover that steers the containers of the values."""

    def take_over_values(self, other: Dict) -> None:
        """Take the values of a table of the same class that is of no more use."""

    def empty_twin(self) -> Dict:
        """An empty table of the same class."""
        return Dict(self.allocator, self.owns_keys, self.without_values)

    # Size.

    def __len__(self) -> int:
        return self.used

    def slots(self) -> i64:
        """Buckets of both tables."""
        if self.table_address == 0:
            return 0
        if self.rehash_index >= 0:
            return self.mask + self.new_mask + 2
        return self.mask + 1

    def is_rehashing(self) -> bool:
        """Whether two tables exist."""
        return self.rehash_index >= 0

    # Lookup.

    def find(self, key: bytes) -> int:
        """The slot of a key, -1 if it is not there. A step of a rehash under way is done on the way."""
        if self.rehash_index >= 0:
            self.rehash(1)
            if self.rehash_index >= 0:
                return self.find_rehashing(key)
        slot: i32 = self.heads[hash(key) & self.mask]
        keys = self.keys
        while slot >= 0:
            if keys[slot] == key:
                return slot
            slot = self.links[int(slot)]
        return _NONE

    def find_for_insert(self, key: bytes) -> int:
        """As ``find``, before an insertion if the key is not there: a full table begins to grow either way."""
        if self.rehash_index >= 0:
            self.rehash(1)
        if self.rehash_index < 0 and self.used > self.mask:
            self._grow()
        if self.rehash_index >= 0:
            return self.find_rehashing(key)
        slot: i32 = self.heads[hash(key) & self.mask]
        keys = self.keys
        while slot >= 0:
            if keys[slot] == key:
                return slot
            slot = self.links[int(slot)]
        return _NONE

    def step(self) -> None:
        """Move a bucket if a rehash is under way."""
        if self.rehash_index >= 0:
            self.rehash(1)

    def find_rehashing(self, key: bytes) -> i64:
        """As ``find`` while two tables exist, without a step."""
        digest = hash(key)
        bucket: i64 = digest & self.mask
        keys = self.keys
        if bucket >= self.rehash_index:
            slot: i64 = i64(self.heads[bucket])
            while slot >= 0:
                if keys[slot] == key:
                    return slot
                slot = i64(self.links[slot])
        slot = i64(self.new_heads[digest & self.new_mask])
        while slot >= 0:
            if keys[slot] == key:
                return slot
            slot = i64(self.links[slot])
        return _NONE

    # Change.

    def insert(self, key: bytes, key_address: i64) -> i64:
        """Add a key that is not there; returns its slot, the last one.

        ``key_address`` is the sds of the key if another table owns it; a table that owns its keys makes one.
        """
        if self.rehash_index < 0 and (self.used > self.mask or self.table_address == 0):
            self._grow()
        allocator = self.allocator
        slot = self.used
        if self.owns_keys:
            key_address = allocator.alloc(sds_new_size(len(key)))
        self.keys.append(key)
        digest = hash(key)
        head: i32
        if self.rehash_index >= 0:
            bucket: i64 = digest & self.new_mask
            head = self.new_heads[bucket]
            self.new_heads[bucket] = i32(slot)
        else:
            bucket = digest & self.mask
            head = self.heads[bucket]
            self.heads[bucket] = i32(slot)
        entry_address: i64 = 0
        if not self.without_values:
            entry_address = allocator.alloc(DICT_ENTRY_SIZE)
        elif head >= 0:
            entry_address = allocator.alloc(DICT_ENTRY_NO_VALUE_SIZE)
        if slot < len(self.links):
            self.links[slot] = head
            self.entry_addresses[slot] = i32(entry_address)
            self.key_addresses[slot] = i32(key_address)
        else:
            self.links = append(self.links, head)
            self.entry_addresses = append(self.entry_addresses, i32(entry_address))
            self.key_addresses = append(self.key_addresses, i32(key_address))
        self.used = slot + 1
        return slot

    def remove(self, slot: i64) -> None:
        """Take the key in a slot out; the last slot moves into its place."""
        entry_address: i64 = i64(self.entry_addresses[slot])
        if entry_address != 0:
            self.allocator.free(entry_address)
        if self.owns_keys:
            self.allocator.free(i64(self.key_addresses[slot]))
        if self._unlink(slot, self.links[slot]) and self.rehash_index >= 0:
            self.old_used -= 1
        last = self.used - 1
        if slot != last:
            self._unlink(last, i32(slot))
            self.keys[slot] = self.keys[last]
            self.links[slot] = self.links[last]
            self.entry_addresses[slot] = self.entry_addresses[last]
            self.key_addresses[slot] = self.key_addresses[last]
            self.move_value(last, slot)
        self.keys.pop()
        self.drop_last_value()
        self.used = last
        if self.rehash_index >= 0 and self.old_used == 0:
            self._finish_rehash()

    def clear(self) -> None:
        """Take all keys out and drop the tables."""
        allocator = self.allocator
        slot: i64 = 0
        while slot < self.used:
            entry_address: i64 = i64(self.entry_addresses[slot])
            if entry_address != 0:
                allocator.free(entry_address)
            if self.owns_keys:
                allocator.free(i64(self.key_addresses[slot]))
            slot += 1
        if self.table_address != 0:
            allocator.free(self.table_address)
        if self.new_table_address != 0:
            allocator.free(self.new_table_address)
        self.table_address = 0
        self.new_table_address = 0
        self.rehash_index = _NONE
        self.old_used = 0
        self.used = 0
        self.keys = []
        self.links = vec[i32]()
        self.entry_addresses = vec[i32]()
        self.key_addresses = vec[i32]()
        self.heads = _heads(1)
        self.mask = 0
        self.new_heads = _heads(1)
        self.new_mask = 0
        self.clear_values()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Take about ``limit`` keys out from the end, their blocks into ``freed``; True when nothing is left.

        For a table that nobody needs any more, in any thread: see :meth:`RedisObject.dismantle`. Large arrays go one at
        a time: giving their pages back takes the system a while.
        """
        if self.used > 0:
            first = self.used - limit if self.used > limit else 0
            addresses = freed.addresses
            slot = first
            while slot < self.used:
                entry_address: i32 = self.entry_addresses[slot]
                if entry_address != 0:
                    addresses = append(addresses, entry_address)
                if self.owns_keys:
                    addresses = append(addresses, self.key_addresses[slot])
                slot += 1
            freed.addresses = addresses
            self.dismantle_values(first, freed)
            del self.keys[first:]
            if first // LARGE_ARRAY != self.used // LARGE_ARRAY:
                release_list_tail(self.keys)
            self.used = first
            if first > 0 or len(self.heads) > LARGE_ARRAY:
                return False
        return self.dismantle_arrays(freed)

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """Drop a piece of a large array, or all arrays if none is large; True when none is left."""
        freed.add(self.table_address)
        freed.add(self.new_table_address)
        self.table_address = 0
        self.new_table_address = 0
        if len(self.heads) > LARGE_ARRAY:
            if self.is_released(self.heads, len(self.heads) * 4):
                self.heads = _heads(1)
            return False
        if len(self.new_heads) > LARGE_ARRAY:
            if self.is_released(self.new_heads, len(self.new_heads) * 4):
                self.new_heads = _heads(1)
            return False
        if len(self.links) > LARGE_ARRAY:
            if self.is_released(self.links, len(self.links) * 4):
                self.links = vec[i32]()
            return False
        if len(self.entry_addresses) > LARGE_ARRAY:
            if self.is_released(self.entry_addresses, len(self.entry_addresses) * 4):
                self.entry_addresses = vec[i32]()
            return False
        if len(self.key_addresses) > LARGE_ARRAY:
            if self.is_released(self.key_addresses, len(self.key_addresses) * 4):
                self.key_addresses = vec[i32]()
            return False
        self.clear_values()
        return True

    def is_released(self, array: object, size: i64) -> bool:
        """Give pages of a vec of so many bytes back; True when it may be dropped, which costs nothing any more."""
        self._released = release_vec(array, size, self._released)
        if self._released < size:
            return False
        self._released = 0
        return True

    def take_over(self, other: Dict) -> None:
        """Take everything that is in another table, which is empty then, in no time; this one has to be empty."""
        assert self.table_address == 0, "there is something in the table"
        self.used, other.used = other.used, 0
        self.keys, other.keys = other.keys, []
        self.links, other.links = other.links, vec[i32]()
        self.entry_addresses, other.entry_addresses = other.entry_addresses, vec[i32]()
        self.key_addresses, other.key_addresses = other.key_addresses, vec[i32]()
        self.heads, other.heads = other.heads, _heads(1)
        self.mask, other.mask = other.mask, 0
        self.table_address, other.table_address = other.table_address, 0
        self.new_heads, other.new_heads = other.new_heads, _heads(1)
        self.new_mask, other.new_mask = other.new_mask, 0
        self.new_table_address, other.new_table_address = other.new_table_address, 0
        self.rehash_index, other.rehash_index = other.rehash_index, _NONE
        self.old_used, other.old_used = other.old_used, 0

    def _unlink(self, slot: i64, replacement: i32) -> bool:
        """Let what points at ``slot`` point at ``replacement``; True if that was in the old (or only) table."""
        digest = hash(self.keys[slot])
        bucket: i64 = digest & self.mask
        if bucket >= self.rehash_index and self._relink(self.heads, bucket, slot, replacement):
            return True
        found = self._relink(self.new_heads, digest & self.new_mask, slot, replacement)
        assert found, f"slot {slot} is in no bucket"
        return False

    def _relink(self, heads: vec[i32], bucket: i64, slot: i64, replacement: i32) -> bool:
        at: i64 = i64(heads[bucket])
        if at == slot:
            heads[bucket] = replacement
            return True
        while at >= 0:
            following: i64 = i64(self.links[at])
            if following == slot:
                self.links[at] = replacement
                return True
            at = following
        return False

    # Tables.

    def expand(self, size: i64) -> None:
        """Prepare for ``size`` keys (Redis sizes a table beforehand where it knows how many come)."""
        if self.rehash_index < 0 and size > self.used:
            self._resize(dict_slots(size))

    def shrink_if_sparse(self) -> bool:
        """Start to shrink a table that is filled below 10 percent; True if it did."""
        if self.rehash_index >= 0 or self.table_address == 0:
            return False
        slots = self.mask + 1
        if slots <= DICT_INITIAL_SLOTS or self.used * 100 // slots >= 10:
            return False
        self._resize(dict_slots(self.used))
        return True

    def _grow(self) -> None:
        if self.table_address == 0:
            self._resize(DICT_INITIAL_SLOTS)
            return
        slots = dict_slots(self.used + 1)
        limit = self.growth_limit
        if (
            limit is None
            or self.allocator.used_memory + dict_table_size(slots) <= limit.bytes
            or float(self.used) > URGENT_LOAD * float(self.mask + 1)
        ):
            self._resize(slots)

    def _resize(self, slots: i64) -> None:
        if self.table_address == 0:
            self.table_address = self.allocator.alloc(dict_table_size(slots))
            self.heads = _heads(slots)
            self.mask = slots - 1
            return
        if slots == self.mask + 1:
            return
        self.new_table_address = self.allocator.alloc(dict_table_size(slots))
        self.new_heads = _heads(slots)
        self.new_mask = slots - 1
        self.rehash_index = 0
        self.old_used = self.used
        if self.used == 0:
            self._finish_rehash()

    def rehash(self, buckets: i64) -> bool:
        """Move up to ``buckets`` buckets to the new table; False when no rehash is left to do."""
        if self.rehash_index < 0:
            return False
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
        slot: i64 = i64(self.heads[bucket])
        mask = self.new_mask
        new_heads = self.new_heads
        while slot >= 0:
            following: i64 = i64(self.links[slot])
            target: i64 = hash(self.keys[slot]) & mask
            if self.without_values:
                self._fit_entry(slot, new_heads[target] < 0)
            self.links[slot] = new_heads[target]
            new_heads[target] = i32(slot)
            self.old_used -= 1
            slot = following
        self.heads[bucket] = i32(_NONE)

    def _fit_entry(self, slot: i64, is_first: bool) -> None:
        """Give a key that moves to another bucket an entry or take it away."""
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
        self.new_table_address = 0
        self.new_heads = _heads(1)
        self.new_mask = 0
        self.rehash_index = _NONE
        if self.used * 4 < len(self.links):  # the arrays give memory back with the table
            self.links = self.links[: self.used]
            self.entry_addresses = self.entry_addresses[: self.used]
            self.key_addresses = self.key_addresses[: self.used]
            self.trim_values()

    # Walks.

    def scan(self, cursor: i64, found: list[int]) -> i64:
        """Add the slots of the cursor's bucket(s) to ``found``; returns the next cursor, 0 at the end.

        The cursor counts with its bits reversed (highest bit first), so buckets that a growing table splits or a
        shrinking one joins are neither missed nor all visited again; every key that stays is found (Redis dictScan).
        """
        if self.used == 0:
            return 0
        if self.rehash_index < 0:
            cursor &= self.mask
            self._collect(self.heads, cursor, found)
            return _next_cursor(cursor, self.mask)
        small, small_mask, large, large_mask = self.heads, self.mask, self.new_heads, self.new_mask
        if small_mask > large_mask:
            small, small_mask, large, large_mask = large, large_mask, small, small_mask
        cursor &= large_mask
        self._collect(small, cursor & small_mask, found)
        while True:
            self._collect(large, cursor, found)
            cursor = _next_cursor(cursor, large_mask)
            if cursor & (small_mask ^ large_mask) == 0:
                return cursor

    def _collect(self, heads: vec[i32], bucket: i64, found: list[int]) -> None:
        slot: i64 = i64(heads[bucket])
        while slot >= 0:
            found.append(slot)
            slot = i64(self.links[slot])

    def walk(self, limit: i64) -> list[int]:
        """The first slots in the order of the buckets, the old table before the new one; all if ``limit`` is 0."""
        found: list[int] = []
        wanted = limit if 0 < limit < self.used else self.used
        bucket: i64 = 0
        while bucket <= self.mask and len(found) < wanted:
            self._collect(self.heads, bucket, found)
            bucket += 1
        bucket = 0
        while bucket <= self.new_mask and len(found) < wanted:
            self._collect(self.new_heads, bucket, found)
            bucket += 1
        return found[:wanted]

    def sample(self, count: i64, rng: Random, found: vec[i32]) -> i64:
        """Put up to ``count`` slots from consecutive buckets at a random place into ``found``; returns how many.

        Less random than drawing each, but near to it and what Redis's eviction sees (Redis 7.2 dictGetSomeKeys): a run
        of empty buckets is left by a jump, the search ends after ten buckets per slot, and every one asked for does a
        step of a rehash under way. ``found`` has room for ``count``.
        """
        if count > self.used:
            count = self.used
        steps = count
        while steps > 0 and self.rehash_index >= 0:
            self.rehash(1)
            steps -= 1
        rehashing = self.rehash_index >= 0
        mask = self.mask
        if rehashing and self.new_mask > mask:
            mask = self.new_mask
        bucket = rng.below(mask + 1)
        visits = count * 10
        empty: i64 = 0
        stored: i64 = 0
        while stored < count and visits > 0:
            visits -= 1
            in_old = bucket >= self.rehash_index  # those below it have been moved
            if not in_old and bucket > self.new_mask:  # the table shrinks
                bucket = self.rehash_index
                in_old = True
            if in_old and bucket <= self.mask:
                before = stored
                stored = self._draw_chain(i64(self.heads[bucket]), count, stored, rng, found)
                if stored > before:
                    empty = 0
                else:
                    empty += 1
            if rehashing and stored < count and bucket <= self.new_mask:
                before = stored
                stored = self._draw_chain(i64(self.new_heads[bucket]), count, stored, rng, found)
                if stored > before:
                    empty = 0
                else:
                    empty += 1
            if empty >= FAR_EMPTY and empty > count:
                bucket = rng.below(mask + 1)
                empty = 0
            else:
                bucket = (bucket + 1) & mask
        return stored if stored < count else count

    def _draw_chain(self, slot: i64, count: i64, stored: i64, rng: Random, found: vec[i32]) -> i64:
        """Add the slots of a chain to a sample of ``stored`` so far, and return how many it then was drawn from.

        Behind the last place a slot may take the place of another one, so that the end of a long chain has its chance
        too (reservoir sampling).
        """
        links = self.links
        while slot >= 0:
            if stored < count:
                found[stored] = i32(slot)
            else:
                place = rng.below(stored + 1)
                if place < count:
                    found[place] = i32(slot)
            stored += 1
            slot = i64(links[slot])
        return stored

    def random_slot(self, rng: Random) -> i64:
        """The slot of a random key of a random chain, of a table that is not empty; a step of a rehash is done first.

        Not every key has the same chance: those of a long chain have less each. Redis evicts so where victims are
        random (Redis 7.2 dictGetRandomKey), and a cache notices: what shares its bucket with others stays longer.
        """
        self.step()
        slot: i64 = -1
        while slot < 0:
            slot = self._random_head(rng)
        links = self.links
        length: i64 = 0
        at = slot
        while at >= 0:
            length += 1
            at = i64(links[at])
        steps = rng.below(length) if length > 1 else 0
        while steps > 0:
            slot = i64(links[slot])
            steps -= 1
        return slot

    def _random_head(self, rng: Random) -> i64:
        """The head of a random chain; -1 for a bucket without one. Buckets that have been moved count no more."""
        if self.rehash_index < 0:
            return i64(self.heads[rng.below(self.mask + 1)])
        moved: i64 = self.rehash_index
        bucket = moved + rng.below(self.slots() - moved)
        if bucket <= self.mask:
            return i64(self.heads[bucket])
        return i64(self.new_heads[bucket - self.mask - 1])

    def chain_lengths(self, new_table: bool) -> dict[int, int]:
        """How many buckets of a table have chains of which length, for DEBUG HTSTATS."""
        heads = self.new_heads if new_table else self.heads
        lengths: dict[int, int] = {}
        for bucket in range(len(heads)):
            found: list[int] = []
            self._collect(heads, bucket, found)
            lengths[len(found)] = lengths.get(len(found), 0) + 1
        return lengths

    # Defragmentation.

    def defrag_table(self, mover: Mover) -> None:
        """Let a mover place what there is once: the arrays of buckets, and the containers that hold all."""
        self.table_address = mover.block(self.table_address)
        self.new_table_address = mover.block(self.new_table_address)
        if mover.steers():
            self.compact()
            self.keys = relocated_list(self.keys, mover)
            self.links = relocated_array(self.links, mover)
            self.entry_addresses = relocated_array(self.entry_addresses, mover)
            self.key_addresses = relocated_array(self.key_addresses, mover)
            self.heads = relocated_array(self.heads, mover)
            self.new_heads = relocated_array(self.new_heads, mover)
            self.relocate_values(mover)

    def defrag_slot(self, mover: Mover, slot: i64) -> None:
        """Let a mover place the entry in a slot and, if they are of this table, the key's sds and its bytes."""
        entry_address: i64 = i64(self.entry_addresses[slot])
        if entry_address != 0:
            self.entry_addresses[slot] = i32(mover.block(entry_address))
        if self.owns_keys:
            self.key_addresses[slot] = i32(mover.block(i64(self.key_addresses[slot])))
            if mover.steers():
                self.keys[slot] = mover.text(self.keys[slot])

    def defrag_slots(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let a mover place ``limit`` slots, and what belongs to them, from a cursor on; the next cursor, 0 at the end.

        The cursor is a slot. A removal may put a slot that was not visited before the cursor.
        """
        if cursor < 0:
            return 0
        end = cursor + (limit if limit > 0 else 1)
        if end > self.used:
            end = self.used
        slot = cursor
        while slot < end:
            self.defrag_slot(mover, slot)
            self.defrag_value(mover, slot)
            slot += 1
        return end if end < self.used else 0

    def set_key(self, slot: i64, key: bytes, key_address: i64) -> None:
        """Let a slot have an equal key in another place, as it is in the table that owns the keys."""
        self.keys[slot] = key
        self.key_addresses[slot] = i32(key_address)

    def relocated(self, mover: Mover) -> Dict:
        """This table or, if the Python object has to leave its place, its twin, which takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = self.empty_twin()
        while mover.must_plug(twin):
            twin = self.empty_twin()
        twin.growth_limit = self.growth_limit
        twin.take_over(self)
        twin.take_over_values(self)
        return twin

    def compact(self) -> None:
        """Give back what the arrays have beyond their use, if that is much.

        A list that is long is left as it is: to copy it takes long, and it cannot be twice as large as it must be.
        """
        if len(self.links) - self.used > self.used // 4 + _SMALL_SPARE:
            self.links = self.links[: self.used]
            self.entry_addresses = self.entry_addresses[: self.used]
            self.key_addresses = self.key_addresses[: self.used]
            self.trim_values()

    # Accounting.

    def addresses(self) -> list[int]:
        """Every ledger address this table owns."""
        owned = [int(address) for address in (self.table_address, self.new_table_address) if address != 0]
        owned += [address for address in list(self.entry_addresses)[: self.used] if address != 0]
        if self.owns_keys:
            owned += list(self.key_addresses)[: self.used]
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        assert len(self.keys) == self.used
        seen: list[int] = []
        for bucket in range(len(self.heads)):
            before = len(seen)
            self._collect(self.heads, bucket, seen)
            assert bucket >= self.rehash_index or len(seen) == before, "a moved bucket is not empty"
            assert all((hash(self.keys[slot]) & self.mask) == bucket for slot in seen[before:])
        if self.rehash_index >= 0:
            assert len(seen) == self.old_used
            for bucket in range(len(self.new_heads)):
                before = len(seen)
                self._collect(self.new_heads, bucket, seen)
                assert all((hash(self.keys[slot]) & self.new_mask) == bucket for slot in seen[before:])
        assert sorted(seen) == list(range(self.used)), "every slot is in one bucket"
        assert len(set(self.keys)) == self.used, "a key is twice there"


def _next_cursor(cursor: i64, mask: i64) -> i64:
    """Add one to the cursor read from its highest bit down; 0 after the last bucket."""
    bit = (mask + 1) >> 1
    while bit != 0 and cursor & bit != 0:
        cursor ^= bit
        bit >>= 1
    return cursor | bit
