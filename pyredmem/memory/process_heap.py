"""The heap in which CPython keeps its small objects, read from outside: what lies where, and how full it is.

pymalloc takes *arenas* of 1 MiB from the system and divides them into *pools* of 16 KiB; a pool holds blocks of one
size class, 16 to 512 bytes. An arena goes back to the system when its last block is freed, and not before: if a
thousand leftover objects lie badly, they keep a gigabyte.

::

    arena   [ pool | pool | pool | ... 64 of them, one less where the arena begins between two multiples of 16 KiB ]
    pool    [ header 48 bytes | block | block | ... ]
    header  count of live blocks (at 0), arena's number (32), size class (36), ..., offset of the last block (44)

The headers say all that this module needs. It reads that of each pool through ``/proc/self/mem``, which gives an error
for an address that no longer exists, where a pointer would crash. Together they are a census of everything that lives
there, our own objects and the interpreter's. Other memory is hardly ever mistaken for a pool: the size class and the
offset of the last block must fit one another, and the pools of one arena must lie within 1 MiB.

The language promises none of this. So before anybody relies on it, :func:`obstacle` makes some objects and checks that
they lie where they should; debug hooks, another allocator or another layout all fail this check. Unlike most of the
package this module calls the operating system.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from librt.strings import read_i32_le, read_i64_le
from librt.vecs import vec
from mypy_extensions import i32, i64

POOL_BITS: Final = 14
POOL_BYTES: Final = 1 << POOL_BITS
ARENA_BYTES: Final = 1 << 20
POOLS_PER_ARENA: Final = ARENA_BYTES // POOL_BYTES
HEADER_BYTES: Final = 48
CLASS_BYTES: Final = 16
CLASSES: Final = 32
#: The largest block that lies in a pool; larger ones come from the C library.
LARGEST_BLOCK: Final = CLASS_BYTES * CLASSES
#: The bytes that a bytes object takes in addition to its content.
BYTES_OVERHEAD: Final = 33

_WORD_BYTES: Final = 8
#: Addresses of user space, with room at both ends.
_LOWEST_ADDRESS: Final = 1 << 16
_HIGHEST_ADDRESS: Final = 1 << 47
#: How many bytes of a container's inner block are searched for the content that was put into the container.
_SEARCHED_BYTES: Final = 256

#: How many bytes objects the probe makes, and their length.
_PROBES: Final = 2000
_PROBE_BYTES: Final = 100
_PROBE_CLASS: Final = (_PROBE_BYTES + BYTES_OVERHEAD + CLASS_BYTES - 1) // CLASS_BYTES - 1

#: Reads the header of the pool at an address; gives fewer bytes, or none, if there is no memory at that address.
HeaderReader = Callable[[int], bytes]


class PoolMemory:
    """Reads this process's memory. To be closed after use, and not to be kept across a fork."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mem", os.O_RDONLY)

    def header(self, address: int) -> bytes:
        """The header of the pool at an address; empty if there is no memory at that address."""
        return self.read(address, HEADER_BYTES)

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes at an address; fewer, or none, where there is no memory."""
        try:
            return os.pread(self._file, size, address)
        except (OSError, OverflowError):
            return b""

    def word(self, address: i64) -> i64:
        """The pointer at an address, 0 if there is no memory at that address."""
        data = self.read(address, _WORD_BYTES)
        return read_i64_le(data, 0) if len(data) == _WORD_BYTES else 0

    def close(self) -> None:
        os.close(self._file)


class Arena:
    """The content of one arena, as far as a census has seen it."""

    def __init__(self, number: i64, first_pool: i64) -> None:
        self.number: i64 = number  # by which the interpreter knows it
        self.first_pool: i64 = first_pool  # address >> POOL_BITS
        self.last_pool: i64 = first_pool  # the last pool that was ever used
        self.pools: i64 = 0  # with live blocks
        self.live_bytes: i64 = 0

    def note(self, pool: i64, live_bytes: i64) -> None:
        """Count one more pool of this arena."""
        if pool < self.first_pool:
            self.first_pool = pool
        if pool > self.last_pool:
            self.last_pool = pool
        if live_bytes > 0:
            self.pools += 1
            self.live_bytes += live_bytes

    def is_sound(self) -> bool:
        """Whether its pools lie within the size of an arena; if not, other memory was mistaken for a pool."""
        return self.last_pool - self.first_pool < POOLS_PER_ARENA


def live_bytes_of(header: bytes) -> i64:
    """Bytes of the live blocks of a pool, by its header; -1 if this is not the header of a pool."""
    if len(header) < HEADER_BYTES:
        return -1
    size_class: i64 = i64(read_i32_le(header, 36))
    if size_class < 0 or size_class >= CLASSES:
        return -1
    size = (size_class + 1) * CLASS_BYTES
    if i64(read_i32_le(header, 44)) != POOL_BYTES - size:
        return -1
    count: i64 = i64(read_i32_le(header, 0))
    if count < 0 or count > (POOL_BYTES - HEADER_BYTES) // size:
        return -1
    return count * size


class HeapCensus:
    """Counts the live bytes in each arena, a limited number of pools at a time.

    If the program allocates and frees while a census is in progress, the census sees some of that; it does not see new
    arenas.
    """

    def __init__(self, regions: list[tuple[int, int]], read: HeaderReader) -> None:
        self._regions = regions
        self._read: HeaderReader = read
        self._region: i64 = -1
        self._address: i64 = 0
        self._end: i64 = 0
        self._arenas: dict[int, Arena] = {}

    def read_with(self, read: HeaderReader) -> None:
        """Go on with another reader: the first one is closed."""
        self._read = read

    def step(self, limit: i64) -> bool:
        """Look at ``limit`` places where a pool can be; True when the census is complete."""
        while limit > 0:
            if self._address + POOL_BYTES > self._end:
                self._region += 1
                if self._region >= len(self._regions):
                    return True
                start, end = self._regions[self._region]
                self._address = (start + POOL_BYTES - 1) >> POOL_BITS << POOL_BITS
                self._end = end
                continue
            header = self._read(self._address)
            live_bytes = live_bytes_of(header)
            if live_bytes >= 0:
                self._note(i64(read_i32_le(header, 32)), self._address >> POOL_BITS, live_bytes)
            self._address += POOL_BYTES
            limit -= 1
        return False

    def _note(self, number: i64, pool: i64, live_bytes: i64) -> None:
        arena = self._arenas.get(number)
        if arena is None:
            arena = Arena(number, pool)
            self._arenas[number] = arena
        arena.note(pool, live_bytes)

    def arenas(self) -> list[Arena]:
        """All arenas that were seen, in the order of their addresses."""
        found = [arena for arena in self._arenas.values() if arena.is_sound()]
        found.sort(key=_place)
        return found


def _place(arena: Arena) -> int:
    return arena.first_pool


def heap_regions(maps: str) -> list[tuple[int, int]]:
    """The ranges of addresses in which arenas can lie: private, writable memory without a name in /proc/self/maps.

    ``maps`` is the text of that file.
    """
    regions: list[tuple[int, int]] = []
    for line in maps.splitlines():
        fields = line.split()
        if len(fields) == 5 and fields[1].startswith("rw-p"):
            start, _, end = fields[0].partition("-")
            first, last = int(start, 16), int(end, 16)
            if last - first >= POOL_BYTES:
                regions.append((first, last))
    return regions


def read_regions() -> list[tuple[int, int]]:
    """The ranges of addresses in which arenas of this process can lie now."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return heap_regions(maps.read())


class HeapFigures:
    """The size and the content of the interpreter's heap."""

    def __init__(self, arenas: int, live_bytes: int) -> None:
        self.arenas = arenas
        self.live_bytes = live_bytes

    def arena_bytes(self) -> int:
        """Bytes of all arenas."""
        return self.arenas * ARENA_BYTES

    def releasable_bytes(self) -> int:
        """Bytes that could go back to the system if all live blocks lay closely together."""
        usable = ARENA_BYTES - POOLS_PER_ARENA * HEADER_BYTES
        return max(self.arenas - -(-self.live_bytes // usable), 0) * ARENA_BYTES

    def ratio(self) -> float:
        """Bytes of arenas for each live byte."""
        return self.arena_bytes() / self.live_bytes if self.live_bytes > 0 else 0.0


def parse_figures(text: str) -> HeapFigures | None:
    """The figures in the text that the interpreter prints about its allocator; None if the text has none."""
    arenas = live_bytes = -1
    for line in text.splitlines():
        name, _, value = line.partition("=")
        name = name.strip()
        if name == "# arenas allocated current":
            arenas = int(value.replace(",", ""))
        elif name == "# bytes in allocated blocks":
            live_bytes = int(value.replace(",", ""))
    return HeapFigures(arenas, live_bytes) if arenas > 0 and live_bytes >= 0 else None


def read_figures() -> HeapFigures | None:
    """The figures now; None where the interpreter has none. To read them takes 3 microseconds per MiB.

    The only source is the text that ``sys._debugmallocstats`` writes to the standard error of the process, which is
    redirected to a file in memory for that moment.
    """
    try:
        return parse_figures(_captured_statistics())
    except (OSError, AttributeError, ValueError):
        return None


def _captured_statistics() -> str:
    kept = os.dup(2)
    try:
        file = os.memfd_create("statistics")
        try:
            os.dup2(file, 2)
            try:
                sys._debugmallocstats()
            finally:
                os.dup2(kept, 2)
            size = os.lseek(file, 0, os.SEEK_CUR)
            return os.pread(file, size, 0).decode("ascii", "replace")
        finally:
            os.close(file)
    finally:
        os.close(kept)


def obstacle() -> str:
    """Why an object's address does not tell which arena and pool it lies in; an empty text if it does."""
    if sys.implementation.name != "cpython":
        return f"the interpreter is {sys.implementation.name}, not CPython"
    system = sys.platform  # with a name of its own mypyc does not take it for known
    if system != "linux":
        return f"the memory of a process cannot be read on {system}"
    try:
        memory = PoolMemory()
    except OSError as error:
        return f"/proc/self/mem cannot be read ({error.strerror})"
    try:
        if not lie_in_pools([bytes(_PROBE_BYTES) + b"" for _ in range(_PROBES)], memory.header):
            return "objects do not lie in pools like pymalloc's (another allocator, debug hooks, or a new layout)"
    finally:
        memory.close()
    if read_figures() is None:
        return "the interpreter gives no figures of its allocator"
    return ""


def lie_in_pools(probes: list[bytes], read: HeaderReader) -> bool:
    """Whether these bytes objects, all of the probe's length, are blocks in pools of their size class."""
    pools: dict[int, bool] = {}
    for probe in probes:
        address: i64 = id(probe)
        start = address >> POOL_BITS << POOL_BITS
        if start not in pools:
            header = read(start)
            pools[start] = live_bytes_of(header) > 0 and i64(read_i32_le(header, 36)) == _PROBE_CLASS
        if not pools[start] or (address - start - HEADER_BYTES) % ((_PROBE_CLASS + 1) * CLASS_BYTES) != 0:
            return False
    return len(pools) > 1


def inner_offsets(memory: PoolMemory) -> dict[type, int]:
    """By class of container, where in the container the pointer to the block of its elements is.

    Such an inner block lies in an arena like an object, but ``id`` cannot say where. The pointer is found by trial: it
    is the one that leads to the content that was put into the container.
    """
    item = object()
    mark = id(item).to_bytes(_WORD_BYTES, "little")
    text = b"elements of a buffer"
    samples: list[tuple[object, bytes]] = [
        ([item], mark),
        ({item: item}, mark),
        (bytearray(text), text),
        (vec[i32]([1234567, 7654321]), b"".join([number.to_bytes(4, "little") for number in (1234567, 7654321)])),
        (vec[i64]([1234567, 7654321]), b"".join([number.to_bytes(8, "little") for number in (1234567, 7654321)])),
        (vec[float]([1.0, 2.0]), bytes((0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x40))),
    ]
    offsets: dict[type, int] = {}
    for container, content in samples:
        offset = _inner_offset(memory, container, content)
        if offset > 0:
            offsets[type(container)] = offset
    return offsets


def _inner_offset(memory: PoolMemory, container: object, content: bytes) -> int:
    for offset in range(2 * _WORD_BYTES, 8 * _WORD_BYTES, _WORD_BYTES):
        address = memory.word(id(container) + offset)
        if _LOWEST_ADDRESS < address < _HIGHEST_ADDRESS and content in memory.read(address, _SEARCHED_BYTES):
            return offset
    return 0
