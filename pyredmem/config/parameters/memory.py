"""The memory limit and eviction, lazy freeing, active defragmentation."""

from __future__ import annotations

from typing import Final

from pyredmem.config.kinds import INT_MAX, LONG_MAX, UNSIGNED_LONG_MAX, Choice, Integer, Memory, YesNo
from pyredmem.config.parameter import NO_REPLICATION, Parameter, Section

MEMORY: Final = Section(
    "Memory limit and eviction",
    (
        Parameter(
            "maxmemory",
            Memory(0, UNSIGNED_LONG_MAX),
            "0",
            "Memory that data and clients may use; 0 means no limit.",
        ),
        Parameter(
            "maxmemory-policy",
            Choice(
                "volatile-lru",
                "volatile-lfu",
                "volatile-random",
                "volatile-ttl",
                "allkeys-lru",
                "allkeys-lfu",
                "allkeys-random",
                "noeviction",
            ),
            "noeviction",
            "Which keys are evicted above the limit: the volatile policies only evict keys with an expire time; with "
            "noeviction, commands that need memory are refused instead.",
        ),
        Parameter(
            "maxmemory-samples",
            Integer(1, INT_MAX),
            "5",
            "Number of keys compared to find one to evict. More keys are closer to true LRU or LFU, but slower.",
        ),
        Parameter(
            "maxmemory-eviction-tenacity",
            Integer(0, 100),
            "10",
            "How long a command may wait for eviction: 0 is the shortest, 100 means without a limit.",
        ),
        Parameter("lfu-log-factor", Integer(0, INT_MAX), "10", "How slowly the counter of the LFU policies grows."),
        Parameter(
            "lfu-decay-time",
            Integer(0, INT_MAX),
            "1",
            "Minutes after which that counter decreases by one; 0 means never.",
        ),
        Parameter(
            "active-expire-effort",
            Integer(1, 10),
            "1",
            "How much time is spent on finding expired keys that no command accesses.",
        ),
        Parameter(
            "replica-ignore-maxmemory",
            YesNo(),
            "yes",
            "A replica does not evict keys, but waits for its primary to do it.",
            alias="slave-ignore-maxmemory",
            no_effect=NO_REPLICATION,
        ),
    ),
)


def _lazy(name: str, text: str) -> Parameter:
    """A switch for freeing in the background."""
    return Parameter(name, YesNo(), "no", text)


LAZY_FREE: Final = Section(
    "Freeing in the background",
    (
        _lazy("lazyfree-lazy-eviction", "Free evicted values in the background."),
        _lazy("lazyfree-lazy-expire", "Free expired values in the background."),
        _lazy("lazyfree-lazy-server-del", "Free in the background the values that a command replaces."),
        _lazy("lazyfree-lazy-user-del", "DEL frees values in the background, like UNLINK."),
        _lazy("lazyfree-lazy-user-flush", "FLUSHALL and FLUSHDB without an argument act as with ASYNC."),
        Parameter(
            "replica-lazy-flush",
            YesNo(),
            "no",
            "A replica empties itself in the background before a full resynchronisation.",
            alias="slave-lazy-flush",
            no_effect=NO_REPLICATION,
        ),
    ),
)

DEFRAG: Final = Section(
    "Active defragmentation",
    (
        Parameter(
            "activedefrag",
            YesNo(),
            "no",
            "Move allocations so that memory can be returned to the system.",
        ),
        Parameter(
            "active-defrag-ignore-bytes",
            Memory(1, LONG_MAX),
            str(100 * 1024 * 1024),
            "Fragmented bytes below which defragmentation does not start.",
        ),
        Parameter(
            "active-defrag-threshold-lower",
            Integer(0, 1000),
            "10",
            "Fragmentation, in percent, at which defragmentation starts.",
        ),
        Parameter(
            "active-defrag-threshold-upper",
            Integer(0, 1000),
            "100",
            "Fragmentation, in percent, at which the effort is greatest.",
        ),
        Parameter(
            "active-defrag-cycle-min",
            Integer(1, 99),
            "1",
            "The least effort, in percent of a processor.",
        ),
        Parameter(
            "active-defrag-cycle-max",
            Integer(1, 99),
            "25",
            "The greatest effort, in percent of a processor.",
        ),
        Parameter(
            "active-defrag-max-scan-fields",
            Integer(1, LONG_MAX),
            "1000",
            "A collection with more elements than this is handled in steps.",
        ),
        Parameter(
            "jemalloc-bg-thread",
            YesNo(),
            "yes",
            "Let the allocator return pages to the system from its own thread.",
            no_effect="the allocator is only modelled",
        ),
    ),
)
