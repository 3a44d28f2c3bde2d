"""MODULE: no module can be loaded, so the list of modules is empty."""

from __future__ import annotations

from typing import Final

from pyredmem.commands.help import declare_help
from pyredmem.engine.command import ADMIN, NOSCRIPT, Group
from pyredmem.engine.context import Context

modules: Final = Group("server")

modules.container("module", since="4.0.0", summary="Groups the commands on modules; none can be loaded here.")
declare_help(modules, "module", since="5.0.0")


@modules.command(
    "module|list",
    arity=2,
    flags=ADMIN | NOSCRIPT,
    since="4.0.0",
    complexity="O(N) with N loaded modules",
    summary="Lists the loaded modules: none.",
    tips=("nondeterministic_output_order",),
)
def list_(context: Context, argv: list[bytes]) -> None:
    reply_modules(context)


def reply_modules(context: Context) -> None:
    """Reply with the modules: in Valkey, what runs scripts is one."""
    reply = context.reply
    if not context.engine.profile.has_lua_module:
        reply.array(0)
        return
    reply.array(1)
    reply.map(4)
    reply.bulk(b"name")
    reply.bulk(b"lua")
    reply.bulk(b"ver")
    reply.integer(1)
    reply.bulk(b"path")
    reply.bulk(b"lua")
    reply.bulk(b"args")
    reply.array(0)
