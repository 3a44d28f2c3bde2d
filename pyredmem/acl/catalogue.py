"""The commands as ACL rules see them: their names, their categories, and how the keys of a call are found at a glance.

The package knows a command by its index alone. The engine makes the list of the commands, when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: The categories in the order in which ACL CAT lists them (Redis 7.2 acl.c).
CATEGORIES: Final = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
    "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
)  # fmt: skip

# What a command or a pattern may do with a key.
READ: Final = 1
WRITE: Final = 2

# Shapes of calls: where their keys are, and which access to them the command needs.
ANY_SHAPE: Final = -2  # the keys must be searched for
NO_KEYS: Final = -1
# From 0 on: the keys begin at the first argument, and the number is the access: READ, WRITE, both or, with 0, neither.

#: The index of a command that Redis has and this server has not: rules may name it, but nobody can call it.
ABSENT: Final = -1


class AclCommand:
    """A command or subcommand; ``name`` is what rules call it, such as ``get`` or ``config|get``."""

    def __init__(
        self,
        name: bytes,
        index: int,
        categories: frozenset[str],
        shape: int = ANY_SHAPE,
        step: int = 0,
        has_channels: bool = False,
        always_allowed: bool = False,
    ) -> None:
        self.name = name
        self.index = index
        self.categories = categories
        self.shape = shape
        self.step = step  # 0: only the first argument is a key; otherwise every step-th argument is one
        self.has_channels = has_channels
        self.always_allowed = always_allowed  # it leads to authentication, or to the end of the connection
        self.is_subcommand = b"|" in name
        self.subcommands: list[AclCommand] = []

    def indexes(self) -> list[int]:
        """The indexes of the command and its subcommands: a rule for the command covers them all."""
        return [self.index, *[subcommand.index for subcommand in self.subcommands]]


class Catalogue:
    """All commands by name; ``load`` makes the list, in which a command precedes its subcommands."""

    def __init__(self, load: Callable[[], list[AclCommand]]) -> None:
        self._load = load
        self._commands: list[AclCommand] = []
        self._by_name: dict[bytes, AclCommand] = {}

    def find(self, name: bytes) -> AclCommand | None:
        """The command with a name in upper or lower case."""
        self.all()
        return self._by_name.get(name.lower())

    def all(self) -> list[AclCommand]:
        """The commands and subcommands."""
        if not self._commands:
            self._commands = self._load()
            for command in self._commands:
                self._by_name[command.name] = command
                if command.is_subcommand:
                    self._by_name[command.name.partition(b"|")[0]].subcommands.append(command)
        return self._commands

    def in_category(self, name: str) -> list[AclCommand]:
        """The commands and subcommands of a category."""
        return [command for command in self.all() if name in command.categories]


def category_named(name: bytes) -> str | None:
    """The category with a name in upper or lower case."""
    text = name.decode("latin-1").lower()
    return text if text in CATEGORIES else None
