"""Figures that the parts of an engine provide for its reports: INFO, MEMORY STATS and the doctors.

Each part (clients, tracking, expiry, eviction, defragmentation) knows its own figures, and the reports must not know
the parts. So a part *provides* each of its figures, under a name from this module, when the engine is built. A figure
that no part provides is zero. That is the truth for what does not exist yet, such as scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# Clients.
BLOCKED_CLIENTS: Final = "blocked_clients"
TRACKING_CLIENTS: Final = "tracking_clients"
SUBSCRIBED_CLIENTS: Final = "pubsub_clients"
WATCHING_CLIENTS: Final = "watching_clients"
CLIENTS_IN_TIMEOUT_TABLE: Final = "clients_in_timeout_table"
BLOCKING_KEYS: Final = "total_blocking_keys"
BLOCKING_KEYS_ON_NO_KEY: Final = "total_blocking_keys_on_nokey"
RECENT_MAX_INPUT_BUFFER: Final = "client_recent_max_input_buffer"
RECENT_MAX_OUTPUT_BUFFER: Final = "client_recent_max_output_buffer"
EVICTED_CLIENTS: Final = "evicted_clients"
REPLY_BUFFER_SHRINKS: Final = "reply_buffer_shrinks"
REPLY_BUFFER_EXPANDS: Final = "reply_buffer_expands"
CLIENTS_BYTES: Final = "mem_clients_normal"

# Replication.
REPLICAS: Final = "connected_slaves"
REPLICA_BUFFERS_BYTES: Final = "mem_clients_slaves"

# Publish and subscribe, tracking.
CHANNELS: Final = "pubsub_channels"
PATTERNS: Final = "pubsub_patterns"
SHARD_CHANNELS: Final = "pubsubshard_channels"
TRACKED_KEYS: Final = "tracking_total_keys"
TRACKED_ITEMS: Final = "tracking_total_items"
TRACKED_PREFIXES: Final = "tracking_total_prefixes"

# Expiry, eviction, lazy free, defragmentation.
EXPIRED_STALE_PERCENT_X100: Final = "expired_stale_perc"  # hundredths of a percent
AOF_BUFFER: Final = "mem_aof_buffer"
EXPIRED_TIME_CAP_REACHED: Final = "expired_time_cap_reached_count"
EXPIRE_CYCLE_US: Final = "expire_cycle_cpu_milliseconds"  # but in microseconds
NOT_COUNTED_FOR_EVICTION: Final = "mem_not_counted_for_evict"
EVICTED_KEYS: Final = "evicted_keys"
EVICTION_EXCEEDED_TOTAL_MS: Final = "total_eviction_exceeded_time"
EVICTION_EXCEEDED_MS: Final = "current_eviction_exceeded_time"
LAZYFREE_PENDING: Final = "lazyfree_pending_objects"
LAZYFREED: Final = "lazyfreed_objects"
DEFRAG_RUNNING: Final = "active_defrag_running"
DEFRAG_HITS: Final = "active_defrag_hits"
DEFRAG_MISSES: Final = "active_defrag_misses"
DEFRAG_KEY_HITS: Final = "active_defrag_key_hits"
DEFRAG_KEY_MISSES: Final = "active_defrag_key_misses"
DEFRAG_TOTAL_MS: Final = "total_active_defrag_time"
DEFRAG_MS: Final = "current_active_defrag_time"

# Scripts and functions.
LUA_EVAL_BYTES: Final = "used_memory_vm_eval"
LUA_FUNCTIONS_BYTES: Final = "used_memory_vm_functions"
LUA_CACHES_BYTES: Final = "used_memory_scripts_eval"
FUNCTIONS_CACHES_BYTES: Final = "used_memory_functions beyond the empty server's"
CACHED_SCRIPTS: Final = "number_of_cached_scripts"
EVICTED_SCRIPTS: Final = "evicted_scripts"
FUNCTIONS: Final = "number_of_functions"
LIBRARIES: Final = "number_of_libraries"

# Access control.
DENIED_AUTH: Final = "acl_access_denied_auth"
DENIED_COMMANDS: Final = "acl_access_denied_cmd"
DENIED_KEYS: Final = "acl_access_denied_key"
DENIED_CHANNELS: Final = "acl_access_denied_channel"


class Figures:
    """The sources of the figures, by name, and the actions that set them to zero."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], int]] = {}
        self._resets: list[Callable[[], None]] = []
        self._reclaim_resets: list[Callable[[], None]] = []

    def provide(self, name: str, source: Callable[[], int]) -> None:
        """Let ``source`` return the figure ``name``, one of the names above."""
        assert name not in self._sources, f"two parts provide {name}"
        self._sources[name] = source

    def forget_all(self) -> None:
        """Forget all sources and actions."""
        self._sources.clear()
        self._resets.clear()
        self._reclaim_resets.clear()

    def value(self, name: str) -> int:
        """The present value of a figure; 0 if no part provides it."""
        source = self._sources.get(name)
        return 0 if source is None else source()

    def on_reset(self, action: Callable[[], None]) -> None:
        """Have CONFIG RESETSTAT call ``action``, which sets the counters of a part to zero."""
        self._resets.append(action)

    def on_reclaim_reset(self, action: Callable[[], None]) -> None:
        """Have both CONFIG RESETSTAT and MEMORY RESET STATS call ``action``; for a part that reclaims memory."""
        self._reclaim_resets.append(action)

    def reset(self) -> None:
        """Set the counters of all parts to zero."""
        for action in self._resets:
            action()
        self.reset_reclaim()

    def reset_reclaim(self) -> None:
        """Set the counters of the parts that reclaim memory to zero."""
        for action in self._reclaim_resets:
            action()
