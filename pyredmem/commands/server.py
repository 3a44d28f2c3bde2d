"""The rest of the group *server*: TIME and SHUTDOWN."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.engine.command import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    Group,
)
from pyredmem.engine.context import Context
from pyredmem.persistence.persistence import persistence_of

server: Final = Group("server")

_NO_SHUTDOWN: Final = b"ERR No shutdown in progress."
_SHUTDOWN_FAILED: Final = b"ERR Errors trying to SHUTDOWN. Check logs."


@server.command(
    "time",
    arity=1,
    flags=LOADING | STALE | FAST,
    since="2.6.0",
    complexity="O(1)",
    summary="Returns the time of the server.",
    tips=("nondeterministic_output",),
)
def time_(context: Context, argv: list[bytes]) -> None:
    """Reply with the unix time in seconds and the microseconds of that second."""
    now_us = int(context.keyspace.now_us)
    context.reply.array(2)
    context.reply.bulk(b"%d" % (now_us // 1_000_000))
    context.reply.bulk(b"%d" % (now_us % 1_000_000))


@server.command(
    "shutdown",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    since="1.0.0",
    complexity="O(1)",
    summary="Shuts the server down.",
    syntax="[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    history=(("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` options."),),
)
def shutdown(context: Context, argv: list[bytes]) -> None:
    """There are no replicas to wait for, so NOW has no effect and there never is a shutdown to abort."""
    options = {word.decode("latin-1").lower() for word in argv[1:]}
    if not options <= _SHUTDOWN_OPTIONS or {"save", "nosave"} <= options or ("abort" in options and len(options) > 1):
        raise CommandError(SYNTAX_ERROR)
    if "abort" in options:
        raise CommandError(_NO_SHUTDOWN)
    engine = context.engine
    if engine.script_run.is_suspended() and "nosave" not in options:
        raise CommandError(engine.script_run.busy_error())
    engine.host.log("warning", "User requested shutdown...")
    if not persistence_of(engine).prepare_end(options):
        raise CommandError(_SHUTDOWN_FAILED)
    context.session.close()
    engine.host.shut_down()


_SHUTDOWN_OPTIONS: Final = frozenset(("nosave", "save", "now", "force", "abort"))
