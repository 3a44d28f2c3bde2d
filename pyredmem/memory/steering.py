"""Empties sparse arenas of the interpreter's heap: chooses them, and has what lies there made anew elsewhere.

Copying alone gives nothing back, for the interpreter puts a copy into the next hole of its size, and the holes are
where the heap is sparse. So some arenas are *victims*: an object that lies in one is made again, and again, until it
lies outside. What the copies that went wrong took stays taken, they are kept as *plugs*, and so is the object that was
replaced, whose hole would attract the next copy. Plugs fill room that is there anyway; their list takes 8 bytes for
each. When nothing but plugs is left they are dropped, an arena at a time, and each arena goes back to the system with
its last plug.
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

#: What an arena can hold: one pool is lost where it does not begin at a multiple of 16 KiB, as usual.
ARENA_ROOM: Final = ARENA_BYTES - (ARENA_BYTES >> 6) - (POOLS_PER_ARENA - 1) * HEADER_BYTES
#: Of the room in the arenas that stay so much is planned with, percent: not every hole has the size that is wanted.
USABLE_ROOM: Final = 85
#: An arena that is fuller than this, percent, is no victim.
DENSE: Final = 85
#: Victims of one pass, at most: bounds the list of plugs (of the order of 50 MB for blocks of 80 bytes).
MOST_VICTIMS: Final = 512
#: Victims lie within this many pools (16 GiB), so that an array can tell them.
_SPAN: Final = 1 << 20
#: An object is made anew so often; if it still is in a victim then, it is left for the next walk. That bounds the time
#: that one object takes: the first of its size have to fill all holes, tens of thousands in a large heap.
MOST_TRIES: Final = 16
#: The longest bytes object that lies in an arena.
LONGEST_TEXT: Final = LARGEST_BLOCK - BYTES_OVERHEAD
#: Shorter ones exist once in the interpreter.
SHORTEST_TEXT: Final = 2


def choose_victims(arenas: list[Arena], pinned: dict[int, int]) -> list[Arena]:
    """The sparsest arenas, as many as have room for their content in the others.

    ``pinned`` has what was left of an arena, by its first pool, when it was a victim before: bytes that do not move.
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
    """Makes the Python objects it is shown anew until they lie in no victim; leaves the ledger alone."""

    def __init__(
        self, allocator: Allocator, victims: list[Arena], arenas: list[Arena], memory: PoolMemory | None = None
    ) -> None:
        super().__init__(allocator)
        self._memory = memory  # to look at the inner blocks of containers; None: they are not looked at
        self._inner: dict[type, int] = inner_offsets(memory) if memory is not None else {}
        self._tries: i64 = 0
        self.postponed: i64 = 0  # objects that were left for the next walk
        #: By victim: what keeps its holes filled.
        self.plugs: list[list[object]] = [[] for _ in victims]
        self.moved: i64 = 0  # objects that lie elsewhere now
        self.plugged: i64 = 0  # all plugs so far
        self._lowest: i64 = 0  # the first pool of any victim
        self._span: i64 = 0
        self._marks: vec[i32] = vec[i32]()  # by pool, from the lowest on: number of the victim, 0 for none
        self._mark(victims, arenas)

    def _mark(self, victims: list[Arena], arenas: list[Arena]) -> None:
        """Make the array; a victim's pools end where the next arena begins."""
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
        """The number of the victim that an address is in, from 1 on; 0 if it is in none."""
        pool = (address >> POOL_BITS) - self._lowest
        if pool < 0 or pool >= self._span:
            return 0
        return i64(self._marks[pool])

    # What the values ask.

    def block(self, address: i64) -> i64:
        """Blocks of the ledger stay."""
        return address

    def steers(self) -> bool:
        """The Python objects are what it is about."""
        return True

    def text(self, data: bytes) -> bytes:
        """Equal bytes outside the victims, if that takes not too many tries."""
        if len(data) > LONGEST_TEXT or len(data) < SHORTEST_TEXT:
            return data
        victim = self.victim_at(id(data))
        if victim == 0:
            return data
        tries: i64 = MOST_TRIES
        while tries > 0:
            copy = b"".join((data, b""))  # of two parts it is always a new object
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
        """Whether it lies in a victim; it is a plug from now on."""
        victim = self._victim_of_object(item)
        if victim == 0:
            return False
        self._plug(victim, item)
        self.moved += 1
        self._tries = MOST_TRIES
        return True

    def must_plug(self, twin: object) -> bool:
        """Whether a twin lies in a victim and another one is to be made; this one is a plug then."""
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
        """The victim that an object or, if it is a container, its elements' block is in; 0 for none."""
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
        """Drop about so many plugs, those of one arena after the other; True when there are none left."""
        while limit > 0 and self.plugs:
            plugs = self.plugs[-1]
            count: i64 = len(plugs)
            if count > limit:
                del plugs[count - limit :]
                return False
            limit -= count + 1
            self.plugs.pop()
        return not self.plugs
