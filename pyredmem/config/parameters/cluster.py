"""Replication and cluster mode: accepted so that a redis.conf loads, without effect."""

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
    """A setting of replication; the older name often says slave."""
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
            "The primary to copy.",
            alias="slaveof",
            immutable=True,
            no_effect=NO_REPLICATION,
        ),
        Parameter(
            "masteruser",
            _OPTIONAL,
            "",
            "User to log in to the primary.",
            sensitive=True,
            no_effect=NO_REPLICATION,
        ),
        Parameter(
            "masterauth",
            _OPTIONAL,
            "",
            "Password to log in to the primary.",
            sensitive=True,
            no_effect=NO_REPLICATION,
        ),
        _replication("replica-serve-stale-data", _SWITCH, "yes", "Answer without a primary.", "slave-serve-stale-data"),
        _replication("replica-read-only", _SWITCH, "yes", "A replica refuses writes.", "slave-read-only"),
        _replication("replica-priority", _COUNT, "100", "Preference when a new primary is chosen.", "slave-priority"),
        _replication("replica-announced", _SWITCH, "yes", "Let Sentinel report this replica."),
        _replication("replica-announce-ip", _OPTIONAL, "", "Address to announce.", "slave-announce-ip"),
        _replication("replica-announce-port", PORTS, "0", "Port to announce.", "slave-announce-port"),
        _replication("replica-ignore-disk-write-errors", _SWITCH, "no", "A replica goes on when it cannot write."),
        _replication("repl-diskless-sync", _SWITCH, "yes", "Send snapshots without a file."),
        _replication("repl-diskless-sync-delay", _COUNT, "5", "Seconds to wait for more replicas before sending."),
        _replication("repl-diskless-sync-max-replicas", _COUNT, "0", "Replicas that end that wait; 0 is none."),
        _replication(
            "repl-diskless-load",
            Choice("disabled", "on-empty-db", "swapdb"),
            "disabled",
            "When a replica loads without a file.",
        ),
        _replication(
            "repl-ping-replica-period",
            _AT_LEAST_ONE,
            "10",
            "Seconds between pings.",
            "repl-ping-slave-period",
        ),
        _replication("repl-timeout", _AT_LEAST_ONE, "60", "Seconds of silence after which a link is closed."),
        _replication("repl-disable-tcp-nodelay", _SWITCH, "no", "Send fewer, larger packets."),
        _replication("repl-backlog-size", Memory(1, LONG_MAX), "1048576", "Size of the backlog."),
        _replication("repl-backlog-ttl", Integer(0, LONG_MAX), "3600", "Seconds after which an unused one is freed."),
        _replication("min-replicas-to-write", _COUNT, "0", "Replicas needed to accept writes.", "min-slaves-to-write"),
        _replication("min-replicas-max-lag", _COUNT, "10", "Greatest lag of those, in seconds.", "min-slaves-max-lag"),
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
            "File that a node keeps its state in.",
            immutable=True,
        ),
        _cluster(
            "cluster-node-timeout",
            Integer(0, LONG_MAX),
            "15000",
            "Milliseconds until a node counts as failed.",
        ),
        _cluster("cluster-port", PORTS, "0", "Port of the cluster bus; 0 is port + 10000.", immutable=True),
        _cluster(
            "cluster-replica-validity-factor",
            _COUNT,
            "10",
            "How old a replica's data may be to take over.",
            "cluster-slave-validity-factor",
        ),
        _cluster("cluster-migration-barrier", _COUNT, "1", "Replicas that a primary keeps when others lack one."),
        _cluster("cluster-allow-replica-migration", _SWITCH, "yes", "Replicas may move to other primaries."),
        _cluster("cluster-require-full-coverage", _SWITCH, "yes", "Refuse commands while slots are not served."),
        _cluster(
            "cluster-replica-no-failover",
            _SWITCH,
            "no",
            "A replica never takes over by itself.",
            "cluster-slave-no-failover",
        ),
        _cluster("cluster-allow-reads-when-down", _SWITCH, "no", "Answer reads while the cluster is down."),
        _cluster(
            "cluster-allow-pubsubshard-when-down",
            _SWITCH,
            "yes",
            "Sharded pub/sub while the cluster is down.",
        ),
        _cluster(
            "cluster-link-sendbuf-limit",
            Memory(0, UNSIGNED_LONG_MAX),
            "0",
            "Limit of a bus link's buffer.",
        ),
        _cluster("cluster-announce-ip", _OPTIONAL, "", "Address to announce."),
        _cluster("cluster-announce-port", PORTS, "0", "Port to announce."),
        _cluster("cluster-announce-tls-port", PORTS, "0", "TLS port to announce."),
        _cluster("cluster-announce-bus-port", PORTS, "0", "Bus port to announce."),
        _cluster("cluster-announce-hostname", HostName(optional=True), "", "Host name to announce."),
        _cluster("cluster-announce-human-nodename", NodeName(optional=True), "", "Node name for people."),
        _cluster(
            "cluster-preferred-endpoint-type",
            Choice("ip", "hostname", "unknown-endpoint"),
            "ip",
            "What clients are told to connect to.",
        ),
    ),
)
