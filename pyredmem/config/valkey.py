"""How Valkey 9.1 differs from Redis 7.2: the data of its profile.

Valkey began as a copy of Redis 7.2.4. Commands, options, fields and settings that it got since are listed here by name,
those that Redis has, too, among them: version numbers of the two cannot be compared. What Redis got after 7.2 and is
not listed here does not exist in Valkey.
"""

from __future__ import annotations

from typing import Final

#: The version of Redis that it gives itself where programs ask for one.
REDIS_VERSION: Final = "7.2.4"

#: Commands that no Redis has.
OWN_COMMANDS: Final = {
    "client|capa": "8.0.0",
    "client|import-source": "8.1.0",
    "cluster|cancelslotmigrations": "9.0.0",
    "cluster|flushslot": "9.0.0",
    "cluster|getslotmigrations": "9.0.0",
    "cluster|migrateslots": "9.0.0",
    "cluster|syncslots": "9.0.0",
    "clusterscan": "9.1.0",
    "commandlog": "8.1.0",
    "commandlog|get": "8.1.0",
    "commandlog|help": "8.1.0",
    "commandlog|len": "8.1.0",
    "commandlog|reset": "8.1.0",
    "delifeq": "9.0.0",
    "script|show": "8.0.0",
}
#: Its commands that Redis 7.2 does not have, with the version of Valkey that got each.
COMMANDS: Final = {
    **OWN_COMMANDS,
    "cluster|slot-stats": "8.0.0",
    "hexpire": "9.0.0",
    "hexpireat": "9.0.0",
    "hexpiretime": "9.0.0",
    "hgetdel": "9.1.0",
    "hgetex": "9.0.0",
    "hpersist": "9.0.0",
    "hpexpire": "9.0.0",
    "hpexpireat": "9.0.0",
    "hpexpiretime": "9.0.0",
    "hpttl": "9.0.0",
    "hsetex": "9.0.0",
    "httl": "9.0.0",
    "msetex": "9.1.0",
}
#: Commands of which it says no longer that others have taken their place.
NOT_DEPRECATED: Final = frozenset(
    (
        *("brpoplpush", "cluster|slots", "georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro"),
        *("getset", "hmset", "psetex", "quit", "rpoplpush", "setex", "setnx", "substr", "zrangebylex"),
        *("zrangebyscore", "zrevrange", "zrevrangebylex", "zrevrangebyscore"),
    )
)

#: Flags of commands that Redis 7.2 does not give them.
FLAGS: Final = (
    *[(f"client|{name}", "allow_busy") for name in ("caching", "getname", "getredir", "id", "no-evict", "no-touch")],
    *[(f"client|{name}", "allow_busy") for name in ("reply", "setinfo", "setname")],
    *[(f"cluster|{name}", "loading") for name in ("info", "myid", "myshardid", "nodes")],
    *[(f"memory|{name}", "loading") for name in ("malloc-stats", "purge")],
    *[(name, "no_multi") for name in ("client|reply", "multi", "watch")],
    *[(f"script|{name}", "stale") for name in ("exists", "flush")],
    ("select", "allow_busy"),
)
#: The filters of CLIENT KILL that Redis does not have, as its syntax has them.
CLIENT_FILTERS: Final = (
    "[NAME name] | [IDLE idle:integer] | [FLAGS flags] | [LIB-NAME lib-name] | [LIB-VER lib-ver] | [DB db:integer] | "
    "[CAPA capa] | [IP ip] | [NOT-ID client-id [client-id ...]] | "
    "[NOT-TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>] | [NOT-USER username] | [NOT-ADDR ip:port] | "
    "[NOT-LADDR ip:port] | [NOT-NAME name] | [NOT-FLAGS flags] | [NOT-LIB-NAME lib-name] | [NOT-LIB-VER lib-ver] | "
    "[NOT-DB db:integer] | [NOT-CAPA capa] | [NOT-IP ip]"
)
#: Those of CLIENT LIST.
CLIENT_LIST_FILTERS: Final = (
    "[USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage:integer] "
    + CLIENT_FILTERS.replace("] | [", "] [")
)

#: Fields of INFO, MEMORY STATS and the lines about clients that no Redis has.
OWN_FIELDS: Final = frozenset(
    (
        *("server_name", "valkey_version", "valkey_release_stage", "server_mode", "clients_hz", "availability_zone"),
        *("paused_reason", "paused_actions", "paused_timeout_milliseconds"),
        *("mem_replicas_repl_buffer", "mem_cluster_slot_import", "mem_cluster_slot_export"),
        "slot_migration_fork_in_progress",
        *("total_net_cluster_slot_import_bytes", "total_net_cluster_slot_export_bytes"),
        *("expired_fields", "expired_keys_with_volatile_items_stale_perc"),
        *("io_threaded_freed_objects", "io_threaded_accept_processed", "io_threaded_poll_processed"),
        *("acl_access_denied_tls_cert", "acl_access_denied_db"),
        *("replicas_waiting_psync", "used_active_time_main_thread"),
        *("replicas.repl.buffer", "cluster.slot_import", "cluster.slot_export", "capa"),
        *("keys_with_volatile_items", "io_threaded_reads_pending", "io_threaded_writes_pending"),
        *("TLS", "Cluster Info", "Scripting Engines"),  # sections of INFO
    )
)
#: Its fields that Redis 7.2 does not have.
FIELDS: Final = OWN_FIELDS | frozenset(
    (
        *("allocator_muzzy", "mem_overhead_db_hashtable_rehashing", "evicted_scripts"),
        *("allocator.muzzy", "overhead.db.hashtable.lut", "overhead.db.hashtable.rehashing"),
        "db.dict.rehashing.count",
        *("pubsub_clients", "watching_clients", "total_watched_keys", "watch"),
        *("client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections"),
        *("io_threaded_total_prefetch_batches", "io_threaded_total_prefetch_entries"),
        *("tot-net-in", "tot-net-out", "tot-cmds"),
    )
)

#: Settings, and second names of settings, that no Redis has.
SETTINGS: Final = frozenset(
    (
        *("active-defrag-cycle-us", "availability-zone", "cluster-announce-client-ipv4"),
        *("cluster-announce-client-ipv6", "cluster-announce-client-port", "cluster-announce-client-tls-port"),
        *("cluster-blacklist-ttl", "cluster-config-save-behavior", "cluster-databases"),
        *("cluster-manual-failover-timeout", "cluster-slot-migration-log-max-len"),
        *("commandlog-execution-slower-than", "commandlog-large-reply-max-len", "commandlog-large-request-max-len"),
        *("commandlog-reply-larger-than", "commandlog-request-larger-than", "commandlog-slow-execution-max-len"),
        *("dual-channel-replication-enabled", "extended-redis-compatibility", "hash-seed", "import-mode"),
        *("log-format", "log-timestamp-format", "mptcp", "prefetch-batch-max-size", "primaryauth", "primaryuser"),
        *("rdb-version-check", "rdma-bind", "rdma-completion-vector", "rdma-port", "rdma-rx-size", "repl-mptcp"),
        *("slot-migration-max-failover-repl-bytes", "tls-auth-clients-user", "tls-auto-reload-interval"),
        *("unixsocketgroup", "cluster-slot-stats-enabled"),
    )
)
#: Settings whose default is another one.
SETTING_DEFAULTS: Final = (
    ("hide-user-data-from-log", "yes"),
    ("lazyfree-lazy-eviction", "yes"),
    ("lazyfree-lazy-expire", "yes"),
    ("lazyfree-lazy-server-del", "yes"),
    ("lazyfree-lazy-user-del", "yes"),
    ("lazyfree-lazy-user-flush", "yes"),
    ("mem-allocator", "libc"),  # its sizes are known with that one only
    ("repl-backlog-size", "10485760"),
    ("replica-lazy-flush", "yes"),
    ("syslog-ident", "valkey"),
)
