"""The HELP subcommand of container commands, written from the specs of their subcommands.

A container declares it in one line, ``declare_help(config, "config", since="5.0.0")``. The reply has the form of
Redis's: a headline; then, for each subcommand, its name and arguments and, indented, its summary; HELP comes last.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final

from pyredmem.engine.command import LOADING, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.engine.spec import CommandSpec
from pyredmem.engine.syntax import plain

_WORD: Final = "help"
_INDENT: Final = " " * 4
_WIDTH: Final = 79


def declare_help(group: Group, container: str, *, since: str, acl: str = "", flags: int = 0) -> None:
    """Declare the subcommand HELP of a container."""
    declare = group.command(
        f"{container}|{_WORD}",
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
    alone = container.spec.summary if container.runs_alone else ""
    reply_help(context, container.name, [command.spec for command in container.subcommands.values()], alone)


def reply_help(context: Context, name: str, subcommands: list[CommandSpec], alone: str = "") -> None:
    """Reply with the HELP of a command, its subcommands in order of name and HELP last.

    ``alone`` says what the command does without a subcommand, if it can be called so.
    """
    lines = [f"{name.upper()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    if alone:
        lines += ["(no subcommand)", *_indented(alone)]
    for spec in sorted(subcommands, key=_name):
        if _subcommand(spec) != _WORD:
            lines += [_call(spec), *_indented(spec.summary)]
    lines += ["HELP", _INDENT + "Prints this help."]
    context.reply.array(len(lines))
    for line in lines:
        context.reply.simple(line.encode())


def _name(spec: CommandSpec) -> str:
    return spec.name


def _subcommand(spec: CommandSpec) -> str:
    return spec.name.partition("|")[2]


def _call(spec: CommandSpec) -> str:
    """A subcommand and its arguments in the notation of HELP: ``GET <pattern> [<pattern> ...]``."""
    choices = re.sub(r"<([^<>]*)>", lambda found: "(" + found[1].replace(" | ", "|") + ")", plain(spec.syntax))
    arguments = re.sub(r"[a-z][a-z0-9:_-]*", lambda found: f"<{found[0]}>", choices)
    return f"{_subcommand(spec).upper()} {arguments}".rstrip()


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False)
