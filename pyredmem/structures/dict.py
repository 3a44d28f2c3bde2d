"""Redis's hash table as the owners of keys use it: the tables, and what goes through all of them.

:mod:`pyredmem.structures.dict_core` has the buckets and their change. Because the buckets are real, what depends on
them needs no emulation: SCAN's cursor (the reverse-binary walk over buckets), sampling by consecutive buckets, random
keys by random chains. Besides walks this module has what memory reclaim asks of a table: it is taken apart in pieces,
hands everything over to a twin, and shows a mover what it holds.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail, release_vec
from pyredmem.memory.relocation import relocated_array, relocated_list
from pyredmem.structures.dict_core import NONE, DictCore, empty_heads

#: A sample leaves a run of at least this many empty buckets that is also longer than what it looks for.
FAR_EMPTY: Final = 5
#: Unused elements of the arrays that are no reason to copy them.
_SMALL_SPARE: Final = 64
#: Elements of an array from which on dropping it takes a noticeable time.
LARGE_ARRAY: Final = 65536
#: Buckets that SCAN and its like visit at most per element that is asked for: a sparse table ends a call early.
_BUCKETS_PER_ELEMENT: Final = 10


@mypyc_attr(allow_interpreted_subclasses=True)
class Dict(DictCore):
    """A hash table of byte strings; subclasses add parallel arrays for what belongs to a key."""

    def __init__(self, allocator: Allocator, owns_keys: bool, without_values: bool = False) -> None:
        super().__init__(allocator, owns_keys, without_values)
        self._released: i64 = 0  # bytes of the array that is being dropped

    # Subclasses have their own arrays treated as those here, and make an empty table of their own for a twin.

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

    def scan_some(self, cursor: i64, count: int, found: list[int]) -> i64:
        """As ``scan``, bucket after bucket, until ``found`` has ``count`` slots or ten times as many were visited."""
        buckets = count * _BUCKETS_PER_ELEMENT
        while True:
            cursor = self.scan(cursor, found)
            buckets -= 1
            if cursor == 0 or buckets < 0 or len(found) >= count:
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

    # Taking apart, and handing over.

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
                self.heads = empty_heads(1)
            return False
        if len(self.new_heads) > LARGE_ARRAY:
            if self.is_released(self.new_heads, len(self.new_heads) * 4):
                self.new_heads = empty_heads(1)
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
        self.heads, other.heads = other.heads, empty_heads(1)
        self.mask, other.mask = other.mask, 0
        self.table_address, other.table_address = other.table_address, 0
        self.new_heads, other.new_heads = other.new_heads, empty_heads(1)
        self.new_mask, other.new_mask = other.new_mask, 0
        self.new_table_address, other.new_table_address = other.new_table_address, 0
        self.rehash_index, other.rehash_index = other.rehash_index, NONE
        self.old_used, other.old_used = other.old_used, 0

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
