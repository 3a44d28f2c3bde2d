"""Redis's hash table, many keys at a time: SCAN's cursor, walks, samples, and the table as a whole.

(Finding, inserting and removing one key is in :mod:`pyredmem.structures.dict_core`.)

Because the buckets are real, what depends on them in Redis needs no emulation: SCAN's cursor, which walks the buckets
in reverse binary order; sampling from consecutive buckets; random keys from random chains. The table as a whole can be
dismantled piece by piece, handed over to a twin, and shown to a mover.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.key_hash import key_hash
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT, place_of
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail, release_vec
from pyredmem.memory.relocation import relocated_array, relocated_counts, relocated_list
from pyredmem.structures.dict_core import DictCore
from pyredmem.structures.dict_tables import NONE, SPARE_BITS, empty_heads

#: A sample jumps elsewhere after this many empty buckets in a row, if that is also more than the keys it looks for.
FAR_EMPTY: Final = 5
#: With at most this many unused elements the arrays are not worth copying.
_SMALL_SPARE: Final = 64
#: An array with more elements than this takes a noticeable time to drop.
LARGE_ARRAY: Final = 65536
#: The bytes of an entry that are used: the place of the key, and the word.
_ENTRY_CONTENT: Final = 16
#: Buckets that SCAN and its like visit at most per element that is asked for: a sparse table ends a call early.
_BUCKETS_PER_ELEMENT: Final = 10


def look_at_numbers(numbers: vec[i64], slots: vec[i64], count: i64) -> i64:
    """Read the numbers in ``count`` slots, to have them in the cache; returns what means nothing."""
    seen: i64 = 0
    at: i64 = 0
    while at < count:
        seen += numbers[slots[at]]
        at += 1
    return seen


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class Dict(DictCore):
    """A hash table of byte strings; subclasses add parallel arrays for the values."""

    def __init__(
        self,
        allocator: Allocator,
        owns_keys: bool,
        without_values: bool = False,
        in_heap: bool = False,
        has_words: bool = False,
    ) -> None:
        super().__init__(allocator, owns_keys, without_values, in_heap, has_words)
        self._seen: i64 = 0  # made of what a look ahead has read, so that no compiler leaves out a read
        self._released: i64 = 0  # bytes already released of the array that is being dropped

    # Subclasses override these to have their own arrays treated as those here.

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """Drop the Python objects from slot ``first`` on, and add their ledger blocks to ``freed``.

        Arrays of numbers stay: ``clear_values`` drops them at the end.
        """

    def defrag_value(self, mover: Mover, slot: i64) -> None:
        """Let a mover place the value in a slot."""

    def relocate_values(self, mover: Mover) -> None:
        """Show the containers of the values to a mover that steers."""

    def take_over_values(self, other: Dict) -> None:
        """Take the values of a table of the same class that is not used any more."""

    def copy_values(self, other: Dict) -> None:
        """Have a copy of the values of a table of the same class."""

    def empty_twin(self) -> Dict:
        """An empty table of the same class."""
        return Dict(self.allocator, self.owns_keys, self.without_values)

    # Looking ahead: see :mod:`pyredmem.structures.look_ahead`.

    def look_for(self, digests: vec[i64], slots: vec[i64], count: i64) -> i64:
        """Read the buckets of ``count`` hashes, and put the slots where their keys probably are in ``slots``.

        Returns how many that are: none for a bucket without an entry of the right tag.
        """
        heads = self.heads
        mask = self.mask
        rehash_index = self.rehash_index
        at: i64 = 0
        if rehash_index >= 0:
            self._look_at_rehash(digests, slots, count)
        else:
            while at < count:
                slots[at] = i64(heads[digests[at] & mask])
                at += 1
        links = self.links
        tags = self.tags
        found: i64 = 0
        at = 0
        while at < count:
            digest = digests[at]
            entry = slots[at]
            if rehash_index >= 0:
                tags = self.tags if digest & mask >= rehash_index else self.new_tags
            tag = digest << SPARE_BITS & tags
            while entry >= 0 and (entry ^ tag) & tags != 0:
                entry = i64(links[entry & ~tags])
            if entry >= 0:
                slots[found] = entry ^ tag
                found += 1
            at += 1
        return found

    def _look_at_rehash(self, digests: vec[i64], slots: vec[i64], count: i64) -> None:
        """Put the first entries of the buckets of ``count`` hashes in ``slots``, of the table in which they are now.

        It also reads the buckets to which the keys would be added, and the next ``count`` buckets that will move.
        """
        heads = self.heads
        new_heads = self.new_heads
        mask = self.mask
        new_mask = self.new_mask
        next_bucket = self.rehash_index
        seen: i64 = 0
        at: i64 = 0
        while at < count:
            bucket: i64 = digests[at] & mask
            added = i64(new_heads[digests[at] & new_mask])
            slots[at] = i64(heads[bucket]) if bucket >= next_bucket else added
            seen += added
            at += 1
        links = self.links
        entries = self.entry_addresses
        slot_bits = ~self.tags
        end = next_bucket + count if next_bucket + count <= mask else mask + 1
        while next_bucket < end:
            entry = i64(heads[next_bucket])
            if entry >= 0:
                seen += i64(links[entry & slot_bits]) + i64(entries[entry & slot_bits])
            next_bucket += 1
        self._seen = seen

    # What these two return means nothing: it is made of what was read.

    def look_at(self, slots: vec[i64], count: i64, scratch: vec[i64]) -> i64:
        """Read the keys and the words in ``count`` slots; subclasses add other values.

        ``scratch`` is room for as many numbers.
        """
        seen: i64 = 0
        at: i64 = 0
        if self.has_words and self.entries is None:
            seen = look_at_numbers(self.words, slots, count)
        heap = self.heap
        if heap is None:
            keys = self.keys
            while at < count:
                seen += len(keys[slots[at]])
                at += 1
            return seen
        entries = self.entries
        if entries is None:
            places = self.key_places
            while at < count:
                scratch[at] = places[slots[at]] & ADDRESS
                at += 1
            return seen + heap.look_at(scratch, count)
        addresses = self.entry_addresses
        while at < count:
            scratch[at] = i64(addresses[slots[at]])
            at += 1
        entries.read_words(scratch, count)  # the word after that of the place comes with it
        at = 0
        while at < count:
            scratch[at] &= ADDRESS
            at += 1
        return seen + heap.look_at(scratch, count)

    def words_of(self, slots: vec[i64], count: i64, words: vec[i64]) -> None:
        """Put the words of ``count`` slots into ``words``, which may be ``slots`` itself."""
        at: i64 = 0
        entries = self.entries
        if entries is None:
            numbers = self.words
            while at < count:
                words[at] = numbers[slots[at]]
                at += 1
            return
        addresses = self.entry_addresses
        while at < count:
            words[at] = i64(addresses[slots[at]]) + 1
            at += 1
        entries.read_words(words, count)

    def look_into(self, slots: vec[i64], count: i64) -> i64:
        """Read what the values in ``count`` slots refer to. The slots may be overwritten."""
        return 0

    # Walks.

    def scan(self, cursor: i64, found: list[int]) -> i64:
        """Add the slots of the cursor's bucket, or buckets, to ``found``; returns the next cursor, 0 at the end.

        The cursor counts with its bits reversed, the highest bit first (Redis dictScan). So when a table grows and
        splits its buckets, or shrinks and joins them, none is missed and few are visited twice: the scan finds every
        key that is there all the time.
        """
        if self.used == 0:
            return 0
        if self.rehash_index < 0:
            cursor &= self.mask
            self._collect(False, cursor, found)
            return _next_cursor(cursor, self.mask)
        new_is_large = self.new_mask >= self.mask
        small_mask, large_mask = (self.mask, self.new_mask) if new_is_large else (self.new_mask, self.mask)
        cursor &= large_mask
        self._collect(not new_is_large, cursor & small_mask, found)
        while True:
            self._collect(new_is_large, cursor, found)
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

    def _collect(self, in_new: bool, bucket: i64, found: list[int]) -> None:
        """Add the slots of a bucket of one of the tables to ``found``."""
        entry: i64 = i64(self.new_heads[bucket] if in_new else self.heads[bucket])
        slots = ~(self.new_tags if in_new else self.tags)
        while entry >= 0:
            slot = entry & slots
            found.append(slot)
            entry = i64(self.links[slot])

    def walk(self, limit: i64) -> list[int]:
        """The first ``limit`` slots in the order of the buckets, the old table before the new one; 0 means all."""
        found: list[int] = []
        wanted = limit if 0 < limit < self.used else self.used
        bucket: i64 = 0
        while bucket <= self.mask and len(found) < wanted:
            self._collect(False, bucket, found)
            bucket += 1
        bucket = 0
        while bucket <= self.new_mask and len(found) < wanted:
            self._collect(True, bucket, found)
            bucket += 1
        return found[:wanted]

    def sample(self, count: i64, rng: Random, found: vec[i32]) -> i64:
        """Put at most ``count`` slots from consecutive buckets at a random place into ``found``; returns how many.

        This is less random than drawing each slot, but not by much, and it is what Redis's eviction does (Redis 7.2
        dictGetSomeKeys): it jumps away from a run of empty buckets, stops after ten buckets per slot, and first moves a
        bucket per slot if a rehash is in progress. ``found`` has room for ``count`` slots.
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
            in_old = bucket >= self.rehash_index  # the buckets below it have been moved
            if not in_old and bucket > self.new_mask:  # the table is shrinking
                bucket = self.rehash_index
                in_old = True
            if in_old and bucket <= self.mask:
                before = stored
                stored = self._draw_chain(i64(self.heads[bucket]), self.tags, count, stored, rng, found)
                if stored > before:
                    empty = 0
                else:
                    empty += 1
            if rehashing and stored < count and bucket <= self.new_mask:
                before = stored
                stored = self._draw_chain(i64(self.new_heads[bucket]), self.new_tags, count, stored, rng, found)
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

    def _draw_chain(self, entry: i64, tags: i64, count: i64, stored: i64, rng: Random, found: vec[i32]) -> i64:
        """Add the slots of a chain to a sample that was drawn from ``stored`` slots; returns their number now.

        When the sample is full a slot may replace another one, so that the end of a long chain has a chance too
        (reservoir sampling).
        """
        links = self.links
        slots = ~tags
        while entry >= 0:
            slot = entry & slots
            if stored < count:
                found[stored] = i32(slot)
            else:
                place = rng.below(stored + 1)
                if place < count:
                    found[place] = i32(slot)
            stored += 1
            entry = i64(links[slot])
        return stored

    def random_slot(self, rng: Random) -> i64:
        """The slot of a random key of a random chain; a rehash in progress moves a bucket first. The table has keys.

        Not every key has the same chance: each key of a long chain has a smaller one. Redis chooses random victims of
        eviction in this way (Redis 7.2 dictGetRandomKey), and it shows in a cache: keys that share a bucket stay
        longer.
        """
        self.step()
        chain: list[int] = []
        while not chain:
            self._collect_random(rng, chain)
        return chain[rng.below(len(chain))] if len(chain) > 1 else chain[0]

    def _collect_random(self, rng: Random, found: list[int]) -> None:
        """Add the slots of a random bucket to ``found``. Buckets that have been moved do not count."""
        if self.rehash_index < 0:
            self._collect(False, rng.below(self.mask + 1), found)
            return
        moved: i64 = self.rehash_index
        bucket = moved + rng.below(self.buckets() - moved)
        in_new = bucket > self.mask
        self._collect(in_new, bucket - self.mask - 1 if in_new else bucket, found)

    def chain_lengths(self, new_table: bool) -> dict[int, int]:
        """By length of the chain, the number of buckets in one of the tables, for DEBUG HTSTATS."""
        heads = self.new_heads if new_table else self.heads
        lengths: dict[int, int] = {}
        for bucket in range(len(heads)):
            found: list[int] = []
            self._collect(new_table, bucket, found)
            lengths[len(found)] = lengths.get(len(found), 0) + 1
        return lengths

    # Dismantling, and handing over.

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove about ``limit`` keys from the end and add their blocks to ``freed``; True when nothing is left.

        This is for a table that is not used any more, and may run in any thread: see :meth:`RedisObject.dismantle`.
        Large arrays are dropped one at a time, because the system takes a while to take back their pages.
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
                    addresses = append(addresses, i32(self.key_address(slot)))
                slot += 1
            freed.addresses = addresses
            self.dismantle_values(first, freed)
            if self.heap is None:
                del self.keys[first:]
            if first // LARGE_ARRAY != self.used // LARGE_ARRAY:
                release_list_tail(self.keys)
            self.used = first
            if first > 0 or len(self.heads) > LARGE_ARRAY:
                return False
        return self.dismantle_arrays(freed)

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """Release a piece of a large array, or drop the values if no array is large; True when nothing is left."""
        freed.add(self.table_address)
        freed.add(self.new_table_address)
        freed.add(self.header_address)
        self.header_address = 0
        self.table_address = 0
        self.new_table_address = 0
        if len(self.heads) > LARGE_ARRAY:
            self.heads = self._release_piece(self.heads)
        elif len(self.new_heads) > LARGE_ARRAY:
            self.new_heads = self._release_piece(self.new_heads)
        elif len(self.links) > LARGE_ARRAY:
            self.links = self._release_piece(self.links)
        elif len(self.entry_addresses) > LARGE_ARRAY:
            self.entry_addresses = self._release_piece(self.entry_addresses)
        elif len(self.key_places) > LARGE_ARRAY:
            if self.is_released(self.key_places, len(self.key_places) * 8):
                self.key_places = vec[i64]()
        elif len(self.words) > LARGE_ARRAY:
            if self.is_released(self.words, len(self.words) * 8):
                self.words = vec[i64]()
        else:
            self.clear_values()
            return True
        return False

    def _release_piece(self, array: vec[i32]) -> vec[i32]:
        """Release a piece of a large array; returns the array or, once all of it is released, an empty one."""
        return vec[i32]() if self.is_released(array, len(array) * 4) else array

    def is_released(self, array: object, size: i64) -> bool:
        """Give a piece of a vec of ``size`` bytes back to the system; True once dropping the vec costs nothing."""
        self._released = release_vec(array, size, self._released)
        if self._released < size:
            return False
        self._released = 0
        return True

    def take_over(self, other: Dict) -> None:
        """Take everything from another table, which is empty afterwards, in constant time; this one must be empty."""
        assert self.table_address == 0, "the table is not empty"
        self.used, other.used = other.used, 0
        self.heap = other.heap
        self.entries = other.entries
        self.keys, other.keys = other.keys, []
        self.key_places, other.key_places = other.key_places, vec[i64]()
        self.words, other.words = other.words, vec[i64]()
        self.links, other.links = other.links, vec[i32]()
        self.entry_addresses, other.entry_addresses = other.entry_addresses, vec[i32]()
        self.heads, other.heads = other.heads, empty_heads(1)
        self.mask, other.mask = other.mask, 0
        self.most, other.most = other.most, 0
        self.tags, other.tags = other.tags, self.tags
        self.table_address, other.table_address = other.table_address, 0
        self.header_address, other.header_address = other.header_address, 0
        self.new_heads, other.new_heads = other.new_heads, empty_heads(1)
        self.new_mask, other.new_mask = other.new_mask, 0
        self.new_tags, other.new_tags = other.new_tags, self.new_tags
        self.new_table_address, other.new_table_address = other.new_table_address, 0
        self.rehash_index, other.rehash_index = other.rehash_index, NONE
        self.old_used, other.old_used = other.old_used, 0

    def image(self) -> Dict:
        """A copy that refers to the same blocks, and has the keys in a list."""
        image = self.empty_twin()
        image.growth_limit = self.growth_limit
        image.used = self.used
        image.heap = None
        image.entries = None
        image.keys = self.all_keys()
        image.key_places = vec[i64]([self.key_place(slot) for slot in range(self.used)])
        image.words = self.all_words()
        image.links = self.links[:]
        image.entry_addresses = self.entry_addresses[:]
        image.heads = self.heads[:]
        image.mask = self.mask
        image.most = self.most
        image.tags = self.tags
        image.table_address = self.table_address
        image.new_heads = self.new_heads[:]
        image.new_mask = self.new_mask
        image.new_tags = self.new_tags
        image.new_table_address = self.new_table_address
        image.rehash_index = self.rehash_index
        image.old_used = self.old_used
        image.copy_values(self)
        return image

    def put_keys(self, keys: list[bytes], addresses: vec[i32]) -> None:
        """Let the slots, which have their entries, have these keys, at these addresses."""
        heap = self.heap
        entries = self.entries
        places = vec[i64]([0] * len(keys) if entries is None else [])
        for slot, key in enumerate(keys):
            address: i64 = i64(addresses[slot])
            if heap is not None and self.owns_keys:
                heap.store(address, key, len(key))
            if entries is None:
                places[slot] = place_of(address, len(key))
            else:
                entries.set_word(i64(self.entry_addresses[slot]), place_of(address, len(key)))
        self.key_places = places
        if heap is None:
            self.keys = keys.copy()

    # Defragmentation.

    def defrag_table(self, mover: Mover) -> None:
        """Let a mover place what the table has once: the blocks of the buckets, and the containers of the entries."""
        self.table_address = mover.block(self.table_address)
        self.new_table_address = mover.block(self.new_table_address)
        if mover.steers():
            self.compact()
            self.keys = relocated_list(self.keys, mover)
            self.links = relocated_array(self.links, mover)
            self.entry_addresses = relocated_array(self.entry_addresses, mover)
            self.key_places = relocated_counts(self.key_places, mover)
            self.words = relocated_counts(self.words, mover)
            self.heads = relocated_array(self.heads, mover)
            self.new_heads = relocated_array(self.new_heads, mover)
            self.relocate_values(mover)

    def defrag_slot(self, mover: Mover, slot: i64) -> None:
        """Let a mover place the entry in a slot and, if this table owns the keys, the key's sds and its bytes."""
        self.defrag_entry(mover, slot)
        if self.owns_keys:
            self.set_key_address(slot, self.moved_key(mover, slot))
            if mover.steers() and self.heap is None:
                self.keys[slot] = mover.text(self.keys[slot])

    def defrag_entry(self, mover: Mover, slot: i64) -> None:
        """Let a mover place the entry in a slot, if there is one, and what it holds."""
        address: i64 = i64(self.entry_addresses[slot])
        entries = self.entries
        if entries is not None:
            self.entry_addresses[slot] = i32(mover.content(address, entries, _ENTRY_CONTENT))
        elif address != 0:
            self.entry_addresses[slot] = i32(mover.block(address))

    def moved_key(self, mover: Mover, slot: i64) -> i64:
        """Let a mover place the sds of the key in a slot; returns its address from now on."""
        place = self.key_place(slot)
        heap = self.heap
        if heap is None:
            return mover.block(place & ADDRESS)
        return mover.content(place & ADDRESS, heap, place >> LENGTH_SHIFT)

    def defrag_slots(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let a mover place the entries and values of ``limit`` slots; returns the next cursor, 0 at the end.

        The cursor is the first slot. If a key is removed between two calls, an entry that was not visited may move to a
        slot before the cursor.
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
        """This table or, if the Python object must leave its place, a twin that takes over everything."""
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
        """Free the unused part of the arrays, if it is large.

        The list of keys is left as it is: to copy a long list takes long, and it is never twice as large as necessary.
        """
        if len(self.links) - self.used > self.used // 4 + _SMALL_SPARE:
            self.trim()

    # Accounting.

    def addresses(self) -> list[int]:
        """Every ledger address this table owns."""
        tables = (self.table_address, self.new_table_address, self.header_address)
        owned = [int(address) for address in tables if address != 0]
        owned += [address for address in list(self.entry_addresses)[: self.used] if address != 0]
        if self.owns_keys:
            owned += [int(self.key_address(slot)) for slot in range(self.used)]
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        keys = self.all_keys()
        assert len(keys) == self.used
        seen: list[int] = []
        for bucket in range(len(self.heads)):
            before = len(seen)
            self._collect(False, bucket, seen)
            assert bucket >= self.rehash_index or len(seen) == before, "a moved bucket is not empty"
            assert all(self._hash(slot) & self.mask == bucket for slot in seen[before:])
        if self.rehash_index >= 0:
            assert len(seen) == self.old_used
            for bucket in range(len(self.new_heads)):
                before = len(seen)
                self._collect(True, bucket, seen)
                assert all(self._hash(slot) & self.new_mask == bucket for slot in seen[before:])
        assert sorted(seen) == list(range(self.used)), "a slot is in no bucket, or in two"
        assert len(set(keys)) == self.used, "a key is there twice"
        assert self._misfits() == 0, "a group has too few or too many child buckets"
        assert all(self.find_rehashing(key) == slot for slot, key in enumerate(keys)), "a tag is wrong"
        assert all(self.key_place(slot) >> LENGTH_SHIFT == len(key) for slot, key in enumerate(keys))
        if self.entries is not None:
            assert len(self.key_places) == len(self.words) == 0, "what is in the entries has arrays too"

    def _misfits(self) -> int:
        groups = self.groups
        if groups is None:
            return 0
        old = groups.misfits(self.heads, self.links, self.entry_addresses, self.tags)
        return old + groups.misfits(self.new_heads, self.links, self.entry_addresses, self.new_tags)

    def _hash(self, slot: i64) -> i64:
        return key_hash(self.key(slot), self.hash_seed)


def _next_cursor(cursor: i64, mask: i64) -> i64:
    """Add one to the cursor with its bits reversed; 0 after the last bucket."""
    bit = (mask + 1) >> 1
    while bit != 0 and cursor & bit != 0:
        cursor ^= bit
        bit >>= 1
    return cursor | bit
