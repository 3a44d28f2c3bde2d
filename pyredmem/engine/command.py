"""The declaration of commands: everything that a module of handlers imports for it.

A module creates a :class:`Group` and decorates its handlers::

    strings = Group("string")

    @strings.command("get", arity=2, flags=READONLY | FAST, keys=(key_at(READ_ONLY, ACCESS),), acl="string",
                     since="1.0.0", complexity="O(1)", summary="Returns the value of a key.", syntax="key")
    def get(context: Context, argv: list[bytes]) -> None: ...

COMMAND, COMMAND DOCS, the checks of arity and memory, key extraction, ACL categories and the compatibility table all
read this declaration. A subcommand is named ``container|subcommand``; :meth:`Group.container` declares its container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from pyredmem.config.profiles import Profile
from pyredmem.engine.context import Context
from pyredmem.engine.spec import (
    ACCESS,
    ADMIN,
    ALLOW_BUSY,
    ALLOWED_SUBSCRIBED,
    ALWAYS_TOUCHES,
    ASKING,
    BLOCKING,
    DELETE,
    DENYOOM,
    FAST,
    FLAG_NAMES,
    IMMEDIATE_IN_MULTI,
    INCOMPLETE,
    INSERT,
    KEEPS_CACHING,
    LOADING,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_ASYNC_LOADING,
    NO_AUTH,
    NO_MANDATORY_KEYS,
    NO_MULTI,
    NOSCRIPT,
    NOT_KEY,
    OVERWRITE,
    PROTECTED,
    PUBSUB,
    QUEUED_OUT_OF_MEMORY,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    REMOVE,
    RUNS_QUEUE,
    RUNS_SCRIPT,
    SKIP_MONITOR,
    SKIP_SLOWLOG,
    STALE,
    SYSTEM,
    TOUCHES_ARBITRARY_KEYS,
    UPDATE,
    VARIABLE_FLAGS,
    WRITE,
    ChannelSpec,
    Command,
    CommandSpec,
    CommandTable,
    FoundKey,
    KeyFinder,
    KeySpec,
    SecretFinder,
    acl_categories,
    counted_keys,
    key_at,
)

__all__ = [
    "ACCESS",
    "ADMIN",
    "ALLOWED_SUBSCRIBED",
    "ALLOW_BUSY",
    "ALWAYS_TOUCHES",
    "ASKING",
    "BLOCKING",
    "DELETE",
    "DENYOOM",
    "FAST",
    "FLAG_NAMES",
    "IMMEDIATE_IN_MULTI",
    "INCOMPLETE",
    "INSERT",
    "KEEPS_CACHING",
    "LOADING",
    "MAY_REPLICATE",
    "MOVABLE_KEYS",
    "NOSCRIPT",
    "NOT_KEY",
    "NO_ASYNC_LOADING",
    "NO_AUTH",
    "NO_MANDATORY_KEYS",
    "NO_MULTI",
    "OVERWRITE",
    "PROTECTED",
    "PUBSUB",
    "QUEUED_OUT_OF_MEMORY",
    "READONLY",
    "READ_ONLY",
    "READ_WRITE",
    "REMOVE",
    "RUNS_QUEUE",
    "RUNS_SCRIPT",
    "SKIP_MONITOR",
    "SKIP_SLOWLOG",
    "STALE",
    "SYSTEM",
    "TOUCHES_ARBITRARY_KEYS",
    "UPDATE",
    "VARIABLE_FLAGS",
    "WRITE",
    "ChannelSpec",
    "Command",
    "CommandTable",
    "FoundKey",
    "Group",
    "Handler",
    "KeySpec",
    "Registry",
    "counted_keys",
    "key_at",
]

Handler = Callable[[Context, list[bytes]], None]


class Group:
    """The commands of one Redis group, such as ``string``, as one or more modules of handlers declare them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.declared: list[tuple[CommandSpec, Handler | None]] = []  # no handler: a container with subcommands

    def command(
        self,
        name: str,
        *,
        arity: int,
        flags: int,
        since: str,
        complexity: str,
        summary: str,
        syntax: str = "",
        keys: tuple[KeySpec, ...] = (),
        acl: str = "",
        history: tuple[tuple[str, str], ...] = (),
        tips: tuple[str, ...] = (),
        deprecated: tuple[str, str] | None = None,
        find_keys: KeyFinder | None = None,
        find_secrets: SecretFinder | None = None,
        channels: ChannelSpec | None = None,
        find_tracked_keys: KeyFinder | None = None,
        find_keys_since: tuple[str, KeyFinder] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a command above its handler; ``acl`` names the categories that do not follow from the flags."""
        spec = CommandSpec(
            name, self.name, arity, flags, keys, acl_categories(acl, flags), since, complexity, summary, syntax,
            history, tips, deprecated, find_keys, find_secrets, channels, find_tracked_keys, find_keys_since,
        )  # fmt: skip

        def declare(handler: Handler) -> Handler:
            self.declared.append((spec, handler))
            return handler

        return declare

    def container(self, name: str, *, since: str, summary: str, complexity: str = "Depends on subcommand.") -> None:
        """Declare a command that can only be called with a subcommand."""
        spec = CommandSpec(
            name, self.name, -2, 0, (), acl_categories("", 0), since, complexity, summary, "", (), (), None, None, None
        )  # fmt: skip
        self.declared.append((spec, None))


class Registry:
    """The commands of all groups: their table, and their handlers by the index of the command."""

    def __init__(self, groups: Iterable[Group]) -> None:
        commands: list[Command] = []
        self.handlers: list[Handler] = []
        for group in groups:
            for spec, handler in group.declared:
                commands.append(Command(spec, len(commands), handler is not None))
                self.handlers.append(_no_handler if handler is None else handler)
        self.table = CommandTable(commands)

    def of_profile(self, profile: Profile) -> Registry:
        """The commands that a version of the server has, as it describes them, with the same handlers."""
        chosen = Registry(())
        chosen.handlers = self.handlers
        commands: list[Command] = []
        for command in self.table.all():
            spec = _as_in(profile, command.spec)
            if spec.since:
                commands.append(Command(spec, command.index, command.runs_alone))
        chosen.table = CommandTable(commands)
        return chosen

    def renamed(self, names: list[tuple[bytes, bytes]]) -> Registry:
        """The same commands and handlers, with other names; see :meth:`CommandTable.renamed`."""
        renamed = Registry(())
        renamed.table = self.table.renamed(names)
        renamed.handlers = self.handlers
        return renamed

    def copy(self) -> Registry:
        """The same commands with a list of handlers of its own, in which a test may replace handlers."""
        copied = Registry(())
        copied.table = self.table
        copied.handlers = self.handlers.copy()
        return copied


_FLAGS_BY_NAME: Final = {name.decode(): flag for flag, name in FLAG_NAMES}


def _as_in(profile: Profile, spec: CommandSpec) -> CommandSpec:
    """What a version of the server says of a command: usually the same spec. Without the command ``since`` is empty."""
    since = profile.since(spec.name, spec.since)
    syntax = profile.syntax(spec.name, spec.syntax)
    history = tuple([entry for entry in spec.history if profile.has_since(entry[0])])
    flags = spec.flags | DENYOOM if spec.name in profile.denyoom else spec.flags
    for name, flag_name in profile.flags:
        if name == spec.name:
            flags |= _FLAGS_BY_NAME[flag_name]
    deprecated = None if spec.name in profile.not_deprecated else spec.deprecated
    find_keys = spec.find_keys
    if spec.find_keys_since is not None and profile.has_since(spec.find_keys_since[0]):
        find_keys = spec.find_keys_since[1]
    said = (since, syntax, history, flags, deprecated, find_keys)
    if said == (spec.since, spec.syntax, spec.history, spec.flags, spec.deprecated, spec.find_keys):
        return spec
    return replace(
        spec, since=since, syntax=syntax, history=history, flags=flags, deprecated=deprecated, find_keys=find_keys
    )


def _no_handler(context: Context, argv: list[bytes]) -> None:
    raise AssertionError("a container has no handler of its own")
