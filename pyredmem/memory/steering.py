"""Empties sparse arenas of the interpreter's heap: chooses the arenas, and has the objects in them remade elsewhere.

Copying alone gives no memory back, because the interpreter puts a copy into the next hole of its size, and most holes
are where the heap is sparse. So some arenas are chosen as *victims*: an object in a victim is copied again and again
until a copy lies outside. The copies that landed in a victim are kept as *plugs*, so that their holes stay filled; so
is the original, whose hole would attract the next copy. Plugs fill room that is there anyway; their list takes 8 bytes
for each. When the victims hold nothing but plugs, the plugs are dropped, one arena at a time, and each arena goes back
to the system with its last plug.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.memory.process_heap import (
    ARENA_BYTES,
    BYTES_OVERHEAD,
    HEADER_BYTES,
    LARGEST_BLOCK,
    POOL_BITS,
    POOLS_PER_ARENA,
    Arena,
    PoolMemory,
    inner_offsets,
)

#: The bytes that an arena can hold. One pool is lost, because arenas usually do not begin at a multiple of 16 KiB.
ARENA_ROOM: Final = ARENA_BYTES - (ARENA_BYTES >> 6) - (POOLS_PER_ARENA - 1) * HEADER_BYTES
#: The percentage of the room in the other arenas that is counted on: not every hole has the right size.
USABLE_ROOM: Final = 85
#: An arena filled to this percentage or more is never a victim.
DENSE: Final = 85
#: The most victims of one pass. It bounds the list of plugs, to the order of 50 MB for blocks of 80 bytes.
MOST_VICTIMS: Final = 512
#: All victims lie within this many pools (16 GiB), so that an array by pool can tell them apart.
_SPAN: Final = 1 << 20
#: The most copies made of one object; if all lie in victims, the object is left for the next walk. This bounds the time
#: that one object takes: the first objects of a size have to fill all holes, tens of thousands in a large heap.
MOST_TRIES: Final = 16
#: The longest bytes object that lies in an arena.
LONGEST_TEXT: Final = LARGEST_BLOCK - BYTES_OVERHEAD
#: The interpreter has a single object for each bytes value that is shorter than this.
SHORTEST_TEXT: Final = 2


def choose_victims(arenas: list[Arena], pinned: dict[int, int]) -> list[Arena]:
    """The sparsest arenas, as many of them as have content that fits into the others.

    ``pinned`` says, by the first pool of an arena that was a victim before, how many bytes stayed there: they do not
    move.
    """
    candidates: list[Arena] = []
    room: i64 = 0
    for arena in arenas:
        if arena.live_bytes < ARENA_ROOM:
            room += ARENA_ROOM - arena.live_bytes
        left: i64 = pinned.get(arena.first_pool, 0)
        if arena.live_bytes * 100 < ARENA_ROOM * DENSE and (left == 0 or arena.live_bytes > left * 4 + ARENA_ROOM // 4):
            candidates.append(arena)
    candidates.sort(key=_fill)
    chosen: list[Arena] = []
    moving: i64 = 0
    for arena in candidates:
        room -= ARENA_ROOM - arena.live_bytes
        moving += arena.live_bytes
        if moving * 100 > room * USABLE_ROOM or len(chosen) == MOST_VICTIMS:
            break
        distance: i64 = 0 if not chosen else arena.first_pool - chosen[0].first_pool
        if -_SPAN // 2 < distance < _SPAN // 2:
            chosen.append(arena)
    return chosen


def _fill(arena: Arena) -> int:
    return arena.live_bytes


class Steering(Mover):
    """Remakes the Python objects that it is shown until they lie in no victim; leaves the ledger alone."""

    def __init__(
        self, allocator: Allocator, victims: list[Arena], arenas: list[Arena], memory: PoolMemory | None = None
    ) -> None:
        super().__init__(allocator)
        self._memory = memory  # for looking at the inner blocks of containers; None: they are not looked at
        self._inner: dict[type, int] = inner_offsets(memory) if memory is not None else {}
        self._tries: i64 = 0
        self.postponed: i64 = 0  # objects that were left for the next walk
        #: By victim, the objects that keep its holes filled.
        self.plugs: list[list[object]] = [[] for _ in victims]
        self.moved: i64 = 0  # objects that were replaced by a copy elsewhere
        self.plugged: i64 = 0  # all plugs so far
        self._lowest: i64 = 0  # the lowest pool of all victims
        self._span: i64 = 0  # pools from the lowest to the highest one
        self._marks: vec[i32] = vec[i32]()  # by pool, from the lowest on, the number of the victim; 0 for none
        self._mark(victims, arenas)

    def _mark(self, victims: list[Arena], arenas: list[Arena]) -> None:
        """Fill the array of marks; the pools of a victim end where the next arena begins."""
        if not victims:
            return
        self._lowest = min([arena.first_pool for arena in victims])
        self._span = max([arena.first_pool for arena in victims]) + POOLS_PER_ARENA - self._lowest
        marks = vec[i32]([0] * POOLS_PER_ARENA)
        while len(marks) < self._span:
            marks = extend(marks, marks)
        firsts = sorted([int(arena.first_pool) for arena in arenas])
        following = dict(pairwise(firsts))
        for index, arena in enumerate(victims):
            first: i64 = arena.first_pool
            end: i64 = min(first + POOLS_PER_ARENA, following.get(first, first + POOLS_PER_ARENA))
            pool = first
            while pool < end:
                marks[pool - self._lowest] = i32(index + 1)
                pool += 1
        self._marks = marks

    def victim_at(self, address: i64) -> i64:
        """The number of the victim that an address lies in, counted from 1; 0 if it lies in none."""
        pool = (address >> POOL_BITS) - self._lowest
        if pool < 0 or pool >= self._span:
            return 0
        return i64(self._marks[pool])

    # The methods of a mover, which the values call.

    def block(self, address: i64) -> i64:
        """Blocks of the ledger stay where they are."""
        return address

    def steers(self) -> bool:
        """True: this mover is about the Python objects."""
        return True

    def text(self, data: bytes) -> bytes:
        """Equal bytes outside the victims; the same bytes if none were there after ``MOST_TRIES`` copies."""
        if len(data) > LONGEST_TEXT or len(data) < SHORTEST_TEXT:
            return data
        victim = self.victim_at(id(data))
        if victim == 0:
            return data
        tries: i64 = MOST_TRIES
        while tries > 0:
            copy = b"".join((data, b""))  # joining two parts always makes a new object
            into = self.victim_at(id(copy))
            if into == 0:
                self._plug(victim, data)
                self.moved += 1
                return copy
            self._plug(into, copy)
            tries -= 1
        self.postponed += 1
        return data

    def must_leave(self, item: object) -> bool:
        """Whether an object lies in a victim; if so, it is a plug from now on."""
        victim = self._victim_of_object(item)
        if victim == 0:
            return False
        self._plug(victim, item)
        self.moved += 1
        self._tries = MOST_TRIES
        return True

    def must_plug(self, twin: object) -> bool:
        """Whether a twin lies in a victim and another one must be made; if so, the twin is a plug from now on."""
        victim = self._victim_of_object(twin)
        if victim == 0:
            return False
        self._tries -= 1
        if self._tries <= 0:
            self.postponed += 1
            return False
        self._plug(victim, twin)
        return True

    def _victim_of_object(self, item: object) -> i64:
        """The victim that an object lies in or, if the object is a container, the block of its elements; 0 for none."""
        victim = self.victim_at(id(item))
        memory = self._memory
        if victim != 0 or memory is None:
            return victim
        offset: i64 = self._inner.get(type(item), 0)
        return self.victim_at(memory.word(id(item) + offset)) if offset > 0 else 0

    def _plug(self, victim: i64, item: object) -> None:
        self.plugs[victim - 1].append(item)
        self.plugged += 1

    # The end of a pass.

    def drop_plugs(self, limit: i64) -> bool:
        """Drop about ``limit`` plugs, one arena after the other; True when no plugs are left."""
        while limit > 0 and self.plugs:
            plugs = self.plugs[-1]
            count: i64 = len(plugs)
            if count > limit:
                del plugs[count - limit :]
                return False
            limit -= count + 1
            self.plugs.pop()
        return not self.plugs
