"""Hashes: fields with values, as ``listpack`` or ``hashtable``, converted as in Redis 7.2 (t_hash.c).

A hash begins as a listpack. It becomes a hash table, for good, when a field or value is longer than
``hash-max-listpack-value`` or there are more fields than ``hash-max-listpack-entries``.

A hash in which a field has, or had, an expire time is ``listpackex`` or a ``hashtable`` with times (see
:mod:`pyredmem.objects.hash_times`). In all other hashes ``times`` is None and ``due_us`` is NEVER.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LISTPACK_LIMIT
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import HASH_TYPE, Digest
from pyredmem.objects.field_times import NEVER, NO_TIME, FieldTimes
from pyredmem.objects.hash_fields import HashFields, PackedFields
from pyredmem.objects.hash_table import TableFields
from pyredmem.objects.hash_times import TimedPackedFields, TimedTableFields
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.structures.dict import Dict
from pyredmem.structures.listpack import Listpack


@mypyc_attr(acyclic=True)
class HashObject(Collection):
    """A hash in any encoding."""

    def __init__(self, allocator: Allocator, fields: HashFields, packed: bool, is_twin: bool = False) -> None:
        super().__init__(None if is_twin else allocator)
        self.allocator = allocator
        self.fields: HashFields = fields
        self.packed = packed  # a listpack, with or without times
        self.times: FieldTimes | None = None
        #: The first field expires when the time is later than this, unix microseconds.
        self.due_us: i64 = NEVER

    def type_name(self) -> bytes:
        return b"hash"

    def payload(self) -> Encoded:
        return self.fields

    def length(self) -> i64:
        """The number of fields, including expired ones."""
        return self.fields.length()

    def get(self, field: bytes) -> bytes | None:
        return self.fields.get(field)

    def items(self) -> list[tuple[bytes, bytes]]:
        return list(zip(self.fields.names(), self.fields.contents(), strict=True))

    # Change.

    def set(self, field: bytes, value: bytes, limits: EncodingLimits) -> bool:
        """Set the value of a field and remove its expire time; True if the field is new."""
        if self.times is not None:
            self.persist(field)
        return self.put(field, value, limits)

    def put(self, field: bytes, value: bytes, limits: EncodingLimits) -> bool:
        """As ``set``, but the field keeps its expire time."""
        if not self.packed:
            return self.fields.set(field, value)
        if len(field) > limits.hash_value or len(value) > limits.hash_value:
            self.convert(0)
        is_new = self.fields.set(field, value)
        if is_new and self.packed and self.fields.length() > limits.hash_entries:
            self.convert(0)
        return is_new

    def prepare(self, argv: list[bytes], start: i64, limits: EncodingLimits) -> None:
        """Convert if the fields and values from ``start`` on do not fit in a listpack (Redis hashTypeTryConversion)."""
        if not self.packed:
            return
        pairs = (len(argv) - start + 1) // 2
        if pairs > limits.hash_entries:
            self.convert(pairs)
            return
        total: i64 = 0
        index = start
        while index < len(argv):
            length: i64 = len(argv[index])
            if length > limits.hash_value:
                self.convert(0)
                return
            total += length
            index += 1
        if total > LISTPACK_LIMIT:
            self.convert(0)

    def remove(self, field: bytes) -> bool:
        """Remove a field; False if it was not there."""
        if self.times is None:
            return self.fields.remove(field)
        removed = self.fields.remove(field)
        self._note_due()
        return removed

    def convert(self, room: i64) -> None:
        """Convert a listpack to a hash table with room for ``room`` fields, at least for those that are there."""
        old = self.fields
        times = self.times
        table = TableFields(self.allocator) if times is None else TimedTableFields(self.allocator, times)
        table.table.expand(room)
        table.fill(old.names(), old.contents())
        old.free()
        self.fields = table
        self.packed = False

    # Expire times.

    def time_of(self, field: bytes) -> i64:
        """When a field expires, unix milliseconds; NO_TIME if it does not."""
        times = self.times
        return NO_TIME if times is None else times.get(field)

    def prepare_times(self) -> None:
        """Change to an encoding in which fields can have times, whether or not any field gets one."""
        if self.times is None:
            self._become_timed()

    def expire_at(self, field: bytes, when_ms: i64) -> None:
        """Set when a field that is there expires, unix milliseconds."""
        if self.times is None:
            self._become_timed()
        self.fields.set_time(field, when_ms)
        self._note_due()

    def persist(self, field: bytes) -> bool:
        """Remove the expire time of a field; False if it had none."""
        times = self.times
        if times is None or times.get(field) == NO_TIME:
            return False
        self.fields.clear_time(field)
        self._note_due()
        return True

    def due_ms(self) -> i64:
        """When the next field expires, unix milliseconds; NEVER if none does."""
        times = self.times
        return NEVER if times is None else times.next_ms()

    def expired_field(self, now_ms: i64) -> bytes | None:
        """A field that has expired, None if there is none."""
        times = self.times
        if times is None or times.next_ms() >= now_ms:
            return None
        return times.first()

    def _note_due(self) -> None:
        due = self.due_ms()
        self.due_us = NEVER if due == NEVER else due * 1000 + 999

    def _become_timed(self) -> None:
        """Convert to the encoding with times."""
        old = self.fields
        times = FieldTimes()
        self.times = times
        if self.packed and not self.allocator.sizes.embeds_values:
            packed = TimedPackedFields(Listpack(self.allocator), {}, times)
            fields, values = old.names(), old.contents()
            for index, field in enumerate(fields):
                packed.set(field, values[index])
            self.fields = packed
        elif isinstance(old, TableFields) and self.allocator.sizes.embeds_values:
            table = TimedTableFields(self.allocator, times, i64(old.address))
            table.table = old.table
            self.fields = table
            return
        else:
            table = TimedTableFields(self.allocator, times)
            table.fill(old.names(), old.contents())
            self.fields = table
            self.packed = False  # in Valkey there are no times in listpacks
        old.free()

    # The whole value.

    def duplicate(self, allocator: Allocator) -> HashObject:
        """A copy in the same encoding, with its times."""
        copy = HashObject(allocator, self.fields.duplicate(), self.packed)
        copy.times = copy.fields.field_times()
        copy._note_due()
        return copy

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.fields = relocated(self.fields, mover)
        super().defrag_head(mover)
        self.times = self.fields.field_times()

    def twin(self) -> RedisObject:
        twin = HashObject(self.allocator, self.fields, self.packed, is_twin=True)
        twin.times = self.times
        twin.due_us = self.due_us
        return twin.succeed(self)

    def detach(self) -> None:
        self.fields = self.fields.twin()
        self.fields.detach()
        self.times = self.fields.field_times()

    def digest(self, digest: Digest) -> None:
        """Add all pairs, whose order does not matter. Only whether a field has an expire time counts (Redis 7.4)."""
        digest.mix_number(HASH_TYPE)
        for field, value in self.items():
            pair = Digest()
            pair.mix(field)
            pair.mix(value)
            if self.time_of(field) != NO_TIME:
                pair.xor(b"!!hexpire!!")
            digest.xor(pair.data())

    def hash_table(self) -> Dict | None:
        return self.fields.hash_table()


def new_hash(allocator: Allocator) -> HashObject:
    return HashObject(allocator, PackedFields(Listpack(allocator), {}), packed=True)


def packed_hash(allocator: Allocator, values: dict[bytes, bytes], size: i64) -> HashObject:
    """A hash with these fields and values, in a listpack of just their size, which is ``size`` bytes in all."""
    block = Listpack(allocator, size)
    block.size = size
    return HashObject(allocator, PackedFields(block, values), packed=True)
