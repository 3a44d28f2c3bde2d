"""Makes requests of the malloc of this machine, in a process of its own, and prints what each block may use.

    python -m tests.memory.glibc_malloc SEED COUNT

All free chunks of the heap are taken first. So what follows depends on the requests alone, and on how many bytes are
left at the end of the heap: they are printed in a line of their own.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections.abc import Iterator

SIZES = (16, 24, 40, 56, 72, 100, 120, 200)
LARGE_SHARE = 0.02
LARGEST = 20_000
#: When this many blocks of one size lie side by side in a row, no free chunk of that size is left.
ROW = 12
HEADER_BYTES = 8


class HeapFigures(ctypes.Structure):
    """The result of mallinfo2; the last figure is what is left at the end of the heap."""

    _fields_ = [(f"figure_{number}", ctypes.c_size_t) for number in range(9)] + [("top_bytes", ctypes.c_size_t)]


def requests(seed: int, count: int) -> Iterator[tuple[str, int, int]]:
    """What is called, the number of the block that it is called with, and the size."""
    rng = random.Random(seed)
    live = 0
    for _ in range(count):
        kind = rng.random()
        size = rng.randrange(1, LARGEST) if rng.random() < LARGE_SHARE else rng.choice(SIZES)
        if live < len(SIZES) or kind < 0.55:
            live += 1
            yield "calloc" if kind < 0.05 else "malloc", live - 1, size
        elif kind < 0.65:
            yield "realloc", rng.randrange(live), size
        else:
            live -= 1
            yield "free", rng.randrange(live + 1), 0  # the last block has its number from now on


class Malloc:
    """The functions of the C library."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        address, size = ctypes.c_void_p, ctypes.c_size_t
        self.malloc, self.calloc, self.realloc, self.free = (
            library.malloc,
            library.calloc,
            library.realloc,
            library.free,
        )
        self.usable, self._figures = library.malloc_usable_size, library.mallinfo2
        self.malloc.argtypes, self.malloc.restype = [size], address
        self.calloc.argtypes, self.calloc.restype = [size, size], address
        self.realloc.argtypes, self.realloc.restype = [address, size], address
        self.free.argtypes, self.free.restype = [address], None
        self.usable.argtypes, self.usable.restype = [address], size
        self._figures.restype = HeapFigures

    def top_bytes(self) -> int:
        """What is left at the end of the heap."""
        left: int = self._figures().top_bytes
        return left

    def take_free_chunks(self) -> None:
        """Allocate until no chunk is free but the end of the heap."""
        for size in (100_000, 50_000, LARGEST, 10_000, 5_000, 2_000, *range(1_032, 16, -16)):
            row = last = 0
            while row < ROW:
                block = self.malloc(size)
                row = row + 1 if last and block - last == self.usable(last) + HEADER_BYTES else 0
                last = block


def main(seed: int, count: int) -> None:
    libc = Malloc()
    calls = list(requests(seed, count))
    blocks, usable = [0] * count, [0] * count
    libc.take_free_chunks()
    top = libc.top_bytes()
    live = 0
    for at, (name, number, size) in enumerate(calls):
        if name == "free":
            libc.free(blocks[number])
            live -= 1
            blocks[number] = blocks[live]
            continue
        if name == "realloc":
            blocks[number] = libc.realloc(blocks[number], size)
        else:
            blocks[number] = libc.malloc(size) if name == "malloc" else libc.calloc(size, 1)
            live += 1
        usable[at] = libc.usable(blocks[number])
    print(top)
    print(*usable)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
