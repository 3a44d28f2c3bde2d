"""Makes string objects: chooses the encoding as Redis 7.2 does, and shares small integers."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import BIG_ARGUMENT_BYTES, EMBSTR_LIMIT, ROBJ_SIZE, embstr_size, sds_new_size, sds_resize
from pyredmem.objects.heap_strings import NO_WORD, HeapStrings, shared_word
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.objects.shared_integers import SharedIntegers
from pyredmem.objects.string import (
    SHARED_INTEGERS,
    BufferString,
    BytesString,
    IntegerString,
    StringObject,
    is_trimmed,
    new_buffer_string,
    new_raw_string,
    query_buffer,
)

_INTEGER_DIGITS: Final = 20
_MINUS: Final = 45
_NINE: Final = 57
_DEFAULT_MAX_LENGTH: Final = 512 * 1024 * 1024


class StringFactory:
    """Makes the string objects of one engine."""

    def __init__(self, allocator: Allocator, heap_strings: HeapStrings | None = None) -> None:
        self.allocator = allocator
        self._heap_strings = heap_strings
        #: Whether equal small integers are one object. Off while maxmemory is set with an LRU or LFU policy, which
        #: needs an access field for each key.
        self.sharing = True
        #: proto-max-bulk-len: no command makes a longer string (bytes).
        self.max_length: i64 = _DEFAULT_MAX_LENGTH
        self.integers = SharedIntegers() if heap_strings is None else heap_strings.integers

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

    def create_in_heap(self, data: bytes) -> i64:
        """The word of a string like that which ``create`` makes; NO_WORD, and no string, if it must be an object."""
        strings = self._heap_strings
        size: i64 = len(data)
        if strings is None or size > strings.longest:
            return NO_WORD
        if 0 < size <= _INTEGER_DIGITS and (data[0] <= _NINE or data[0] == _MINUS):
            number = parse_integer(data)
            if number is not None:
                return self.integer_in_heap(number)
        return strings.new_text(data)

    def integer_in_heap(self, number: i64) -> i64:
        """The word of a string like that which ``create_integer`` makes; NO_WORD if it must be an object."""
        strings = self._heap_strings
        if strings is None or strings.longest < 0:
            return NO_WORD
        return shared_word(number) if self._is_shared(number) else strings.new_integer(number)

    def _big_argument(self, size: i64) -> i64:
        """The block of a big argument: the query buffer it arrived in, trimmed if too much of it is free.

        What trimming leaves depends on how the allocator shrinks a block.
        """
        allocator = self.allocator
        header, request = query_buffer(size)
        address = allocator.alloc(request)
        if not is_trimmed(size, allocator):
            return address
        trimmed, request = sds_resize(header, size, False)
        if trimmed == header:
            return allocator.realloc(address, request)
        allocator.free(address)
        return allocator.alloc(request)

    def create_integer(self, number: i64) -> StringObject:
        """The object of an integer: the shared one if sharing is on and there is one."""
        if self._is_shared(number):
            return self.integers.get(number)
        return IntegerString(self.allocator.alloc(ROBJ_SIZE), number)

    def _is_shared(self, number: i64) -> bool:
        """Whether there is a shared object for an integer."""
        return self.sharing and 0 <= number < SHARED_INTEGERS

    def create_text(self, data: bytes) -> StringObject:
        """A string that is never encoded as an integer (INCRBYFLOAT)."""
        if len(data) <= EMBSTR_LIMIT:
            return BytesString(self.allocator.alloc(embstr_size(len(data))), 0, data)
        return new_raw_string(data, self.allocator)

    def create_restored(self, data: bytes) -> StringObject:
        """The string of a serialized value: as ``create`` makes it, except that its sds was never a query buffer.

        If more than a tenth of a long string's sds is free, the free room is cut off. That shows only in the capacity.
        """
        size: i64 = len(data)
        if size < BIG_ARGUMENT_BYTES:
            return self.create(data)
        value = self.create_buffer(bytearray(data))
        if value.sds.capacity - size > size // 10 and not self.allocator.sizes.knows_its_block:
            value.sds.capacity = size
        return value

    def create_buffer(self, content: bytearray) -> BufferString:
        """A raw string to be modified, in a new sds. It takes the buffer over."""
        return new_buffer_string(content, self.allocator)

    def unshare(self, value: StringObject) -> BufferString:
        """A string in the form that can be modified in place.

        It is the object itself, or a new one that takes over its blocks, or a new raw copy. The caller's reference
        and the access field pass to the object returned.
        """
        if isinstance(value, BufferString) and value.refcount == 1:
            return value
        if isinstance(value, BytesString) and value.sds_address != 0 and value.refcount == 1:
            taken = BufferString(i64(value.address), value.sds(self.allocator), bytearray(value.content))
            value.refcount = 0  # the new object owns its blocks
        else:
            taken = self.create_buffer(bytearray(value.view()))
            decr_ref_count(value, self.allocator)
        taken.lru = value.lru
        return taken

    def assign(self, value: RedisObject, data: bytes) -> bool:
        """Overwrite a value in place if it can be the very object that ``create`` would make; False if not.

        This is the usual SET over a string of about the same length: it makes no new object, and the ledger has
        nothing to do if the size class stays the same.
        """
        if not isinstance(value, BytesString) or value.refcount != 1:
            return False
        size: i64 = len(data)
        if size == 0 or data[0] <= _NINE:
            return False  # it may be an integer, which ``create`` decides
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
