"""The slots of Redis's hash table: where the keys are, and what each has.

(The buckets are in :mod:`pyredmem.structures.dict_tables`.)

Each key has a place in dense parallel arrays: the link to the next one of the same bucket, the ledger address of its
entry. The index in these arrays is its *slot*::

    links             [  1 | -1 | -1 ]          slot -> next slot of its bucket
    entry_addresses   [ e0 | e1 | e2 ]          slot -> block of the entry
                         |
    heap              [ place | word | - ]      the 24 bytes of the entry

The *place* of a key is the ledger address of its sds, and its length. Its bytes are there, in the heap, if the table
was made for that and the heap holds data: not in the interpreter, which is faster with Python objects. Else they are in
a list of all keys. The *word* of a key is what a subclass makes of it: most have one number for each value, and no
other array.

Place and word lie side by side in the block of the entry, one cache line for both; links do not, because a chain is
followed by the tags, without a look at its other entries. Tables without values have keys without entries, so they have
an array of places; and so have tables whose keys are in a list, with an array of words.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT, HeapBytes
from pyredmem.memory.heap_choice import heap_for_keys
from pyredmem.memory.layout import DICT_ENTRY_NO_VALUE_SIZE, DICT_ENTRY_SIZE
from pyredmem.structures.keepers import SlotKeeper


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class DictSlots:
    """The keys and their words."""

    def __init__(
        self,
        allocator: Allocator,
        owns_keys: bool,
        without_values: bool,
        in_heap: bool,
        has_words: bool,
    ) -> None:
        self.allocator = allocator
        #: A table without values: the first key of a bucket stands there itself and has no entry (its address is 0).
        self.without_values = without_values
        #: The request for the entry of the first key in a bucket, and of each other one; 0 if they have none.
        self.first_entry_size: i64 = 0 if without_values else DICT_ENTRY_SIZE
        self.entry_size: i64 = DICT_ENTRY_NO_VALUE_SIZE if without_values else DICT_ENTRY_SIZE
        #: Whether this table owns the sds of its keys; the expires table shares those of the main table.
        self.owns_keys = owns_keys
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
