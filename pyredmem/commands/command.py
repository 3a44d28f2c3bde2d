"""COMMAND: describes the commands of the server, from their specs."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.glob import match
from pyredmem.commands.help import declare_help
from pyredmem.engine.command import (
    FLAG_NAMES,
    LOADING,
    MAY_REPLICATE,
    NO_MANDATORY_KEYS,
    SKIP_SLOWLOG,
    STALE,
    SYSTEM,
    Command,
    FoundKey,
    Group,
    KeySpec,
)
from pyredmem.engine.context import Context
from pyredmem.engine.key_extraction import find_keys, has_keys
from pyredmem.engine.key_range import key_range
from pyredmem.engine.syntax import BLOCK, ONE_OF, Argument, arguments
from pyredmem.protocol.reply import ReplySink

command_group: Final = Group("server")

_FLAGS: Final = LOADING | STALE
_ANY_ORDER: Final = ("nondeterministic_output_order",)


def _simples(reply: ReplySink, texts: list[str]) -> None:
    """Reply with a set of simple strings."""
    reply.set(len(texts))
    for text in texts:
        reply.simple(text.encode())


# COMMAND, COMMAND INFO.


@command_group.command(
    "command",
    arity=-1,
    flags=_FLAGS,
    acl="connection",
    since="2.8.13",
    complexity="O(N) with N commands",
    summary="Describes all commands: arity, flags, keys, categories.",
    tips=_ANY_ORDER,
)
def command_(context: Context, argv: list[bytes]) -> None:
    commands = context.engine.commands.commands
    context.reply.array(len(commands))
    for command in commands.values():
        _describe(context.reply, command, context.engine.profile.log_flag)


@command_group.command(
    "command|info",
    arity=-2,
    flags=_FLAGS,
    acl="connection",
    since="2.8.13",
    complexity="O(N) with N described commands",
    summary="Describes the named commands, or all: arity, flags, keys, categories.",
    syntax="[command-name [command-name ...]]",
    history=(("7.0.0", "Describes all commands if none is named."),),
    tips=_ANY_ORDER,
)
def command_info(context: Context, argv: list[bytes]) -> None:
    if len(argv) == 2:
        command_(context, argv)
        return
    context.reply.array(len(argv) - 2)
    for name in argv[2:]:
        command = context.engine.commands.by_full_name(name)
        if command is None:
            context.reply.null()
        else:
            _describe(context.reply, command, context.engine.profile.log_flag)


def _describe(reply: ReplySink, command: Command, log_flag: str) -> None:
    """Reply with the ten facts that COMMAND INFO gives about a command."""
    keys = key_range(command.spec)
    reply.array(10)
    reply.bulk(command.full_name)
    reply.integer(command.arity)
    shown = command.flags & ~MAY_REPLICATE  # Redis does not show this flag
    names = [log_flag if flag == SKIP_SLOWLOG else name.decode() for flag, name in FLAG_NAMES if shown & flag]
    if keys.movable and "movablekeys" not in names:
        names.append("movablekeys")
    _simples(reply, names)
    reply.integer(keys.first)
    reply.integer(keys.last)
    reply.integer(keys.step)
    _simples(reply, ["@" + category for category in sorted(command.spec.acl)])
    reply.set(len(command.spec.tips))
    for tip in command.spec.tips:
        reply.text(tip)
    reply.set(len(command.spec.keys))
    for spec in command.spec.keys:
        _describe_keys(reply, spec)
    reply.set(len(command.subcommands))
    for subcommand in command.subcommands.values():
        _describe(reply, subcommand, log_flag)


def _describe_keys(reply: ReplySink, spec: KeySpec) -> None:
    """Reply with one key specification."""
    reply.map(4 if spec.notes else 3)
    if spec.notes:
        reply.bulk(b"notes")
        reply.text(spec.notes)
    reply.bulk(b"flags")
    _simples(reply, list(spec.flags))
    reply.bulk(b"begin_search")
    if spec.unknown:
        _typed(reply, "unknown", [])
    elif spec.keyword:
        reply.map(2)
        reply.bulk(b"type")
        reply.bulk(b"keyword")
        reply.bulk(b"spec")
        reply.map(2)
        reply.bulk(b"keyword")
        reply.text(spec.keyword)
        reply.bulk(b"startfrom")
        reply.integer(spec.index)
    else:
        _typed(reply, "index", [("index", spec.index)])
    reply.bulk(b"find_keys")
    if spec.unknown:
        _typed(reply, "unknown", [])
    elif spec.count_at >= 0:
        counted = [("keynumidx", spec.count_at), ("firstkey", spec.first), ("keystep", spec.step)]
        _typed(reply, "keynum", counted)
    else:
        _typed(reply, "range", [("lastkey", spec.last), ("keystep", spec.step), ("limit", spec.limit)])


def _typed(reply: ReplySink, kind: str, numbers: list[tuple[str, int]]) -> None:
    """Reply with one half of a key specification: its type and its numbers."""
    reply.map(2)
    reply.bulk(b"type")
    reply.text(kind)
    reply.bulk(b"spec")
    reply.map(len(numbers))
    for name, number in numbers:
        reply.text(name)
        reply.integer(number)


# COMMAND COUNT, COMMAND LIST.


@command_group.command(
    "command|count",
    arity=2,
    flags=_FLAGS,
    acl="connection",
    since="2.8.13",
    complexity="O(1)",
    summary="Returns the number of commands, without subcommands.",
)
def command_count(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(len(context.engine.commands.commands))


@command_group.command(
    "command|list",
    arity=-2,
    flags=_FLAGS,
    acl="connection",
    since="7.0.0",
    complexity="O(N) with N commands",
    summary="Lists the names of the commands: all, or those of a module or ACL category, or that match a pattern.",
    syntax="[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    tips=_ANY_ORDER,
)
def command_list(context: Context, argv: list[bytes]) -> None:
    found = context.engine.commands.all()
    if len(argv) > 2:
        found = _filtered(found, argv[2:])
    context.reply.array(len(found))
    for command in found:
        context.reply.bulk(command.full_name)


def _filtered(commands: list[Command], options: list[bytes]) -> list[Command]:
    if len(options) != 3 or options[0].lower() != b"filterby":
        raise CommandError(SYNTAX_ERROR)
    by = options[1].lower()
    wanted = options[2]
    if by == b"module":  # there are no modules
        return []
    if by == b"aclcat":
        category = wanted.decode("utf-8", "replace").lower()
        return [command for command in commands if category in command.spec.acl]
    if by == b"pattern":
        return [command for command in commands if match(wanted, command.full_name, True)]
    raise CommandError(SYNTAX_ERROR)


# COMMAND DOCS.


@command_group.command(
    "command|docs",
    arity=-2,
    flags=_FLAGS,
    acl="connection",
    since="7.0.0",
    complexity="O(N) with N described commands",
    summary="Documents the named commands, or all: what they do and which arguments they take.",
    syntax="[command-name [command-name ...]]",
    tips=_ANY_ORDER,
)
def command_docs(context: Context, argv: list[bytes]) -> None:
    table = context.engine.commands
    found = list(table.commands.values())
    if len(argv) > 2:
        named = [table.by_full_name(name) for name in argv[2:]]
        found = [command for command in named if command is not None]
    context.reply.map(len(found))
    for command in found:
        _document(context.reply, command)


def _document(reply: ReplySink, command: Command) -> None:
    """Reply with the name of a command and its documentation, subcommands included."""
    reply.bulk(command.full_name)
    texts = [("summary", command.spec.summary), ("since", command.spec.since), ("group", command.spec.group)]
    if command.spec.complexity:
        texts.append(("complexity", command.spec.complexity))
    tree = arguments(command.spec.syntax, len(command.spec.keys))
    deprecated = command.spec.deprecated
    flags = ["deprecated"] if deprecated is not None else []
    if command.has(SYSTEM):
        flags.append("syscmd")
    size = len(texts) + bool(flags) + (2 if deprecated else 0)
    reply.map(size + bool(command.spec.history) + bool(tree) + bool(command.subcommands))
    _pairs(reply, texts)
    if flags:
        reply.bulk(b"doc_flags")
        _simples(reply, flags)
    if deprecated is not None:
        reply.bulk(b"deprecated_since")
        reply.text(deprecated[0])
        reply.bulk(b"replaced_by")
        reply.text(deprecated[1])
    if command.spec.history:
        reply.bulk(b"history")
        reply.set(len(command.spec.history))
        for version, change in command.spec.history:
            reply.array(2)
            reply.text(version)
            reply.text(change)
    if tree:
        reply.bulk(b"arguments")
        _document_arguments(reply, tree)
    if command.subcommands:
        reply.bulk(b"subcommands")
        reply.map(len(command.subcommands))
        for subcommand in command.subcommands.values():
            _document(reply, subcommand)


def _pairs(reply: ReplySink, texts: list[tuple[str, str]]) -> None:
    for name, text in texts:
        reply.text(name)
        reply.text(text)


def _document_arguments(reply: ReplySink, tree: list[Argument]) -> None:
    reply.array(len(tree))
    for argument in tree:
        _document_argument(reply, argument)


def _document_argument(reply: ReplySink, argument: Argument) -> None:
    texts = [("name", argument.name), ("type", argument.kind)]
    if argument.takes_value():
        texts.append(("display_text", argument.name))
    flags: list[str] = []
    if argument.optional:
        flags.append("optional")
    if argument.multiple:
        flags.append("multiple")
    if argument.multiple_token:
        flags.append("multiple_token")
    has_key = argument.key_spec_index >= 0
    has_token = argument.has_token()
    has_parts = argument.kind in {ONE_OF, BLOCK}
    reply.map(len(texts) + has_key + has_token + bool(flags) + has_parts)
    _pairs(reply, texts)
    if has_key:
        reply.bulk(b"key_spec_index")
        reply.integer(argument.key_spec_index)
    if has_token:
        reply.bulk(b"token")
        reply.text(argument.token)
    if flags:
        reply.bulk(b"flags")
        _simples(reply, flags)
    if has_parts:
        reply.bulk(b"arguments")
        _document_arguments(reply, argument.arguments)


# COMMAND GETKEYS, COMMAND GETKEYSANDFLAGS, COMMAND HELP.


@command_group.command(
    "command|getkeys",
    arity=-3,
    flags=_FLAGS,
    acl="connection",
    since="2.8.13",
    complexity="O(N) with N arguments",
    summary="Returns the keys among the arguments of a call.",
    syntax="command [arg [arg ...]]",
)
def command_getkeys(context: Context, argv: list[bytes]) -> None:
    call = argv[2:]
    found = _found_keys(context, call)
    context.reply.bulks([call[one.place] for one in found])


@command_group.command(
    "command|getkeysandflags",
    arity=-3,
    flags=_FLAGS,
    acl="connection",
    since="7.0.0",
    complexity="O(N) with N arguments",
    summary="Returns the keys among the arguments of a call, and what the command does with each.",
    syntax="command [arg [arg ...]]",
)
def command_getkeysandflags(context: Context, argv: list[bytes]) -> None:
    call = argv[2:]
    found = _found_keys(context, call)
    context.reply.array(len(found))
    for one in found:
        context.reply.array(2)
        context.reply.bulk(call[one.place])
        _simples(context.reply, list(one.flags))


def _found_keys(context: Context, call: list[bytes]) -> list[FoundKey]:
    """The keys of a call, which is checked but not run."""
    command = context.engine.commands.lookup(call)
    if command is None or (command.is_container and len(call) > 1):
        raise CommandError(b"ERR Invalid command specified")
    if not has_keys(command.spec):
        raise CommandError(b"ERR The command has no key arguments")
    count = len(call)
    if not command.spec.accepts(count):
        raise CommandError(b"ERR Invalid number of arguments specified for command")
    found = find_keys(command.spec, call)
    if not found and not command.has(NO_MANDATORY_KEYS):
        raise CommandError(b"ERR Invalid arguments specified for command")
    return found


declare_help(command_group, "command", since="5.0.0", acl="connection")
