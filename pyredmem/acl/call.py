"""A call of a command, as the rules look at it: which keys and channels it uses, and how."""

from __future__ import annotations


class UsedKey:
    """A key of a call: its place among the arguments, and the access that the command needs (READ, WRITE or both)."""

    def __init__(self, place: int, name: bytes, access: int) -> None:
        self.place = place
        self.name = name
        self.access = access


class UsedChannel:
    """A channel of a call, or a pattern of channels."""

    def __init__(self, place: int, name: bytes, is_pattern: bool) -> None:
        self.place = place
        self.name = name
        self.is_pattern = is_pattern


class Call:
    """A call of the command with an index; ``first_argument`` is that after the name of command and subcommand."""

    def __init__(
        self,
        index: int,
        always_allowed: bool,
        first_argument: bytes | None,
        keys: list[UsedKey],
        channels: list[UsedChannel],
    ) -> None:
        self.index = index
        self.always_allowed = always_allowed
        self.first_argument = first_argument
        self.keys = keys
        self.channels = channels
