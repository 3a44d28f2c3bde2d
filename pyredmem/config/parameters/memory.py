"""The memory limit and eviction, lazy freeing, active defragmentation."""

from typing import Final

from pyredmem.config.kinds import INT_MAX, LONG_MAX, UNSIGNED_LONG_MAX, Choice, Integer, Memory, YesNo
from pyredmem.config.parameter import (
    NO_REPLICATION,
    Parameter,
    Section,
)

MEMORY: Final = Section(
    "Memory limit and eviction",
    (
        Parameter(
            "maxmemory",
            Memory(0, UNSIGNED_LONG_MAX),
            "0",
            "Memory that the data and the clients may use; 0 is no limit.",
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
            "What is to go when the limit is reached: volatile is only keys with an expiry, noeviction nothing: then "
            "commands that need memory are refused.",
        ),
        Parameter(
            "maxmemory-samples",
            Integer(1, INT_MAX),
            "5",
            "Keys looked at to find one to evict; more is closer to true LRU or LFU and slower.",
        ),
        Parameter(
            "maxmemory-eviction-tenacity",
            Integer(0, 100),
            "10",
            "How long a command may wait for eviction: 0 is least, 100 means as long as it takes.",
        ),
        Parameter("lfu-log-factor", Integer(0, INT_MAX), "10", "How slowly the counter of the LFU policies grows."),
        Parameter(
            "lfu-decay-time",
            Integer(0, INT_MAX),
            "1",
            "Minutes after which that counter loses one; 0 is never.",
        ),
        Parameter(
            "active-expire-effort",
            Integer(1, 10),
            "1",
            "How much time goes into finding expired keys before somebody asks for them.",
        ),
        Parameter(
            "replica-ignore-maxmemory",
            YesNo(),
            "yes",
            "A replica leaves eviction to its primary.",
            alias="slave-ignore-maxmemory",
            no_effect=NO_REPLICATION,
        ),
    ),
)


def _lazy(name: str, text: str) -> Parameter:
    """One of the switches for freeing in the background."""
    return Parameter(name, YesNo(), "no", text)


LAZY_FREE: Final = Section(
    "Freeing in the background",
    (
        _lazy("lazyfree-lazy-eviction", "Free evicted values in the background."),
        _lazy("lazyfree-lazy-expire", "Free expired values in the background."),
        _lazy("lazyfree-lazy-server-del", "Free values that a command replaces in the background."),
        _lazy("lazyfree-lazy-user-del", "DEL does what UNLINK does."),
        _lazy("lazyfree-lazy-user-flush", "FLUSHALL and FLUSHDB without an argument do what ASYNC does."),
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
            "Move allocations to give memory back.",
        ),
        Parameter(
            "active-defrag-ignore-bytes",
            Memory(1, LONG_MAX),
            str(100 * 1024 * 1024),
            "Fragmented bytes below which nothing is done.",
        ),
        Parameter(
            "active-defrag-threshold-lower",
            Integer(0, 1000),
            "10",
            "Fragmentation, in percent, at which it starts.",
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
            "Least effort, in percent of a processor.",
        ),
        Parameter(
            "active-defrag-cycle-max",
            Integer(1, 99),
            "25",
            "Greatest effort, in percent of a processor.",
        ),
        Parameter(
            "active-defrag-max-scan-fields",
            Integer(1, LONG_MAX),
            "1000",
            "A collection of more fields than this is handled in steps.",
        ),
        Parameter(
            "jemalloc-bg-thread",
            YesNo(),
            "yes",
            "Let the allocator give pages back from a thread of its own.",
            no_effect="the allocator is a model",
        ),
    ),
)
