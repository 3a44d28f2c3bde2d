"""The HELP of container commands, made from the specs of their subcommands.

A container declares it with one line, ``declare_help(config, "config", since="5.0.0")``. The reply has Redis's form: a
head line, then for each subcommand a line with its arguments and, indented, what it does, and at the end HELP itself.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final

from pyredmem.engine.command import LOADING, STALE, Command, Group
from pyredmem.engine.context import Context
from pyredmem.engine.syntax import plain

_INDENT: Final = " " * 4
_WIDTH: Final = 79
_HELP: Final = b"help"


def declare_help(group: Group, container: str, *, since: str, acl: str = "", flags: int = 0) -> None:
    """Give a container its subcommand HELP."""
    declare = group.command(
        f"{container}|help",
        arity=2,
        flags=flags | LOADING | STALE,
        acl=acl,
        since=since,
        complexity="O(1)",
        summary="Describes the subcommands.",
    )
    declare(_help)


def _help(context: Context, argv: list[bytes]) -> None:
    container = context.engine.commands.lookup(argv[:1])
    assert container is not None
    lines = help_lines(container)
    context.reply.array(len(lines))
    for line in lines:
        context.reply.simple(line.encode())


def help_lines(container: Command) -> list[str]:
    """The lines of a container's HELP."""
    lines = [f"{container.name.upper()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    if container.runs_alone:
        lines += ["(no subcommand)", *_indented(container.spec.summary)]
    for name, command in container.subcommands.items():
        if name != _HELP:
            lines += [_call(command), *_indented(command.spec.summary)]
    return [*lines, "HELP", _INDENT + "Prints this help."]


def _call(command: Command) -> str:
    """A subcommand and its arguments in the notation of HELP: ``GET <pattern> [<pattern> ...]``."""
    name = command.name.partition("|")[2].upper()
    choices = re.sub(r"<([^<>]*)>", lambda found: "(" + found[1].replace(" | ", "|") + ")", plain(command.spec.syntax))
    arguments = re.sub(r"[a-z][a-z0-9:_-]*", lambda found: f"<{found[0]}>", choices)
    return f"{name} {arguments}".rstrip()


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False)
