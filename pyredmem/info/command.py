"""The command INFO."""

from __future__ import annotations

from typing import Final

from pyredmem.engine.command import LOADING, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.info.sections import info_text

info_commands: Final = Group("server")


@info_commands.command(
    "info",
    arity=-1,
    flags=LOADING | STALE,
    acl="dangerous",
    since="1.0.0",
    complexity="O(1)",
    summary="Tells figures and facts of the server, by section.",
    syntax="[section [section ...]]",
    history=(("7.0.0", "Added support for taking multiple section arguments."),),
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
)
def info(context: Context, argv: list[bytes]) -> None:
    context.reply.verbatim(info_text(context.engine, argv[1:]))
