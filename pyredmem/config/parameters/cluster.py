"""Replication and cluster mode: accepted so that a redis.conf can be read, but without effect."""

from __future__ import annotations

from typing import Final

from pyredmem.config.composites import Master
from pyredmem.config.kinds import (
    INT_MAX,
    LONG_MAX,
    UNSIGNED_LONG_MAX,
    Choice,
    HostName,
    Integer,
    Kind,
    Memory,
    NodeName,
    Text,
    YesNo,
)
from pyredmem.config.parameter import NO_CLUSTER, NO_REPLICATION, Parameter, Section
from pyredmem.config.parameters.network import PORTS


def _replication(name: str, kind: Kind, default: str, text: str, alias: str = "") -> Parameter:
    """A setting of replication. `alias` is its older name, with `slave`."""
    return Parameter(name, kind, default, text, alias=alias, no_effect=NO_REPLICATION)


def _cluster(name: str, kind: Kind, default: str, text: str, alias: str = "", immutable: bool = False) -> Parameter:
    """A setting of cluster mode."""
    return Parameter(name, kind, default, text, alias=alias, immutable=immutable, no_effect=NO_CLUSTER)


_SWITCH: Final = YesNo()
_COUNT: Final = Integer(0, INT_MAX)
_AT_LEAST_ONE: Final = Integer(1, INT_MAX)
_OPTIONAL: Final = Text(optional=True)

REPLICATION: Final = Section(
    "Replication",
    (
        Parameter(
            "replicaof",
            Master(),
            "",
            "The primary to replicate.",
            alias="slaveof",
            immutable=True,
            no_effect=NO_REPLICATION,
        ),
        Parameter(
            "masteruser",
            _OPTIONAL,
            "",
            "User to log in to the primary.",
            alias="primaryuser",
            sensitive=True,
            no_effect=NO_REPLICATION,
        ),
        Parameter(
            "masterauth",
            _OPTIONAL,
            "",
            "Password to log in to the primary.",
            alias="primaryauth",
            sensitive=True,
            no_effect=NO_REPLICATION,
        ),
        _replication(
            "replica-serve-stale-data",
            _SWITCH,
            "yes",
            "Serve stale data while the link to the primary is down.",
            "slave-serve-stale-data",
        ),
        _replication("replica-read-only", _SWITCH, "yes", "A replica refuses writes.", "slave-read-only"),
        _replication("replica-priority", _COUNT, "100", "Priority when a new primary is chosen.", "slave-priority"),
        _replication("replica-announced", _SWITCH, "yes", "Whether Sentinel reports this replica."),
        _replication("replica-announce-ip", _OPTIONAL, "", "Address to announce.", "slave-announce-ip"),
        _replication("replica-announce-port", PORTS, "0", "Port to announce.", "slave-announce-port"),
        _replication(
            "replica-ignore-disk-write-errors", _SWITCH, "no", "A replica continues when it cannot write to disk."
        ),
        _replication("repl-diskless-sync", _SWITCH, "yes", "Send snapshots to replicas without a file."),
        _replication(
            "replica-full-sync-buffer-limit",
            Memory(0, LONG_MAX),
            "0",
            "Memory for writes that arrive during a full synchronization; 0 means that of the output buffer.",
        ),
        _replication(
            "repl-diskless-sync-delay", _COUNT, "5", "Seconds to wait for more replicas before a snapshot is sent."
        ),
        _replication(
            "repl-diskless-sync-max-replicas", _COUNT, "0", "Number of replicas that ends this wait; 0 means none does."
        ),
        _replication(
            "repl-diskless-load",
            Choice("disabled", "on-empty-db", "swapdb"),
            "disabled",
            "When a replica loads a snapshot without a file.",
        ),
        _replication(
            "repl-ping-replica-period",
            _AT_LEAST_ONE,
            "10",
            "Seconds between pings to replicas.",
            "repl-ping-slave-period",
        ),
        _replication(
            "repl-timeout", _AT_LEAST_ONE, "60", "Seconds without data after which a replication link is closed."
        ),
        _replication("repl-disable-tcp-nodelay", _SWITCH, "no", "Send fewer but larger packets to replicas."),
        _replication("repl-backlog-size", Memory(1, LONG_MAX), "1048576", "Size of the replication backlog."),
        _replication(
            "repl-backlog-ttl",
            Integer(0, LONG_MAX),
            "3600",
            "Seconds without replicas after which the backlog is freed.",
        ),
        _replication(
            "min-replicas-to-write",
            _COUNT,
            "0",
            "Number of replicas without which writes are refused.",
            "min-slaves-to-write",
        ),
        _replication(
            "min-replicas-max-lag",
            _COUNT,
            "10",
            "The greatest lag of these replicas, in seconds.",
            "min-slaves-max-lag",
        ),
        _replication(
            "propagation-error-behavior",
            Choice("ignore", "panic", "panic-on-replicas"),
            "ignore",
            "What to do when a replicated command fails.",
        ),
    ),
)

CLUSTER: Final = Section(
    "Cluster",
    (
        _cluster("cluster-enabled", _SWITCH, "no", "Run as a node of a cluster.", immutable=True),
        _cluster(
            "cluster-config-file",
            Text(),
            "nodes.conf",
            "The file with the state of the node.",
            immutable=True,
        ),
        _cluster(
            "cluster-node-timeout",
            Integer(0, LONG_MAX),
            "15000",
            "Milliseconds without an answer after which a node counts as failed.",
        ),
        _cluster("cluster-port", PORTS, "0", "Port of the cluster bus; 0 means port + 10000.", immutable=True),
        _cluster(
            "cluster-compatibility-sample-ratio",
            Integer(0, 100),
            "0",
            "Percentage of commands that are checked for what a cluster would refuse.",
        ),
        _cluster("cluster-slot-stats-enabled", _SWITCH, "no", "Count what is done with each hash slot."),
        _cluster(
            "cluster-replica-validity-factor",
            _COUNT,
            "10",
            "How old the data of a replica may be if it is to take over.",
            "cluster-slave-validity-factor",
        ),
        _cluster(
            "cluster-migration-barrier", _COUNT, "1", "Replicas that a primary keeps when another primary has none."
        ),
        _cluster(
            "cluster-allow-replica-migration", _SWITCH, "yes", "Whether a replica may move to a primary that has none."
        ),
        _cluster(
            "cluster-require-full-coverage", _SWITCH, "yes", "Refuse all commands while some slots are not served."
        ),
        _cluster(
            "cluster-replica-no-failover",
            _SWITCH,
            "no",
            "A replica never takes over on its own.",
            "cluster-slave-no-failover",
        ),
        _cluster("cluster-allow-reads-when-down", _SWITCH, "no", "Serve reads while the cluster is down."),
        _cluster(
            "cluster-allow-pubsubshard-when-down",
            _SWITCH,
            "yes",
            "Serve sharded pub/sub while the cluster is down.",
        ),
        _cluster(
            "cluster-link-sendbuf-limit",
            Memory(0, UNSIGNED_LONG_MAX),
            "0",
            "The most bytes that wait to be sent on a link of the bus; 0 means no limit.",
        ),
        _cluster("cluster-announce-ip", _OPTIONAL, "", "Address to announce to the cluster."),
        _cluster("cluster-announce-port", PORTS, "0", "Port to announce."),
        _cluster("cluster-announce-tls-port", PORTS, "0", "TLS port to announce."),
        _cluster("cluster-announce-bus-port", PORTS, "0", "Bus port to announce."),
        _cluster("cluster-announce-hostname", HostName(optional=True), "", "Host name to announce."),
        _cluster(
            "cluster-announce-human-nodename", NodeName(optional=True), "", "Node name to announce, for people to read."
        ),
        _cluster(
            "cluster-preferred-endpoint-type",
            Choice("ip", "hostname", "unknown-endpoint"),
            "ip",
            "The kind of address that redirected clients are given.",
        ),
    ),
)
