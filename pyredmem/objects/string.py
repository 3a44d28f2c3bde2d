"""Strings: ``int``, ``embstr`` and ``raw``, converted and sized as in Redis 7.2 (object.c, t_string.c).

A raw string has two forms here. One that was set keeps the very ``bytes`` that arrived; one that is modified in place
(APPEND, SETRANGE, SETBIT ...) is a buffer with the spare room that Redis's sds would have, so modifying is amortised
O(1).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import (
    BIG_ARGUMENT_BYTES,
    EMBSTR_LIMIT,
    ROBJ_SIZE,
    embstr_size,
    sds_capacity,
    sds_header_size,
    sds_make_room,
    sds_new_size,
    sds_resize,
)
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_buffer
from pyredmem.objects.digest import STRING_TYPE, Digest
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject, decr_ref_count
from pyredmem.objects.rdb_types import STRING
from pyredmem.objects.rdb_writer import RdbWriter

#: Numbers below this one exist as shared objects.
SHARED_INTEGERS: Final = 10000
_INTEGER_DIGITS: Final = 20
_MINUS: Final = 45
_NINE: Final = 57
_DEFAULT_MAX_LENGTH: Final = 512 * 1024 * 1024

Data = bytes | bytearray


@mypyc_attr(acyclic=True)
class StringObject(RedisObject):
    """A string of any encoding."""

    def type_name(self) -> bytes:
        """What TYPE says."""
        return b"string"

    def data(self) -> bytes:
        """The string."""
        raise NotImplementedError

    def view(self) -> Data:
        """The string to look at, not to keep: of one that is modified in place it is the buffer itself, no copy."""
        return self.data()

    def length(self) -> i64:
        """Bytes of the string."""
        return len(self.data())

    def digest(self, digest: Digest) -> None:
        """Add type and content."""
        digest.mix_number(STRING_TYPE)
        digest.mix(self.data())

    def save(self, writer: RdbWriter) -> None:
        """Write type and content."""
        writer.kind(STRING)
        writer.string(self.data())


@mypyc_attr(acyclic=True)
class IntegerString(StringObject):
    """A string that is a canonical 64-bit integer; the number takes the place of the pointer."""

    def __init__(self, address: i64, number: i64) -> None:
        super().__init__(address)
        self.number: i64 = number

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"int"

    def data(self) -> bytes:
        """The decimal digits."""
        return str(self.number).encode()

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header, for shared numbers too."""
        return ROBJ_SIZE

    def free(self, allocator: Allocator) -> None:
        """Give the block back."""
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same number in a block of its own, never a shared one."""
        return IntegerString(allocator.alloc(ROBJ_SIZE), self.number)

    def addresses(self) -> list[int]:
        """The block; a shared number has none of its own."""
        return [] if self.refcount == SHARED_REFERENCE_COUNT else [int(self.address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The block."""
        freed.add(i64(self.address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """The block."""
        self.address = i32(mover.block(i64(self.address)))

    def twin(self) -> RedisObject:
        """The same number in the same block."""
        return IntegerString(i64(self.address), self.number).succeed(self)


@mypyc_attr(acyclic=True)
class BytesString(StringObject):
    """A string as it was set: ``embstr``, one block with its object, or ``raw``, an sds block of its own.

    One of BIG_ARGUMENT_BYTES or more always is an argument in the query buffer that it arrived in.
    """

    def __init__(self, address: i64, sds_address: i64, data: bytes) -> None:
        super().__init__(address)
        self.sds_address: i32 = i32(sds_address)  # 0: embedded
        self.content = data

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"embstr" if self.sds_address == 0 else b"raw"

    def data(self) -> bytes:
        """The string."""
        return self.content

    def length(self) -> i64:
        """Bytes of the string."""
        return len(self.content)

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The one block, or the object's header and the sds block."""
        if self.sds_address == 0:
            return allocator.usable(i64(self.address))
        return ROBJ_SIZE + allocator.usable(i64(self.sds_address))

    def free(self, allocator: Allocator) -> None:
        """Give the blocks back."""
        if self.sds_address != 0:
            allocator.free(i64(self.sds_address))
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same bytes, the sds at its exact size."""
        if self.sds_address == 0:
            return BytesString(allocator.alloc(embstr_size(len(self.content))), 0, self.content)
        return _copy(self.content, allocator)

    def addresses(self) -> list[int]:
        """The blocks."""
        if self.sds_address == 0:
            return [int(self.address)]
        return [int(self.address), int(self.sds_address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The blocks."""
        freed.add(i64(self.address))
        freed.add(i64(self.sds_address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """The blocks and the bytes."""
        self.address = i32(mover.block(i64(self.address)))
        self.sds_address = i32(mover.block(i64(self.sds_address)))
        if mover.steers():
            self.content = mover.text(self.content)

    def twin(self) -> RedisObject:
        """The same bytes in the same blocks."""
        return BytesString(i64(self.address), i64(self.sds_address), self.content).succeed(self)

    def let_go(self) -> None:
        """The bytes."""
        self.content = b""

    def sds(self, allocator: Allocator) -> tuple[i64, i64]:
        """Header and capacity of the sds of a raw string, as it got them when it came as an argument."""
        size: i64 = len(self.content)
        header = sds_header_size(size if size < BIG_ARGUMENT_BYTES else size + 2)
        if size >= BIG_ARGUMENT_BYTES and _is_trimmed(size, allocator):
            header, _ = sds_resize(header, size, False)
            return header, size  # trimming forgets the slack of the block
        return header, sds_capacity(header, allocator.usable(i64(self.sds_address)))


@mypyc_attr(acyclic=True)
class BufferString(StringObject):
    """A raw string that is modified in place, with its sds's header type and capacity."""

    def __init__(self, address: i64, sds_address: i64, header: i64, capacity: i64, buffer: bytearray) -> None:
        super().__init__(address)
        self.sds_address: i32 = i32(sds_address)
        self.header: i32 = i32(header)  # bytes of the sds header: 1, 3, 5, 9 or 17
        self.capacity: i64 = capacity  # bytes the sds can hold without a new block
        self.buffer = buffer

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def data(self) -> bytes:
        """A copy of the string."""
        return bytes(self.buffer)

    def view(self) -> Data:
        """The buffer."""
        return self.buffer

    def length(self) -> i64:
        """Bytes of the string."""
        return len(self.buffer)

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header and the sds block, spare room included."""
        return ROBJ_SIZE + allocator.usable(i64(self.sds_address))

    def free(self, allocator: Allocator) -> None:
        """Give both blocks back."""
        allocator.free(i64(self.sds_address))
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same bytes without the spare room."""
        return _copy(bytes(self.buffer), allocator)

    def addresses(self) -> list[int]:
        """Both blocks."""
        return [int(self.address), int(self.sds_address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Both blocks."""
        freed.add(i64(self.address))
        freed.add(i64(self.sds_address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """Both blocks and the buffer."""
        self.address = i32(mover.block(i64(self.address)))
        self.sds_address = i32(mover.block(i64(self.sds_address)))
        if mover.steers():
            self.buffer = relocated_buffer(self.buffer, mover)

    def twin(self) -> RedisObject:
        """The same buffer in the same blocks."""
        address: i64 = i64(self.address)
        twin = BufferString(address, i64(self.sds_address), i64(self.header), self.capacity, self.buffer)
        return twin.succeed(self)

    def let_go(self) -> None:
        """The buffer."""
        self.buffer = bytearray()

    def make_room(self, added: i64, allocator: Allocator) -> None:
        """See to room for ``added`` more bytes, with sds's preallocation."""
        length: i64 = len(self.buffer)
        if added == 0 or self.capacity - length >= added:
            return
        header, request = sds_make_room(length, added, True)
        if header == i64(self.header):
            address = allocator.realloc(i64(self.sds_address), request)
        else:
            address = allocator.alloc(request)
            allocator.free(i64(self.sds_address))
        self.sds_address = i32(address)
        self.header = i32(header)
        self.capacity = sds_capacity(header, allocator.usable(address))

    def append(self, data: bytes, allocator: Allocator) -> None:
        """Add bytes at the end."""
        self.make_room(len(data), allocator)
        self.buffer += data

    def grow_zero(self, length: i64, allocator: Allocator) -> None:
        """Fill up with zero bytes to ``length``, if it is shorter."""
        missing = length - len(self.buffer)
        if missing > 0:
            self.make_room(missing, allocator)
            self.buffer.extend(bytes(missing))

    def set_capacity(self, capacity: i64, allocator: Allocator) -> None:
        """Make the sds hold exactly so many bytes, which is not less than it has (sdsResize, to grow again)."""
        if self.capacity == capacity:
            return
        header, request = sds_resize(i64(self.header), capacity, True)
        if header == i64(self.header):
            address = allocator.realloc(i64(self.sds_address), request)
        else:
            address = allocator.alloc(request)
            allocator.free(i64(self.sds_address))
        self.sds_address = i32(address)
        self.header = i32(header)
        self.capacity = capacity

    def renew(self, buffer: bytearray, allocator: Allocator) -> None:
        """Put other bytes in a fresh sds into the place of these; takes the buffer over."""
        size: i64 = len(buffer)
        address = allocator.alloc(sds_new_size(size))
        allocator.free(i64(self.sds_address))
        header = sds_header_size(size)
        self.sds_address = i32(address)
        self.header = i32(header)
        self.capacity = sds_capacity(header, allocator.usable(address))
        self.buffer = buffer


class Strings:
    """Makes string objects, in the ledger and with the shared numbers."""

    def __init__(self, allocator: Allocator) -> None:
        self.allocator = allocator
        #: Off while maxmemory is set with an LRU or LFU policy, which need an access field per key.
        self.sharing = True
        #: proto-max-bulk-len: no command makes a string longer than that (bytes).
        self.max_length: i64 = _DEFAULT_MAX_LENGTH
        self.shared = [_shared_integer(number) for number in range(SHARED_INTEGERS)]

    def create(self, data: bytes) -> StringObject:
        """The object that SET makes of an argument: the tightest encoding."""
        size: i64 = len(data)
        if 0 < size <= _INTEGER_DIGITS and (data[0] <= _NINE or data[0] == _MINUS):
            number = parse_integer(data)
            if number is not None:
                return self.create_integer(number)
        allocator = self.allocator
        if size <= EMBSTR_LIMIT:
            return BytesString(allocator.alloc(embstr_size(size)), 0, data)
        sds_address = self._big_argument(size) if size >= BIG_ARGUMENT_BYTES else allocator.alloc(sds_new_size(size))
        return BytesString(allocator.alloc(ROBJ_SIZE), sds_address, data)

    def _big_argument(self, size: i64) -> i64:
        """The block of a big argument: the query buffer that it arrived in, trimmed when too much of it is free.

        What trimming leaves depends on how the allocator shrinks a block.
        """
        allocator = self.allocator
        header, request = _query_buffer(size)
        address = allocator.alloc(request)
        if not _is_trimmed(size, allocator):
            return address
        trimmed, request = sds_resize(header, size, False)
        if trimmed == header:
            return allocator.realloc(address, request)
        allocator.free(address)
        return allocator.alloc(request)

    def create_integer(self, number: i64) -> StringObject:
        """The object of a number: shared where that is allowed."""
        if self.sharing and 0 <= number < SHARED_INTEGERS:
            return self.shared[number]
        return IntegerString(self.allocator.alloc(ROBJ_SIZE), number)

    def create_text(self, data: bytes) -> StringObject:
        """A string that is never encoded as a number (INCRBYFLOAT)."""
        if len(data) <= EMBSTR_LIMIT:
            return BytesString(self.allocator.alloc(embstr_size(len(data))), 0, data)
        return _copy(data, self.allocator)

    def create_restored(self, data: bytes) -> StringObject:
        """The string of a serialized value: as ``create`` makes it, but its sds never was a query buffer.

        Of a long one what is free beyond a tenth is cut off, which only shows in what the sds takes for its room.
        """
        size: i64 = len(data)
        if size < BIG_ARGUMENT_BYTES:
            return self.create(data)
        value = self.create_buffer(bytearray(data))
        if value.capacity - size > size // 10:
            value.capacity = size
        return value

    def create_buffer(self, content: bytearray) -> BufferString:
        """A raw string to be modified, sized as a fresh sds; takes the buffer over."""
        return _buffer(content, self.allocator)

    def unshare(self, value: StringObject) -> BufferString:
        """The modifiable form of a string: itself, its own blocks in another form, or a fresh raw copy.

        Where it is another object the caller's reference has gone over to it, with the access field.
        """
        if isinstance(value, BufferString) and value.refcount == 1:
            return value
        if isinstance(value, BytesString) and value.sds_address != 0 and value.refcount == 1:
            header, capacity = value.sds(self.allocator)
            buffer = bytearray(value.content)
            taken = BufferString(i64(value.address), i64(value.sds_address), header, capacity, buffer)
            value.refcount = 0  # its blocks live on in the new object
        else:
            taken = self.create_buffer(bytearray(value.view()))
            decr_ref_count(value, self.allocator)
        taken.lru = value.lru
        return taken

    def assign(self, value: RedisObject, data: bytes) -> bool:
        """Overwrite a value in place, if it can be the very object that ``create`` would make; False if not.

        The usual SET over a string of about the same size: no new object, and no work in the ledger where the size
        class stays.
        """
        if not isinstance(value, BytesString) or value.refcount != 1:
            return False
        size: i64 = len(data)
        if size == 0 or data[0] <= _NINE:
            return False  # what may be a number is left to create
        if size == len(value.content):
            value.content = data
            return True
        if value.sds_address == 0:
            if size > EMBSTR_LIMIT:
                return False
            value.address = i32(self.allocator.replace(i64(value.address), embstr_size(size)))
        else:
            if not EMBSTR_LIMIT < size < BIG_ARGUMENT_BYTES:
                return False
            value.sds_address = i32(self.allocator.replace(i64(value.sds_address), sds_new_size(size)))
        value.content = data
        return True


def _copy(data: bytes, allocator: Allocator) -> StringObject:
    """A raw string that did not come as an argument: its sds is a fresh one, with the slack of its block."""
    if len(data) >= BIG_ARGUMENT_BYTES:
        return _buffer(bytearray(data), allocator)
    sds_address = allocator.alloc(sds_new_size(len(data)))
    return BytesString(allocator.alloc(ROBJ_SIZE), sds_address, data)


def _buffer(content: bytearray, allocator: Allocator) -> BufferString:
    """A raw string in a fresh sds; takes the buffer over."""
    size: i64 = len(content)
    address = allocator.alloc(sds_new_size(size))
    header = sds_header_size(size)
    capacity = sds_capacity(header, allocator.usable(address))
    return BufferString(allocator.alloc(ROBJ_SIZE), address, header, capacity, content)


def _query_buffer(size: i64) -> tuple[i64, i64]:
    """Header and request of the buffer that a big argument is read into, with its CR LF."""
    header = sds_header_size(size + 2)
    return header, header + size + 3


def _is_trimmed(size: i64, allocator: Allocator) -> bool:
    """Whether more than a tenth of a big argument's query buffer is free, as far as its sds header can tell."""
    header, request = _query_buffer(size)
    return sds_capacity(header, allocator.good_size(request)) - size > size // 10


def _shared_integer(number: i64) -> IntegerString:
    """A number that all keys share; its block is part of the ledger's startup figure."""
    value = IntegerString(0, number)
    value.refcount = SHARED_REFERENCE_COUNT
    return value
