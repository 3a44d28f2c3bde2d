"""Where glibc's malloc finds its chunks: what decides whether a block gets 16 bytes more than it needs.

glibc cuts a chunk from a larger one, and leaves the rest to others. A rest of 16 bytes is too small to be a chunk, so
the whole chunk is handed out then. So how much a block takes depends on what was freed before it, and next to what.
This module keeps the chunks of glibc's main heap as they lie side by side, without their content, and finds a chunk for
a request as glibc 2.36 does (malloc.c):

* Up to 7 freed chunks of each size of up to 1040 bytes wait in the *thread cache*, and the last comes out first.
* Further ones of up to 128 bytes wait in *fast bins*. They are not joined with their neighbours until a large chunk is
  requested or freed, or the heap must grow.
* Any other freed chunk is joined with free neighbours, and waits in the *unsorted* list. The next search that comes to
  this list puts each chunk of it into the *bin* of its size.
* A request that finds no chunk of its size gets a part of the smallest larger one, else of the *top*: the end of the
  heap.

A chunk is known by where it begins, in units of 16 bytes, and sizes are counted in the same units. There are two
arrays::

    heads[chunk]             its size, with FREE if it is in a bin or unsorted
    heads[chunk + size - 1]  of such a free chunk the size once more, for the chunk after it; of any other chunk 0
    links[chunk]             of a chunk that waits, the next one in its list
    links[chunk + 1]         and the one before it, which the thread cache and the fast bins do not need

The lists of bins are rings. The head of the ring of bin b is the pair of links at 2 * b, and chunks begin after these
pairs. From 1024 bytes on glibc's bins have several sizes each; here each of these sizes has a ring without a head.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i32, i64

UNIT: Final = 16
HEADER_BYTES: Final = 8
#: The smallest chunk.
MIN_UNITS: Final = 2
#: How many chunks of a size the thread cache keeps, and the size from which on it keeps none.
CACHED_CHUNKS: Final = 7
UNCACHED_UNITS: Final = 66
#: The largest chunk of a fast bin, and the smallest one of a bin with several sizes.
FAST_UNITS: Final = 8
LARGE_UNITS: Final = 64
#: The unsorted list has the ring of a bin that no size has.
UNSORTED: Final = 1
UNSORTED_RING: Final = 2 * UNSORTED
FIRST_CHUNK: Final = 2 * LARGE_UNITS
#: The heap grows by 128 KiB more than it must, in whole pages.
TOP_PAD: Final = 8192
PAGE_UNITS: Final = 256
#: A free chunk of this size empties the fast bins, and lets the top be cut to TOP_PAD.
TRIM_CHUNK: Final = 4096
TRIM_TOP: Final = 8192
#: A size that no chunk has.
UNUSED_UNITS: Final = 1 << 30
#: Set in the head of a chunk that is in a bin or unsorted.
FREE: Final = 1 << 30
SIZE: Final = FREE - 1
#: The top of a server that is ready: about half of the 132 KiB by which its heap grew last.
FRESH_TOP: Final = 4096


def chunk_units(request: i64) -> i64:
    """The size of the chunk for a request of ``request`` bytes."""
    units: i64 = (request + HEADER_BYTES + UNIT - 1) // UNIT
    return units if units > MIN_UNITS else MIN_UNITS


def usable_bytes(units: i64) -> i64:
    """What the owner of a chunk may use."""
    return units * UNIT - HEADER_BYTES


class LibcArena:
    """The chunks of one heap, whose top has ``top_units`` at first."""

    def __init__(self, top_units: i64 = FRESH_TOP) -> None:
        self.top: i64 = FIRST_CHUNK
        self.top_units: i64 = top_units
        #: The top is cut when it has this size; glibc doubles it with its threshold of mapping.
        self.trim_top: i64 = TRIM_TOP
        room: i64 = FIRST_CHUNK + top_units
        self.heads: vec[i32] = vec[i32]([0] * room)
        self.links: vec[i32] = vec[i32]([0] * room)
        for ring in range(0, FIRST_CHUNK, 2):
            self.links[ring] = self.links[ring + 1] = i32(ring)
        #: By size, the chunk that waits first in the thread cache and in the fast bin, and how many the cache has.
        self.cached: vec[i64] = vec[i64]([0] * UNCACHED_UNITS)
        self.cached_counts: vec[i64] = vec[i64]([0] * UNCACHED_UNITS)
        self.fast: vec[i64] = vec[i64]([0] * (FAST_UNITS + 1))
        self.has_fast = False
        #: The rest of the chunk that was cut last for a small request.
        self.last_rest: i64 = 0
        #: A chunk of each ring without a head, by size, and these sizes in order.
        self._large: dict[int, int] = {}
        self._large_sizes: list[int] = []

    # For the owner.

    def size(self, chunk: i64) -> i64:
        """The size of a chunk that is in use."""
        return i64(self.heads[chunk])

    def take(self, units: i64) -> i64:
        """A chunk of ``units``, or of one more; returns the chunk."""
        if units < UNCACHED_UNITS and self.cached[units]:
            return self._uncache(units)
        return self._find(units)

    def take_zeroed(self, units: i64) -> i64:
        """The same for calloc, which does not look into the thread cache."""
        return self._find(units)

    def release(self, chunk: i64) -> None:
        """Free a chunk."""
        size: i64 = i64(self.heads[chunk])
        if size < UNCACHED_UNITS and self.cached_counts[size] < CACHED_CHUNKS:
            self._cache(chunk, size)
        elif size <= FAST_UNITS:
            self.links[chunk] = i32(self.fast[size])
            self.fast[size] = chunk
            self.has_fast = True
        elif self._join(chunk, size) >= TRIM_CHUNK:
            if self.has_fast:
                self._consolidate()
            if self.top_units >= self.trim_top:
                self.top_units -= (self.top_units - MIN_UNITS - TOP_PAD) // PAGE_UNITS * PAGE_UNITS

    def pass_by(self) -> None:
        """Note a request that is so large that the system serves it: it was looked for here first."""
        if self.has_fast:
            self._consolidate()
        self._sort(UNUSED_UNITS)

    def follow_threshold(self, mapped_bytes: i64) -> None:
        """Let the top grow to twice the size from which on blocks are mapped, as glibc does once that has risen."""
        top: i64 = 2 * mapped_bytes // UNIT
        if top > 2 * TRIM_TOP:
            self.trim_top = top

    def resize(self, chunk: i64, units: i64) -> i64:
        """Make a chunk larger or smaller, in its place if the next one is free; returns the chunk."""
        size: i64 = i64(self.heads[chunk])
        if size < units:
            following: i64 = chunk + size
            if following == self.top and size + self.top_units >= units + MIN_UNITS:
                self.top = chunk + units
                self.top_units -= units - size
                self._use(chunk, units)
                return chunk
            room: i64 = self._free_size(following)
            if room and size + room >= units:
                self._unlink(following)
            else:
                new: i64 = self._find(units)
                if new != following:
                    self.release(chunk)
                    return new
                room = i64(self.heads[new])
            size += room
        rest: i64 = size - units
        if rest < MIN_UNITS:
            self._use(chunk, size)
        else:
            self._use(chunk, units)
            self._use(chunk + units, rest)
            self.release(chunk + units)
        return chunk

    # The thread cache.

    def _cache(self, chunk: i64, size: i64) -> None:
        self.links[chunk] = i32(self.cached[size])
        self.cached[size] = chunk
        self.cached_counts[size] += 1

    def _uncache(self, size: i64) -> i64:
        chunk: i64 = self.cached[size]
        self.cached[size] = i64(self.links[chunk])
        self.cached_counts[size] -= 1
        return chunk

    # The search.

    def _find(self, units: i64) -> i64:
        """A chunk from anywhere but the thread cache, which gets what else has this size."""
        chunk: i64 = 0
        if units < LARGE_UNITS:
            chunk = self._pop_fast(units) if units <= FAST_UNITS else 0
            if chunk == 0:
                chunk = self._pop_small(units)
        elif self.has_fast:
            self._consolidate()
        while chunk == 0:
            chunk = self._sort(units)
            if chunk == 0:
                chunk = self._cut_larger(units)
            if chunk == 0 and self.has_fast and self.top_units < units + MIN_UNITS:
                self._consolidate()
            elif chunk == 0:
                chunk = self._cut_top(units)
        return chunk

    def _pop_fast(self, units: i64) -> i64:
        chunk: i64 = self.fast[units]
        if chunk:
            self.fast[units] = i64(self.links[chunk])
            while self.fast[units] and self.cached_counts[units] < CACHED_CHUNKS:
                other: i64 = self.fast[units]
                self.fast[units] = i64(self.links[other])
                self._cache(other, units)
        return chunk

    def _pop_small(self, units: i64) -> i64:
        """The chunk that has been in the bin of this size for longest."""
        ring: i64 = 2 * units
        chunk: i64 = i64(self.links[ring + 1])
        if chunk == ring:
            return 0
        self._unlink(chunk)
        self._use(chunk, units)
        other: i64 = i64(self.links[ring + 1])
        while other != ring and self.cached_counts[units] < CACHED_CHUNKS:
            self._unlink(other)
            self._use(other, units)
            self._cache(other, units)
            other = i64(self.links[ring + 1])
        return chunk

    def _sort(self, units: i64) -> i64:
        """Put the unsorted chunks into their bins; returns one of this size if there is one."""
        found = False
        while True:
            chunk: i64 = i64(self.links[UNSORTED_RING + 1])
            if chunk == UNSORTED_RING:
                return self._uncache(units) if found else 0
            size: i64 = i64(self.heads[chunk]) & SIZE
            is_last_rest: bool = chunk == self.last_rest and i64(self.links[UNSORTED_RING]) == chunk
            if is_last_rest and units < LARGE_UNITS and size > units + MIN_UNITS:
                return self._cut(chunk, size, units)
            self._unlink_from_ring(chunk)
            if size != units:
                self._put_into_bin(chunk, size)
                continue
            self._use(chunk, units)
            if units >= UNCACHED_UNITS or self.cached_counts[units] >= CACHED_CHUNKS:
                return chunk
            self._cache(chunk, units)
            found = True

    def _cut_larger(self, units: i64) -> i64:
        """Cut a chunk from the smallest larger one in a bin; returns 0 if there is none."""
        size: i64 = units + 1
        while size < LARGE_UNITS:
            chunk: i64 = i64(self.links[2 * size + 1])
            if chunk != 2 * size:
                return self._cut(chunk, size, units)
            size += 1
        at = bisect_left(self._large_sizes, units)
        if at == len(self._large_sizes):
            return 0
        size = self._large_sizes[at]
        return self._cut(i64(self.links[self._large[size] + 1]), size, units)

    def _cut(self, chunk: i64, size: i64, units: i64) -> i64:
        """Take the beginning of a free chunk, or all of it if the rest is too small."""
        self._unlink(chunk)
        rest: i64 = size - units
        if rest < MIN_UNITS:
            self._use(chunk, size)
            return chunk
        self._use(chunk, units)
        self._put_unsorted(chunk + units, rest)
        if units < LARGE_UNITS:
            self.last_rest = chunk + units
        return chunk

    def _cut_top(self, units: i64) -> i64:
        if self.top_units < units + MIN_UNITS:
            self._grow(units)
        chunk = self.top
        self.top += units
        self.top_units -= units
        self._use(chunk, units)
        return chunk

    def _grow(self, units: i64) -> None:
        needed: i64 = units + TOP_PAD + MIN_UNITS - self.top_units
        self.top_units += (needed + PAGE_UNITS - 1) // PAGE_UNITS * PAGE_UNITS
        missing: i64 = self.top + self.top_units - len(self.heads)
        if missing > 0:
            missing += len(self.heads) // 8  # so that growing by little does not copy the arrays often
            self.heads = extend(self.heads, [0] * missing)
            self.links = extend(self.links, [0] * missing)

    # Free chunks and their neighbours.

    def _use(self, chunk: i64, size: i64) -> None:
        """Note that a chunk is not free; it may wait in the thread cache or a fast bin."""
        self.heads[chunk + size - 1] = 0
        self.heads[chunk] = i32(size)

    def _free_size(self, chunk: i64) -> i64:
        """The size of a chunk if it is free, else 0."""
        if chunk == self.top:
            return 0
        head: i64 = i64(self.heads[chunk])
        return head & SIZE if head & FREE else 0

    def _join(self, chunk: i64, size: i64) -> i64:
        """Make one free chunk of this one and its free neighbours, or add it to the top; returns its size."""
        before: i64 = i64(self.heads[chunk - 1])
        if before:
            chunk -= before
            size += before
            self._unlink(chunk)
        following: i64 = chunk + size
        if following == self.top:
            self.top = chunk
            self.top_units += size
            return self.top_units
        after: i64 = self._free_size(following)
        if after:
            self._unlink(following)
            size += after
        self._put_unsorted(chunk, size)
        return size

    def _consolidate(self) -> None:
        """Join the chunks of the fast bins with their neighbours."""
        self.has_fast = False
        size: i64 = MIN_UNITS
        while size <= FAST_UNITS:
            chunk: i64 = self.fast[size]
            self.fast[size] = 0
            while chunk:
                following: i64 = i64(self.links[chunk])
                self._join(chunk, size)
                chunk = following
            size += 1

    # Lists.

    def _link(self, previous: i64, chunk: i64) -> None:
        """Put a chunk into the ring of another, after it."""
        links = self.links
        following: i64 = i64(links[previous])
        links[chunk] = i32(following)
        links[chunk + 1] = i32(previous)
        links[previous] = i32(chunk)
        links[following + 1] = i32(chunk)

    def _unlink_from_ring(self, chunk: i64) -> None:
        links = self.links
        following: i64 = i64(links[chunk])
        previous: i64 = i64(links[chunk + 1])
        links[previous] = i32(following)
        links[following + 1] = i32(previous)

    def _put_unsorted(self, chunk: i64, size: i64) -> None:
        self.heads[chunk] = i32(size | FREE)
        self.heads[chunk + size - 1] = i32(size)
        self._link(UNSORTED_RING, chunk)

    def _put_into_bin(self, chunk: i64, size: i64) -> None:
        if size < LARGE_UNITS:
            self._link(2 * size, chunk)
        elif size in self._large:
            self._link(self._large[size], chunk)
        else:
            self.links[chunk] = self.links[chunk + 1] = i32(chunk)
            self._large[size] = chunk
            insort(self._large_sizes, size)

    def _unlink(self, chunk: i64) -> None:
        """Take a free chunk out of its list."""
        size: i64 = i64(self.heads[chunk]) & SIZE
        if size >= LARGE_UNITS and self._large.get(size) == chunk:
            following: i64 = i64(self.links[chunk])
            if following == chunk:
                del self._large[size]
                del self._large_sizes[bisect_left(self._large_sizes, size)]
                return
            self._large[size] = following
        self._unlink_from_ring(chunk)

    # Audit.

    def check(self) -> None:
        """Assert that chunks and lists agree."""
        free = self._check_chunks()
        listed = 0
        for ring in range(UNSORTED_RING, FIRST_CHUNK, 2):
            listed += self._check_ring(ring, 0 if ring == UNSORTED_RING else ring // 2)
        assert self._large_sizes == sorted(self._large)
        for size, chunk in self._large.items():
            listed += 1 + self._check_ring(chunk, size)
        assert listed == free, f"{free} chunks are free, {listed} are in lists"
        for size in range(UNCACHED_UNITS):
            count: i64 = 0
            chunk = self.cached[size]
            while chunk:
                assert i64(self.heads[chunk]) == size, f"chunk {chunk} in the thread cache has another size"
                chunk = i64(self.links[chunk])
                count += 1
            assert count == self.cached_counts[size] <= CACHED_CHUNKS

    def _check_chunks(self) -> int:
        """Assert that chunks lie side by side, and that free ones are not neighbours; returns how many are free."""
        free = 0
        before_is_free = False
        chunk: i64 = FIRST_CHUNK
        while chunk < self.top:
            size: i64 = i64(self.heads[chunk]) & SIZE
            assert size >= MIN_UNITS, f"chunk {chunk} has no size"
            is_free = i64(self.heads[chunk]) & FREE != 0
            assert i64(self.heads[chunk + size - 1]) == (size if is_free else 0), f"the end of chunk {chunk}"
            assert not (is_free and before_is_free), f"chunk {chunk} and the one before it are free"
            free += is_free
            before_is_free = is_free
            chunk += size
        assert chunk == self.top, "the last chunk ends after the top"
        assert not before_is_free, "the chunk before the top is free"
        return free

    def _check_ring(self, ring: i64, size: i64) -> int:
        """Assert that a ring can be followed in both directions, and has free chunks of a size; 0 means any size."""
        count = 0
        chunk: i64 = i64(self.links[ring])
        while chunk != ring:
            head: i64 = i64(self.heads[chunk])
            assert head & FREE, f"chunk {chunk} is in a bin and not free"
            assert size in (0, head & SIZE), f"chunk {chunk} is in the bin of another size"
            assert i64(self.links[i64(self.links[chunk]) + 1]) == chunk, f"chunk {chunk} is not before the one after it"
            count += 1
            chunk = i64(self.links[chunk])
        return count
