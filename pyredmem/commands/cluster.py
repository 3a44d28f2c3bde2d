"""The commands of a cluster, as a server that is not a node of one runs them: nearly all are refused.

Redis checks the name of the subcommand and the number of its arguments first, so all subcommands are declared.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pyredmem.base.errors import CommandError
from pyredmem.engine.command import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NOSCRIPT,
    NOT_KEY,
    READONLY,
    STALE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context

cluster: Final = Group("cluster")

_DISABLED: Final = b"ERR This instance has cluster support disabled"
_CHANGES: Final = ADMIN | STALE | NO_ASYNC_LOADING
_VARIES: Final = ("nondeterministic_output",)
_PER_NODE: Final = "O(N) with N nodes"
_SLOTS: Final = "slot:integer [slot:integer ...]"
_RANGES: Final = "start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...]"
_PER_SLOT: Final = "O(N) with N slots"


def _refuse(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_DISABLED)


class _Subcommand(NamedTuple):
    """What is declared about a subcommand of CLUSTER."""

    name: str
    arity: int
    flags: int
    summary: str
    syntax: str = ""
    since: str = "3.0.0"
    complexity: str = "O(1)"
    tips: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    deprecated: tuple[str, str] | None = None


_SUBCOMMANDS: Final = (
    _Subcommand("addslots", -3, _CHANGES, "Gives hash slots to this node.", _SLOTS, complexity=_PER_SLOT),
    _Subcommand(
        "addslotsrange", -4, _CHANGES, "Gives ranges of hash slots to this node.",
        _RANGES, "7.0.0", _PER_SLOT,
    ),
    _Subcommand("bumpepoch", 2, _CHANGES, "Advances the configuration epoch of the cluster.", tips=_VARIES),
    _Subcommand(
        "count-failure-reports", 3, ADMIN | STALE, "Counts the reports that a node has failed.", "node-id",
        complexity="O(N) with N failure reports", tips=_VARIES,
    ),
    _Subcommand("cancelslotmigrations", 2, _CHANGES, "Ends the moves of hash slots.", since="9.0.0"),
    _Subcommand("flushslot", -3, WRITE | ADMIN | NO_ASYNC_LOADING, "Deletes the keys of a hash slot.",
        "slot:integer [ASYNC | SYNC]", "9.0.0", "O(N) with N keys"),
    _Subcommand("getslotmigrations", 2, _CHANGES, "Lists the moves of hash slots.", since="9.0.0"),
    _Subcommand("migrateslots", -4, _CHANGES, "Moves hash slots to another node.",
        "SLOTSRANGE start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...] NODE node-id",
        "9.0.0", _PER_SLOT),
    _Subcommand("syncslots", -3, _CHANGES, "What nodes tell each other while they move hash slots.", since="9.0.0"),
    _Subcommand("countkeysinslot", 3, STALE, "Counts the keys in a hash slot.", "slot:integer"),
    _Subcommand(
        "delslots", -3, _CHANGES, "Takes hash slots away from this node.", _SLOTS, complexity=_PER_SLOT
    ),
    _Subcommand(
        "delslotsrange", -4, _CHANGES, "Takes ranges of hash slots away from this node.",
        _RANGES, "7.0.0", _PER_SLOT,
    ),
    _Subcommand("failover", -2, _CHANGES, "Makes a replica take the place of its master.", "[FORCE | TAKEOVER]"),
    _Subcommand("flushslots", 2, _CHANGES, "Takes all hash slots away from this node."),
    _Subcommand("forget", 3, _CHANGES, "Removes a node from the table of nodes.", "node-id"),
    _Subcommand(
        "getkeysinslot", 4, STALE, "Returns names of keys in a hash slot.", "slot:integer count",
        complexity="O(N) with N keys returned", tips=_VARIES,
    ),
    _Subcommand("help", 2, LOADING | STALE, "Describes the subcommands.", since="5.0.0"),
    _Subcommand("info", 2, STALE, "Describes the state of the node.", tips=_VARIES),
    _Subcommand("keyslot", 3, STALE, "Returns the hash slot of a key.", "key:string", complexity="O(N) with N bytes"),
    _Subcommand("links", 2, STALE, "Lists the links to other nodes.", "", "7.0.0", _PER_NODE, _VARIES),
    _Subcommand(
        "meet", -4, _CHANGES, "Makes the node join another one in a cluster.", "ip port [cluster-bus-port:integer]",
        history=(("4.0.0", "Added the optional `cluster_bus_port` argument."),),
    ),
    _Subcommand("myid", 2, STALE, "Returns the id of the node."),
    _Subcommand("myshardid", 2, STALE, "Returns the id of the node's shard.", since="7.2.0", tips=_VARIES),
    _Subcommand("nodes", 2, STALE, "Describes all nodes.", complexity=_PER_NODE, tips=_VARIES),
    _Subcommand("replicas", 3, ADMIN | STALE, "Lists the replicas of a node.", "node-id", "5.0.0", tips=_VARIES),
    _Subcommand("replicate", 3, _CHANGES, "Makes the node a replica of a master.", "node-id"),
    _Subcommand(
        "reset", -2, ADMIN | NOSCRIPT | STALE, "Makes the node forget the cluster.", "[HARD | SOFT]",
        complexity="O(N) with N known nodes",
    ),
    _Subcommand("saveconfig", 2, _CHANGES, "Saves the configuration of the cluster to disk."),
    _Subcommand("set-config-epoch", 3, _CHANGES, "Sets the configuration epoch of a new node.", "config-epoch:integer"),
    _Subcommand(
        "setslot", -4, _CHANGES, "Gives a hash slot to a node, or marks it as moving.",
        "slot:integer <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
    ),
    _Subcommand(
        "shards", 2, LOADING | STALE, "Describes the shards and their hash slots.", "", "7.0.0", _PER_NODE, _VARIES
    ),
    _Subcommand(
        "slaves", 3, ADMIN | STALE, "Lists the replicas of a node.", "node-id", tips=_VARIES,
        deprecated=("5.0.0", "`CLUSTER REPLICAS`"),
    ),
    _Subcommand(
        "slot-stats", -4, LOADING | STALE, "Returns statistics of hash slots.",
        "<SLOTSRANGE start-slot:integer end-slot:integer | ORDERBY metric [LIMIT limit:integer] [ASC | DESC]>",
        "8.2.0", _PER_SLOT, (*_VARIES, "request_policy:all_shards"),
    ),
    _Subcommand(
        "slots", 2, LOADING | STALE, "Returns the nodes of each range of hash slots.",
        complexity=_PER_NODE, tips=_VARIES,
        history=(("4.0.0", "Added node IDs."), ("7.0.0", "Added additional networking metadata field.")),
        deprecated=("7.0.0", "`CLUSTER SHARDS`"),
    ),
)  # fmt: skip

cluster.container("cluster", since="3.0.0", summary="Groups the commands of a cluster; all are refused here.")
for _one in _SUBCOMMANDS:
    cluster.command(
        f"cluster|{_one.name}",
        arity=_one.arity,
        flags=_one.flags,
        since=_one.since,
        complexity=_one.complexity,
        summary=_one.summary,
        syntax=_one.syntax,
        history=_one.history,
        tips=_one.tips,
        deprecated=_one.deprecated,
    )(_refuse)

cluster.command(
    "clusterscan",
    arity=-2,
    flags=READONLY,
    keys=(key_at(NOT_KEY),),
    acl="keyspace",
    since="9.1.0",
    complexity="O(N) with N keys returned",
    summary="Iterates over the keys of a cluster.",
    syntax="cursor [MATCH pattern] [COUNT count:integer] [TYPE type] [SLOT slot:integer]",
    tips=(*_VARIES, "request_policy:special", "response_policy:special"),
)(_refuse)


def _set_read_only(context: Context, wanted: bool) -> None:
    """Valkey takes READONLY without a cluster, too: a client that follows redirections may read from a replica."""
    if not context.engine.profile.has_read_only_clients:
        raise CommandError(_DISABLED)
    context.session.claims.is_read_only = wanted
    context.reply.ok()


def _readonly(context: Context, argv: list[bytes]) -> None:
    _set_read_only(context, True)


def _readwrite(context: Context, argv: list[bytes]) -> None:
    _set_read_only(context, False)


for _name, _flags, _summary, _handler in (
    ("asking", FAST, "Lets the next command use a hash slot that is being imported.", _refuse),
    ("readonly", LOADING | STALE | FAST, "Lets the connection read from a replica in a cluster.", _readonly),
    ("readwrite", LOADING | STALE | FAST, "Ends the effect of READONLY.", _readwrite),
):
    cluster.command(_name, arity=1, flags=_flags, acl="connection", since="3.0.0", complexity="O(1)", summary=_summary)(
        _handler
    )
