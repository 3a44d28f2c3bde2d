"""Settings that only Valkey has; the profile of Redis does not show them, but a file may set them."""

from __future__ import annotations

from typing import Final

from pyredmem.config.kinds import INT_MAX, LONG_MAX, Choice, Integer, Kind, Memory, Text, YesNo
from pyredmem.config.parameter import NO_CLUSTER, NO_REPLICATION, NO_THREADS, Parameter, Section
from pyredmem.config.parameters.network import PORTS

_SWITCH: Final = YesNo()
_OPTIONAL: Final = Text(optional=True)
_NO_RDMA: Final = "connections are those of TCP, TLS and Unix sockets"
_LEGACY_LOG: Final = "the log has one format"
_ONE_LOG: Final = "only slow commands are logged"


def _cluster(name: str, kind: Kind, default: str, text: str, immutable: bool = False) -> Parameter:
    return Parameter(name, kind, default, text, immutable=immutable, no_effect=NO_CLUSTER)


def _rdma(name: str, kind: Kind, default: str, text: str, immutable: bool = True) -> Parameter:
    return Parameter(name, kind, default, text, immutable=immutable, no_effect=_NO_RDMA)


VALKEY: Final = Section(
    "Settings of Valkey",
    (
        Parameter("availability-zone", _OPTIONAL, "", "The zone of the server, which INFO and HELLO tell."),
        Parameter(
            "import-mode",
            _SWITCH,
            "no",
            "Lets clients call themselves sources of an import.",
        ),
        Parameter(
            "commandlog-request-larger-than",
            Integer(-1, LONG_MAX),
            "1048576",
            "Bytes from which on a request is logged as large; -1 means never.",
            no_effect=_ONE_LOG,
        ),
        Parameter(
            "commandlog-reply-larger-than",
            Integer(-1, LONG_MAX),
            "1048576",
            "Bytes from which on a reply is logged as large; -1 means never.",
            no_effect=_ONE_LOG,
        ),
        Parameter(
            "commandlog-large-request-max-len",
            Integer(0, LONG_MAX),
            "128",
            "The most entries of the log of large requests.",
            no_effect=_ONE_LOG,
        ),
        Parameter(
            "commandlog-large-reply-max-len",
            Integer(0, LONG_MAX),
            "128",
            "The most entries of the log of large replies.",
            no_effect=_ONE_LOG,
        ),
        Parameter(
            "extended-redis-compatibility",
            _SWITCH,
            "no",
            "Says Redis where Valkey says its own name.",
            no_effect="use the profile of a version of Redis",
        ),
        Parameter(
            "rdb-version-check",
            Choice("strict", "relaxed"),
            "strict",
            "Whether RDB files of an unknown version are refused.",
            no_effect="files are read by what is in them",
        ),
        Parameter(
            "hash-seed",
            _OPTIONAL,
            "",
            "The seed of the hash tables.",
            immutable=True,
            no_effect="`random-seed` is for this",
        ),
        Parameter(
            "active-defrag-cycle-us",
            Integer(0, 100000),
            "500",
            "Microseconds of one slice of defragmentation.",
            no_effect="slices have a fixed length",
        ),
        Parameter(
            "log-format",
            Choice("legacy", "logfmt", "json"),
            "legacy",
            "The format of lines of the log.",
            no_effect=_LEGACY_LOG,
        ),
        Parameter(
            "log-timestamp-format",
            Choice("legacy", "iso8601", "milliseconds"),
            "legacy",
            "The format of times in the log.",
            no_effect=_LEGACY_LOG,
        ),
        Parameter(
            "prefetch-batch-max-size",
            Integer(0, 128),
            "16",
            "The most commands whose keys are looked up together.",
            no_effect=NO_THREADS,
        ),
        Parameter(
            "unixsocketgroup",
            _OPTIONAL,
            "",
            "The group of the Unix socket.",
            immutable=True,
            no_effect="the group is that of the process",
        ),
        Parameter(
            "tls-auth-clients-user",
            Choice("cn", "uri", "off", synonyms=(("cn", "CN"), ("uri", "URI"))),
            "off",
            "The part of a certificate that names the user of its client.",
            no_effect="a certificate does not authenticate a user",
        ),
        Parameter(
            "tls-auto-reload-interval",
            Integer(0, INT_MAX),
            "0",
            "Seconds after which certificates are read again; 0 means never.",
            no_effect="CONFIG SET reads them again",
        ),
        Parameter(
            "mptcp",
            _SWITCH,
            "no",
            "Whether to accept connections of Multipath TCP.",
            immutable=True,
            no_effect="connections are those of plain TCP",
        ),
        Parameter(
            "repl-mptcp",
            _SWITCH,
            "no",
            "Whether to connect to the primary by Multipath TCP.",
            immutable=True,
            no_effect=NO_REPLICATION,
        ),
        Parameter(
            "dual-channel-replication-enabled",
            _SWITCH,
            "no",
            "Send a replica the data set and later changes over two connections.",
            no_effect=NO_REPLICATION,
        ),
        _cluster("cluster-announce-client-ipv4", _OPTIONAL, "", "IPv4 address to tell clients."),
        _cluster("cluster-announce-client-ipv6", _OPTIONAL, "", "IPv6 address to tell clients."),
        _cluster("cluster-announce-client-port", PORTS, "0", "Port to tell clients."),
        _cluster("cluster-announce-client-tls-port", PORTS, "0", "TLS port to tell clients."),
        _cluster("cluster-blacklist-ttl", Integer(0, LONG_MAX), "60", "Seconds for which a node stays forgotten."),
        _cluster(
            "cluster-config-save-behavior",
            Choice("sync", "best-effort"),
            "sync",
            "What happens if the state of the cluster cannot be saved.",
        ),
        _cluster("cluster-databases", Integer(1, INT_MAX), "1", "Databases in cluster mode.", immutable=True),
        _cluster("cluster-manual-failover-timeout", Integer(1, INT_MAX), "5000", "Milliseconds of CLUSTER FAILOVER."),
        _cluster(
            "cluster-slot-migration-log-max-len",
            Integer(0, LONG_MAX),
            "1000",
            "The most entries of the log of moved hash slots.",
        ),
        _cluster(
            "slot-migration-max-failover-repl-bytes",
            Memory(-1, LONG_MAX),
            "0",
            "Bytes that may be left to send when a hash slot changes its node; -1 means any number.",
        ),
        _rdma("rdma-bind", _OPTIONAL, "", "Addresses for RDMA."),
        _rdma("rdma-completion-vector", Integer(-1, INT_MAX), "-1", "Completion vector of RDMA."),
        _rdma("rdma-port", PORTS, "0", "Port for RDMA.", immutable=False),
        _rdma("rdma-rx-size", Integer(65536, 16777216), "1048576", "Bytes of a buffer for RDMA."),
    ),
)
