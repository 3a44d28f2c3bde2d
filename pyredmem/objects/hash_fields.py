"""The fields of a hash: what every encoding can do, and the compact one, a listpack.

In the ledger a small hash is a listpack of field, value, field, value ... in the order in which the fields came. Here
it is a Python dict, whose order is the same, beside the listpack's block: a field is found at once, and the block knows
what Redis would allocate.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.freed_blocks import FreedBlocks, drop_items
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_pairs
from pyredmem.objects.collection import Encoded
from pyredmem.objects.field_times import FieldTimes
from pyredmem.objects.rdb_types import HASH_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import listpack_bytes


@mypyc_attr(acyclic=True)
class HashFields(Encoded):
    """Fields with their values."""

    def length(self) -> i64:
        """How many fields there are."""
        raise NotImplementedError

    def get(self, field: bytes) -> bytes | None:
        """The value of a field."""
        raise NotImplementedError

    def set(self, field: bytes, value: bytes) -> bool:
        """Give a field a value; True if the field is new."""
        raise NotImplementedError

    def remove(self, field: bytes) -> bool:
        """Take a field out; False if it was not there."""
        raise NotImplementedError

    def names(self) -> list[bytes]:
        """All fields, to look at only; ``contents`` has the values in the same order."""
        raise NotImplementedError

    def contents(self) -> list[bytes]:
        """All values, to look at only."""
        raise NotImplementedError

    def scan(self, cursor: i64, count: i64, fields: list[bytes], values: list[bytes]) -> i64:
        """Add the next ``count`` or so fields and their values; returns the cursor to go on with, 0 at the end."""
        fields += self.names()
        values += self.contents()
        return 0

    def random_field(self, rng: Random) -> bytes:
        """Any field, with the same chance for each."""
        names = self.names()
        return names[rng.below(len(names))]

    def duplicate(self) -> HashFields:
        """A copy at its exact size."""
        raise NotImplementedError

    def relocated(self, mover: Mover) -> HashFields:
        """These fields or, if the Python object has to leave its place, its twin, which takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = self.twin()
        while mover.must_plug(twin):
            twin = self.twin()
        return twin

    def twin(self) -> HashFields:
        """Another object with the very same fields and blocks; one of the two is dropped."""
        raise NotImplementedError

    def hash_table(self) -> Dict | None:
        """The hash table it is, if it is one."""
        return None

    # Fields with a time to live, in the encodings that have them.

    def field_times(self) -> FieldTimes | None:
        """When which field expires; None if none can."""
        return None

    def set_time(self, field: bytes, when_ms: i64) -> None:
        """Let a field expire at a time, unix milliseconds."""
        raise NotImplementedError

    def clear_time(self, field: bytes) -> None:
        """Let a field that has a time live for ever."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class PackedFields(HashFields):
    """``listpack``."""

    def __init__(self, block: Listpack, values: dict[bytes, bytes]) -> None:
        self.block = block
        self.values: dict[bytes, bytes] = values

    def encoding(self) -> bytes:
        """Its name."""
        return b"listpack"

    def length(self) -> i64:
        """How many fields there are."""
        return len(self.values)

    def get(self, field: bytes) -> bytes | None:
        """The value of a field."""
        return self.values.get(field)

    def set(self, field: bytes, value: bytes) -> bool:
        """Append a field, or replace its value where it stands."""
        values = self.values
        old = values.get(field)
        values[field] = value
        if old is None:
            self.block.grow(entry_size(field) + entry_size(value))
            return True
        self.block.change(entry_size(value) - entry_size(old))
        return False

    def remove(self, field: bytes) -> bool:
        """Take a field and its value out."""
        value = self.values.pop(field, None)
        if value is None:
            return False
        self.block.shrink(entry_size(field) + entry_size(value))
        return True

    def names(self) -> list[bytes]:
        """The fields in the order of the listpack."""
        return list(self.values)

    def contents(self) -> list[bytes]:
        """The values in the order of the listpack."""
        return list(self.values.values())

    def duplicate(self) -> HashFields:
        """The same listpack once more."""
        return PackedFields(self.block.duplicate(), self.values.copy())

    def save(self, writer: RdbWriter) -> None:
        """Write the block: each field, then its value."""
        entries: list[bytes] = []
        for field, value in self.values.items():
            entries += [field, value]
        writer.kind(HASH_LISTPACK)
        writer.string(listpack_bytes(entries))

    def memory(self, samples: i64) -> i64:
        """The block."""
        return self.block.usable()

    def free(self) -> None:
        """Give the block back."""
        self.block.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The fields, then the block."""
        if not drop_items(self.values, limit):
            return False
        freed.add(i64(self.block.address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """The block, and the fields: there are not many in a listpack."""
        if mover.steers():
            self.block = self.block.relocated(mover)
            self.values = relocated_pairs(self.values, mover)
        self.block.defrag(mover)

    def twin(self) -> HashFields:
        """Another one around the block and the fields."""
        return PackedFields(self.block, self.values)

    def addresses(self) -> list[int]:
        """The block."""
        return [int(self.block.address)]
