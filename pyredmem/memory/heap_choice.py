"""Makes the allocator and the bytes of a heap: the ordinary ones, or those that check each access."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.buffer_bytes import BufferBytes
from pyredmem.memory.byte_chunks import ByteChunks
from pyredmem.memory.checked_bytes import CheckedAllocator, CheckedBytes
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.libc_allocator import LibcAllocator
from pyredmem.memory.word_bytes import WordBytes


def create_allocator(profile_name: str, checked: bool) -> Allocator:
    """An allocator; ``checked`` is usually what ``process.wants_checked_heap`` says."""
    if profile_name == "libc":
        return LibcAllocator(checked)
    return CheckedAllocator(profile_name) if checked else Allocator(profile_name)


def is_checked(allocator: Allocator) -> bool:
    """Whether an allocator tells of each block, so that the accesses to its bytes are checked."""
    return isinstance(allocator, CheckedAllocator) and allocator.checks


def heap_for_keys(allocator: Allocator) -> HeapBytes | None:
    """The bytes of an allocator, if tables keep their keys there."""
    heap = allocator.pages.receiver
    return heap if isinstance(heap, HeapBytes) and heap.has_data else None


def create_heap_bytes(allocator: Allocator, compiled: bool) -> HeapBytes:
    """The bytes of an allocator that has none yet, in words if the package is compiled.

    They check each access if the allocator is one that checks.
    """
    memory: ByteChunks = WordBytes() if compiled else BufferBytes()
    heap: HeapBytes = memory
    if isinstance(allocator, CheckedAllocator) and allocator.checks:
        heap = CheckedBytes(memory, allocator)
    heap.has_data = compiled or is_checked(allocator)
    allocator.pages.receiver = heap
    return heap
