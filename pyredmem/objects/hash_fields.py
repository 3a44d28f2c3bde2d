"""The fields of a hash: what every encoding can do, and the compact one, a listpack.

In the ledger a small hash is a listpack of field, value, field, value ... in the order in which the fields were added.
Here it is a Python dict, whose order is the same, beside the listpack's block: a field is found at once, and the block
has the size that Redis would allocate.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_pairs
from pyredmem.objects.collection import Encoded, dismantle_packed
from pyredmem.objects.field_times import FieldTimes
from pyredmem.objects.rdb_types import HASH_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict import Dict
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import ListpackWriter


@mypyc_attr(acyclic=True)
class HashFields(Encoded):
    """Fields with their values."""

    def length(self) -> i64:
        raise NotImplementedError

    def get(self, field: bytes) -> bytes | None:
        raise NotImplementedError

    def reply(self, field: bytes, reply: ReplySink) -> None:
        """Reply with the value of a field, or null."""
        value = self.get(field)
        if value is None:
            reply.null()
        else:
            reply.bulk(value)

    def set(self, field: bytes, value: bytes) -> bool:
        """Set the value of a field; True if the field is new."""
        raise NotImplementedError

    def remove(self, field: bytes) -> bool:
        """Remove a field; False if it was not there."""
        raise NotImplementedError

    def names(self) -> list[bytes]:
        """All fields, to read only; ``contents`` has the values in the same order."""
        raise NotImplementedError

    def contents(self) -> list[bytes]:
        """All values, to read only."""
        raise NotImplementedError

    def scan(self, cursor: i64, count: i64, fields: list[bytes], values: list[bytes]) -> i64:
        """Append the next fields, about ``count``, to ``fields`` and their values to ``values``.

        Returns the cursor to continue with, 0 at the end.
        """
        fields += self.names()
        values += self.contents()
        return 0

    def random_field(self, rng: Random) -> bytes:
        """A random field, each with the same probability."""
        names = self.names()
        return names[rng.below(len(names))]

    def duplicate(self) -> HashFields:
        """A copy in blocks of exact size."""
        raise NotImplementedError

    def twin(self) -> HashFields:
        raise NotImplementedError

    def hash_table(self) -> Dict | None:
        """The hash table, if this encoding is one."""
        return None

    # Fields with an expire time, in the encodings that have them.

    def field_times(self) -> FieldTimes | None:
        """The expire times of the fields; None if this encoding has none."""
        return None

    def set_time(self, field: bytes, when_ms: i64) -> None:
        """Set when a field expires, unix milliseconds."""
        raise NotImplementedError

    def clear_time(self, field: bytes) -> None:
        """Remove the expire time of a field that has one."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class PackedFields(HashFields):
    """``listpack``."""

    def __init__(self, block: Listpack, values: dict[bytes, bytes]) -> None:
        self.block = block
        self.values: dict[bytes, bytes] = values

    def encoding(self) -> bytes:
        return b"listpack"

    def length(self) -> i64:
        return len(self.values)

    def get(self, field: bytes) -> bytes | None:
        return self.values.get(field)

    def set(self, field: bytes, value: bytes) -> bool:
        """Append a field, or replace its value in place."""
        values = self.values
        old = values.get(field)
        values[field] = value
        if old is None:
            self.block.grow(entry_size(field) + entry_size(value))
            return True
        self.block.change(entry_size(value) - entry_size(old))
        return False

    def remove(self, field: bytes) -> bool:
        """Remove a field and its value."""
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
        """A second listpack like this one."""
        return PackedFields(self.block.duplicate(), self.values.copy())

    def save(self, writer: RdbWriter) -> None:
        """Write the block: each field, followed by its value."""
        block = ListpackWriter()
        for field, value in self.values.items():
            block.add(field)
            block.add(value)
        writer.kind(HASH_LISTPACK)
        writer.string(block.finish())

    def memory(self, samples: i64) -> i64:
        return self.block.usable()

    def free(self) -> None:
        self.block.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        return dismantle_packed(self.values, self.block, limit, freed)

    def defrag_head(self, mover: Mover) -> None:
        """The block, and the fields, which are few."""
        if mover.steers():
            self.block = self.block.relocated(mover)
            self.values = relocated_pairs(self.values, mover)
        self.block.defrag(mover)

    def twin(self) -> HashFields:
        return PackedFields(self.block, self.values)

    def detach(self) -> None:
        self.block = self.block.image()
        self.values = self.values.copy()

    def addresses(self) -> list[int]:
        return [int(self.block.address)]
