"""The string objects: ``int``, ``embstr`` and ``raw``, sized as in Redis 7.2 (object.c, t_string.c).

A raw string has two classes here. A string that was set keeps the very ``bytes`` that arrived. A string that is
modified in place (APPEND, SETRANGE, SETBIT ...) is a buffer with the spare room that Redis's sds would have, so a
modification is amortised O(1).

Which class a string gets is decided in :mod:`pyredmem.objects.string_factory`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.numbers import integer_length
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import (
    BIG_ARGUMENT_BYTES,
    ROBJ_SIZE,
    embstr_size,
    sds_capacity,
    sds_header_size,
    sds_new_size,
    sds_resize,
)
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_buffer
from pyredmem.objects.digest import STRING_TYPE, Digest
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject
from pyredmem.objects.rdb_types import STRING
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.sds import Sds, new_sds

#: Non-negative integers below this one can be shared objects.
SHARED_INTEGERS: Final = 10000

Data = bytes | bytearray


@mypyc_attr(acyclic=True)
class StringObject(RedisObject):
    """A string of any encoding."""

    def type_name(self) -> bytes:
        return b"string"

    def data(self) -> bytes:
        raise NotImplementedError

    def view(self) -> Data:
        """The string to read at once and not to keep: it may be the buffer itself, which is modified later."""
        return self.data()

    def length(self) -> i64:
        """Bytes of the string."""
        return len(self.data())

    def digest(self, digest: Digest) -> None:
        digest.mix_number(STRING_TYPE)
        digest.mix(self.data())

    def save(self, writer: RdbWriter) -> None:
        writer.kind(STRING)
        writer.string(self.data())


@mypyc_attr(acyclic=True)
class IntegerString(StringObject):
    """A string that is the canonical text of a 64-bit integer. The number is stored instead of a pointer."""

    def __init__(self, address: i64, number: i64) -> None:
        super().__init__(address)
        self.number: i64 = number

    def encoding(self) -> bytes:
        return b"int"

    def data(self) -> bytes:
        return str(self.number).encode()

    def length(self) -> i64:
        return integer_length(self.number)

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header. Redis counts it for shared integers too."""
        return ROBJ_SIZE

    def free(self, allocator: Allocator) -> None:
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same number in a block of its own, never a shared integer."""
        return IntegerString(allocator.alloc(ROBJ_SIZE), self.number)

    def addresses(self) -> list[int]:
        return [] if self.refcount == SHARED_REFERENCE_COUNT else [int(self.address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        freed.add(i64(self.address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        self.address = i32(mover.block(i64(self.address)))

    def twin(self) -> RedisObject:
        return IntegerString(i64(self.address), self.number).succeed(self)


@mypyc_attr(acyclic=True)
class BytesString(StringObject):
    """A string as it was set: ``embstr`` shares one block with its object, ``raw`` has an sds block of its own.

    A string of at least BIG_ARGUMENT_BYTES keeps the query buffer it arrived in as its sds.
    """

    def __init__(self, address: i64, sds_address: i64, data: bytes) -> None:
        super().__init__(address)
        self.sds_address: i32 = i32(sds_address)  # 0: embedded
        self.content = data

    def encoding(self) -> bytes:
        return b"embstr" if self.sds_address == 0 else b"raw"

    def data(self) -> bytes:
        return self.content

    def length(self) -> i64:
        return len(self.content)

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        if self.sds_address == 0:
            return allocator.usable(i64(self.address))
        return ROBJ_SIZE + allocator.usable(i64(self.sds_address))

    def free(self, allocator: Allocator) -> None:
        if self.sds_address != 0:
            allocator.free(i64(self.sds_address))
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same bytes, in an sds of its exact size."""
        if self.sds_address == 0:
            return BytesString(allocator.alloc(embstr_size(len(self.content))), 0, self.content)
        return new_raw_string(self.content, allocator)

    def addresses(self) -> list[int]:
        if self.sds_address == 0:
            return [int(self.address)]
        return [int(self.address), int(self.sds_address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        freed.add(i64(self.address))
        freed.add(i64(self.sds_address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        self.address = i32(mover.block(i64(self.address)))
        self.sds_address = i32(mover.block(i64(self.sds_address)))
        if mover.steers():
            self.content = mover.text(self.content)

    def twin(self) -> RedisObject:
        return BytesString(i64(self.address), i64(self.sds_address), self.content).succeed(self)

    def drop_content(self) -> None:
        self.content = b""

    def sds(self, allocator: Allocator) -> Sds:
        """The sds of a raw string, with the header and capacity it got when it arrived as an argument."""
        size: i64 = len(self.content)
        address = i64(self.sds_address)
        sizes = allocator.sizes
        header = sds_header_size(size if size < BIG_ARGUMENT_BYTES else size + 2)
        if size >= BIG_ARGUMENT_BYTES and is_trimmed(size, allocator):
            header, _ = sds_resize(header, size, False)
            if not sizes.knows_its_block:
                return Sds(address, header, size)  # trimming forgets the slack of the block
        usable = allocator.usable(address)
        header = sizes.sds_header(header, usable)
        return Sds(address, header, sds_capacity(header, usable))


@mypyc_attr(acyclic=True)
class BufferString(StringObject):
    """A raw string that is modified in place."""

    def __init__(self, address: i64, sds: Sds, buffer: bytearray) -> None:
        super().__init__(address)
        self.sds = sds
        self.buffer = buffer

    def encoding(self) -> bytes:
        return b"raw"

    def data(self) -> bytes:
        return bytes(self.buffer)

    def view(self) -> Data:
        return self.buffer

    def length(self) -> i64:
        return len(self.buffer)

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header and the sds block, spare room included."""
        return ROBJ_SIZE + self.sds.usable(allocator)

    def free(self, allocator: Allocator) -> None:
        self.sds.free(allocator)
        allocator.free(i64(self.address))

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """The same bytes without the spare room."""
        return new_raw_string(bytes(self.buffer), allocator)

    def addresses(self) -> list[int]:
        return [int(self.address), int(self.sds.address)]

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        freed.add(i64(self.address))
        freed.add(i64(self.sds.address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        self.address = i32(mover.block(i64(self.address)))
        self.sds.defrag(mover)
        if mover.steers():
            self.sds = self.sds.relocated(mover)
            self.buffer = relocated_buffer(self.buffer, mover)

    def twin(self) -> RedisObject:
        return BufferString(i64(self.address), self.sds, self.buffer).succeed(self)

    def detach(self) -> None:
        self.sds = self.sds.image()
        self.buffer = bytearray(self.buffer)

    def drop_content(self) -> None:
        self.buffer = bytearray()

    def set_part(self, offset: i64, data: bytes, allocator: Allocator) -> None:
        """Overwrite a part of the string, or lengthen it with sds's preallocation; a gap is filled with zeros."""
        end: i64 = offset + len(data)
        length = self.length()
        if end > length:
            self.sds.make_room(length, end - length, allocator)
            if offset > length:
                self.buffer.extend(bytes(offset - length))
        self.buffer[offset:end] = data

    def renew(self, buffer: bytearray, allocator: Allocator) -> None:
        """Replace the content by ``buffer``, which the string takes over, in a new sds."""
        self.sds.renew(len(buffer), allocator)
        self.buffer = buffer


def new_raw_string(data: bytes, allocator: Allocator) -> StringObject:
    """A raw string that did not arrive as an argument: its sds is new, and what the block has left over is room."""
    if len(data) >= BIG_ARGUMENT_BYTES:
        return new_buffer_string(bytearray(data), allocator)
    sds_address = allocator.alloc(sds_new_size(len(data)))
    return BytesString(allocator.alloc(ROBJ_SIZE), sds_address, data)


def new_buffer_string(content: bytearray, allocator: Allocator) -> BufferString:
    """A raw string in a new sds. It takes the buffer over."""
    sds = new_sds(len(content), allocator)
    return BufferString(allocator.alloc(ROBJ_SIZE), sds, content)


def query_buffer(size: i64) -> tuple[i64, i64]:
    """The sds header, and the bytes requested, of the query buffer for a big argument and its CR LF."""
    header = sds_header_size(size + 2)
    return header, header + size + 3


def is_trimmed(size: i64, allocator: Allocator) -> bool:
    """Whether more than a tenth of a big argument's query buffer is free, as far as its sds header can tell."""
    header, request = query_buffer(size)
    return sds_capacity(header, allocator.good_size(request)) - size > size // 10
