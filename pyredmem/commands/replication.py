"""The commands on replication. This server is always a master without replicas.

Commands that would begin to replicate are refused with an error that says so; commands that ask for the state are
answered truthfully.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    SYSTEM,
    Group,
)
from pyredmem.engine.context import Context

replication: Final = Group("server")

_NO_REPLICATION: Final = b"ERR this server does not replicate: it cannot follow a master"
_NO_REPLICAS: Final = b"ERR this server does not replicate: it cannot have replicas"
_REPLICAOF: Final = "Makes the server a replica of another, or a master with NO ONE; only NO ONE is accepted here."
_BAD_PORT: Final = b"ERR Invalid master port"
_MAX_PORT: Final = 65535
_TIMEOUT_NOT_POSITIVE: Final = b"ERR FAILOVER timeout must be greater than 0"
_NO_FAILOVER: Final = b"ERR No failover in progress."
_NO_CONNECTED_REPLICAS: Final = b"ERR FAILOVER requires connected replicas."


@replication.command(
    "role",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST,
    acl="admin dangerous",
    since="2.8.12",
    complexity="O(1)",
    summary="Returns the replication role of the server.",
)
def role(context: Context, argv: list[bytes]) -> None:
    """The server is always a master without replicas."""
    context.reply.array(3)
    context.reply.bulk(b"master")
    context.reply.integer(0)
    context.reply.array(0)


@replication.command(
    "replicaof",
    arity=3,
    flags=ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
    since="5.0.0",
    complexity="O(1)",
    summary=_REPLICAOF,
    syntax="<host port | NO ONE>",
)
def replicaof(context: Context, argv: list[bytes]) -> None:
    """Only NO ONE is accepted."""
    if argv[1].lower() == b"no" and argv[2].lower() == b"one":
        context.reply.ok()
        return
    _check_port(argv[2])
    raise CommandError(_NO_REPLICATION)


def _check_port(port: bytes) -> None:
    if not 0 <= integer(port, _BAD_PORT) <= _MAX_PORT:
        raise CommandError(_BAD_PORT)


@replication.command(
    "slaveof",
    arity=3,
    flags=ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
    since="1.0.0",
    complexity="O(1)",
    summary=_REPLICAOF,
    syntax="<host port | NO ONE>",
    deprecated=("5.0.0", "`REPLICAOF`"),
)
def slaveof(context: Context, argv: list[bytes]) -> None:
    replicaof(context, argv)


@replication.command(
    "failover",
    arity=-1,
    flags=ADMIN | NOSCRIPT | STALE,
    since="6.2.0",
    complexity="O(1)",
    summary="Makes a replica take the place of this server; there never is one.",
    syntax="[TO host port:integer [FORCE]] [ABORT] [TIMEOUT milliseconds:integer]",
)
def failover(context: Context, argv: list[bytes]) -> None:
    if len(argv) == 2 and argv[1].upper() == b"ABORT":
        raise CommandError(_NO_FAILOVER)
    _check_failover(argv)
    raise CommandError(_NO_CONNECTED_REPLICAS)


def _check_failover(argv: list[bytes]) -> None:
    """Raise an error if the options are wrong: each may be given once, and none together with ABORT."""
    arguments = Arguments(argv)
    given: set[bytes] = set()
    while arguments.left() > 0:
        option = arguments.word()
        if option in given:
            raise CommandError(errors.SYNTAX_ERROR)
        given.add(option)
        if option == b"TIMEOUT" and arguments.left() > 0:
            if arguments.integer() <= 0:
                raise CommandError(_TIMEOUT_NOT_POSITIVE)
        elif option == b"TO" and arguments.left() > 1:
            arguments.next()
            arguments.integer()
        elif option != b"FORCE":
            raise CommandError(errors.SYNTAX_ERROR)


def _refuse(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_NO_REPLICAS)


replication.command(
    "sync",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    complexity="",
    summary="Begins to replicate to the client; refused.",
)(_refuse)
replication.command(
    "psync",
    arity=-3,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="2.8.0",
    complexity="",
    summary="Goes on replicating to the client; refused.",
    syntax="replicationid offset:integer",
)(_refuse)
replication.command(
    "replconf",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY | SYSTEM,
    since="3.0.0",
    complexity="O(1)",
    summary="Tells a master about its replica; refused.",
)(_refuse)
