"""MEMORY: what `pyredmem monitor` shows and Redis does not tell. None of it looks at, or changes, how keys were used.

MEMORY HEAP-MAP tells where slabs and large blocks lie, as differences from what this client was told before (see
:mod:`pyredmem.memory.heap_map`); MEMORY SLAB what one of them holds; MEMORY ARENAS how full the interpreter's arenas
are; MEMORY EVICTION-POOL which keys are candidates for eviction.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import READONLY, Group
from pyredmem.engine.context import Context
from pyredmem.keyspace.block_keys import BlockKeys
from pyredmem.memory.block_finder import BlockFinder
from pyredmem.memory.heap_map import HeapMap, place_at, size_classes
from pyredmem.memory.pages import PAGE_SHIFT
from pyredmem.memory.process_heap import ARENA_BYTES

memory_views: Final = Group("server")

_TIPS: Final = ("nondeterministic_output",)
#: The bytes of changes in one reply, unless the client says how many.
_BUDGET: Final = 64 * 1024
_MOST_BUDGET: Final = 1 << 20
#: Pages that one call looks at: a part of a millisecond.
_PAGES_PER_CALL: Final = 1 << 16
#: Blocks that one MEMORY SLAB looks at: likewise.
_BLOCKS_PER_CALL: Final = 2000
_NO_SLAB: Final = b"ERR no slab or large block lies at that page"
_WRONG_PLACE: Final = b"ERR there is no such place to go on from"


@memory_views.command(
    "memory|heap-map",
    arity=-2,
    flags=0,
    since="7.2.0",
    complexity="O(N) where N is the number of pages of the heap, at most 65536.",
    summary="Returns what has changed in the heap since the client last asked; not in Redis.",
    syntax="[CLASSES | BYTES budget]",
    tips=_TIPS,
)
def memory_heap_map(context: Context, argv: list[bytes]) -> None:
    """Reply with four elements, or with the size classes: size, regions and pages of the slabs of each.

    The four: 1 if this is the first reply to the client, which knows nothing yet; 1 at the end of a pass over the heap,
    0 if the next call goes on with it; the number of changes that have to wait for the next pass; the changes.
    """
    arguments = Arguments(argv, 2)
    if arguments.take(b"CLASSES"):
        arguments.finish()
        _classes(context)
        return
    budget: i64 = _BUDGET
    if arguments.take(b"BYTES"):
        budget = arguments.integer()
    arguments.finish()
    if not 0 <= budget <= _MOST_BUDGET:
        raise CommandError(b"ERR the budget must be between 0 and %d bytes" % _MOST_BUDGET)
    heap_map = context.session.heap_map
    is_first = heap_map is None
    if heap_map is None:
        heap_map = HeapMap(context.engine.allocator)
        context.session.heap_map = heap_map
    out = BytesWriter()
    is_complete = heap_map.step(_PAGES_PER_CALL, budget, out)
    reply = context.reply
    reply.array(4)
    reply.integer(1 if is_first else 0)
    reply.integer(1 if is_complete else 0)
    reply.integer(heap_map.left)
    reply.bulk(out.getvalue())


def _classes(context: Context) -> None:
    classes = size_classes(context.engine.allocator)
    reply = context.reply
    reply.array(len(classes))
    for one in classes:
        reply.array(3)
        reply.integer(one.size)
        reply.integer(one.regions)
        reply.integer(one.pages)


@memory_views.command(
    "memory|slab",
    arity=-3,
    flags=READONLY,
    acl="keyspace",
    since="7.2.0",
    complexity="O(1) for every call. A complete search takes O(N) calls, N being the number of keys.",
    summary="Returns what lies at a page of the heap, and keys that have a block there; not in Redis.",
    syntax="page [FROM database cursor]",
    tips=_TIPS,
)
def memory_slab(context: Context, argv: list[bytes]) -> None:
    """Reply with what lies there, and with the keys among those that this call has looked at.

    That is: first page, pages, size, regions, used regions; the place from which the next call may go on (database and
    cursor, -1 and 0 at the end); how many keys were looked at; for each key found its database, name and type. Of a
    value with thousands of blocks only the first ones are looked at.
    """
    arguments = Arguments(argv, 2)
    page = arguments.integer()
    database = cursor = 0
    if arguments.take(b"FROM"):
        database, cursor = arguments.integer(), arguments.integer()
    arguments.finish()
    keyspace = context.keyspace
    if not 0 <= database < len(keyspace.databases):
        raise CommandError(_WRONG_PLACE)
    place = place_at(context.engine.allocator, page) if 0 < page < 1 << 31 else None
    if place is None:
        raise CommandError(_NO_SLAB)
    first: i64 = place.page << PAGE_SHIFT
    finder = BlockFinder(context.engine.allocator, first, first + (place.pages << PAGE_SHIFT))
    search = BlockKeys(keyspace, finder, database, cursor)
    is_complete = search.step(_BLOCKS_PER_CALL)
    reply = context.reply
    reply.array(9)
    for number in (place.page, place.pages, place.size, place.regions, place.used):
        reply.integer(number)
    reply.integer(-1 if is_complete else search.database)
    reply.integer(search.cursor)
    reply.integer(search.looked)
    reply.array(len(search.found))
    for index, key, type_name in search.found:
        reply.array(3)
        reply.integer(index)
        reply.bulk(key)
        reply.bulk(type_name)


@memory_views.command(
    "memory|arenas",
    arity=2,
    flags=0,
    since="7.2.0",
    complexity="O(N) where N is the number of arenas.",
    summary="Returns how full each arena of the interpreter's heap is; not in Redis.",
    tips=_TIPS,
)
def memory_arenas(context: Context, argv: list[bytes]) -> None:
    """Reply with the bytes of an arena, and how many are used in each; it takes many calls to count them once."""
    watch = context.engine.arena_watch
    obstacle = watch.obstacle()
    if obstacle:
        raise CommandError(b"ERR the arenas cannot be told: " + obstacle.encode())
    used = watch.used()
    context.reply.array(2)
    context.reply.integer(ARENA_BYTES)
    context.reply.array(len(used))
    for size in used:
        context.reply.integer(size)


@memory_views.command(
    "memory|eviction-pool",
    arity=2,
    flags=READONLY,
    acl="keyspace",
    since="7.2.0",
    complexity="O(1)",
    summary="Returns the candidates for eviction, the next victim first; not in Redis.",
    tips=_TIPS,
)
def memory_eviction_pool(context: Context, argv: list[bytes]) -> None:
    """Reply with the policy, what a score is, and for each candidate its database, key and score."""
    engine = context.engine
    eviction = engine.memory_limit.eviction
    candidates = eviction.candidates(context.keyspace.now_ms())
    reply = context.reply
    reply.array(3)
    reply.bulk(engine.core.settings.text("maxmemory-policy").encode())
    reply.bulk(eviction.score_name())
    reply.array(len(candidates))
    for database, key, score in candidates:
        reply.array(3)
        reply.integer(database)
        reply.bulk(key)
        reply.integer(score)
