"""Commands of the group *connection*."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.engine.command import FAST, Group
from pyredmem.engine.context import Context

connection: Final = Group("connection")


@connection.command(
    "ping",
    arity=-1,
    flags=FAST,
    acl="connection",
    since="1.0.0",
    complexity="O(1)",
    summary="Answers PONG, or the message given.",
    syntax="[message]",
)
def ping(context: Context, argv: list[bytes]) -> None:
    """PING."""
    if len(argv) > 2:
        raise errors.wrong_arity(b"ping")
    if len(argv) == 2:
        context.reply.bulk(argv[1])
    else:
        context.reply.simple(b"PONG")
