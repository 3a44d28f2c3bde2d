"""A selector: one set of rules about commands, keys and channels. A user has one or more of them.

A call is permitted if one selector permits all of it: the command, each key and each channel. Rules are applied in
order, and a selector keeps their result: the commands that differ from its default (``+@all`` or ``-@all``), the
patterns of keys and those of channels. For ACL LIST it also keeps the rules about commands as texts. A new one replaces
an earlier one about the same command or category, and one about a command those about its subcommands.
"""

from __future__ import annotations

from pyredmem.acl import denial
from pyredmem.acl.call import Call, UsedChannel, UsedKey
from pyredmem.acl.catalogue import READ, WRITE, AclCommand, Catalogue, category_named
from pyredmem.acl.denial import Denial
from pyredmem.acl.rules import (
    AFTER_ALL_CHANNELS,
    AFTER_ALL_KEYS,
    FIRST_ARGUMENT_OF_SUBCOMMAND,
    SYNTAX,
    UNKNOWN_NAME,
    RuleError,
    has_spaces,
)
from pyredmem.base.glob import Glob


class KeyPattern:
    """A pattern of keys, and what the commands may do with keys that match it."""

    def __init__(self, pattern: bytes, access: int) -> None:
        self.glob = Glob(pattern)
        self.access = access

    def text(self) -> bytes:
        """The rule that gives this pattern."""
        mark = b"~" if self.access == READ | WRITE else b"%R~" if self.access == READ else b"%W~"
        return mark + self.glob.pattern

    def permits(self, key: UsedKey) -> bool:
        """Whether it permits the use of a key."""
        return key.access & ~self.access == 0 and self.glob.matches(key.name)


class Selector:
    """Rules about commands, keys and channels, and what they permit."""

    def __init__(self, catalogue: Catalogue, all_channels: bool) -> None:
        self._catalogue = catalogue
        self.all_commands = False  # the default, which `_exceptions` do not follow
        self._exceptions: set[int] = set()
        self._first_arguments: dict[int, list[bytes]] = {}  # by index of the command: those that are allowed
        self.command_rules: list[bytes] = []
        self.all_keys = False
        self.key_patterns: list[KeyPattern] = []
        self.all_channels = all_channels
        self.channel_patterns: list[Glob] = []

    def copy(self) -> Selector:
        """A selector with the same rules."""
        twin = Selector(self._catalogue, self.all_channels)
        twin.all_commands = self.all_commands
        twin._exceptions = self._exceptions.copy()
        twin._first_arguments = {index: list(words) for index, words in self._first_arguments.items()}
        twin.command_rules = self.command_rules.copy()
        twin.all_keys = self.all_keys
        twin.key_patterns = [KeyPattern(one.glob.pattern, one.access) for one in self.key_patterns]
        twin.channel_patterns = self.channel_patterns.copy()
        return twin

    # Applying rules.

    def apply(self, rule: bytes) -> None:
        """Apply one rule; raises RuleError."""
        mark = rule[:1]
        word = rule.lower()
        if word in {b"allkeys", b"~*"}:
            self.reset_keys(True)
        elif word == b"resetkeys":
            self.reset_keys(False)
        elif word in {b"allchannels", b"&*"}:
            self.reset_channels(True)
        elif word == b"resetchannels":
            self.reset_channels(False)
        elif word in {b"allcommands", b"+@all"}:
            self.reset_commands(True)
        elif word in {b"nocommands", b"-@all"}:
            self.reset_commands(False)
        elif mark in {b"~", b"%"}:
            self._add_keys(rule)
        elif mark == b"&":
            self._add_channels(rule[1:])
        elif mark in {b"+", b"-"} and rule[1:2] == b"@":
            self._set_category(rule[2:], mark == b"+")
        elif mark == b"+":
            self._allow(rule[1:])
        elif mark == b"-":
            self._set_command(self._named(rule[1:]), rule[1:], False)
        else:
            raise RuleError(SYNTAX)

    def permit_everything(self) -> None:
        """Permit all keys, channels and commands."""
        self.reset_keys(True)
        self.reset_channels(True)
        self.reset_commands(True)

    def reset_keys(self, all_keys: bool) -> None:
        """Permit all keys or none."""
        self.all_keys = all_keys
        self.key_patterns = []

    def reset_channels(self, all_channels: bool) -> None:
        """Permit all channels or none."""
        self.all_channels = all_channels
        self.channel_patterns = []

    def reset_commands(self, all_commands: bool) -> None:
        """Permit all commands or none."""
        self.all_commands = all_commands
        self._exceptions.clear()
        self._first_arguments.clear()
        self.command_rules = []

    def _add_keys(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(AFTER_ALL_KEYS)
        access = READ | WRITE
        start = 1
        if rule.startswith(b"%"):
            access, start = _key_access(rule)
        pattern = rule[start:]
        if has_spaces(pattern):
            raise RuleError(SYNTAX)
        for known in self.key_patterns:
            if known.glob.pattern == pattern:
                known.access |= access
                return
        self.key_patterns.append(KeyPattern(pattern, access))

    def _add_channels(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(AFTER_ALL_CHANNELS)
        if has_spaces(pattern):
            raise RuleError(SYNTAX)
        if pattern not in [known.pattern for known in self.channel_patterns]:
            self.channel_patterns.append(Glob(pattern))

    def _set_category(self, name: bytes, allowed: bool) -> None:
        category = category_named(name)
        if category is None:
            raise RuleError(UNKNOWN_NAME)
        for command in self._catalogue.in_category(category):
            self._permit(command, allowed)
        self._note(b"@" + name, allowed)

    def _allow(self, name: bytes) -> None:
        """Allow a command, a subcommand, or a command with one first argument."""
        container, bar, word = name.rpartition(b"|")
        if not bar:
            self._set_command(self._named(name), name, True)
            return
        command = self._named(container)
        if command.is_subcommand:
            raise RuleError(FIRST_ARGUMENT_OF_SUBCOMMAND)
        if not word:
            raise RuleError(SYNTAX)
        if command.subcommands:
            self._set_command(self._named(name), name, True)
            return
        allowed = self._first_arguments.setdefault(command.index, [])
        if word.lower() not in allowed:
            allowed.append(word.lower())
        self._note(name, True)

    def _named(self, name: bytes) -> AclCommand:
        command = self._catalogue.find(name)
        if command is None:
            raise RuleError(UNKNOWN_NAME)
        return command

    def _set_command(self, command: AclCommand, name: bytes, allowed: bool) -> None:
        self._permit(command, allowed)
        self._note(name, allowed)

    def _permit(self, command: AclCommand, allowed: bool) -> None:
        """Allow or deny a command with all its subcommands, whatever its first argument."""
        for index in command.indexes():
            self._first_arguments.pop(index, None)
            if allowed == self.all_commands:
                self._exceptions.discard(index)
            else:
                self._exceptions.add(index)

    def _note(self, name: bytes, allowed: bool) -> None:
        """Add a rule to the texts, in place of those that it makes void."""
        name = name.lower()
        part = name + b"|"
        self.command_rules = [rule for rule in self.command_rules if rule[1:] != name and not rule[1:].startswith(part)]
        self.command_rules.append((b"+" if allowed else b"-") + name)

    def first_arguments(self) -> list[list[bytes]]:
        """For each command that is allowed with some first arguments, these."""
        return list(self._first_arguments.values())

    # Texts.

    def commands_text(self) -> bytes:
        """The rules about commands, as ACL LIST shows them."""
        return b" ".join([b"+@all" if self.all_commands else b"-@all", *self.command_rules])

    def keys_text(self) -> bytes:
        """The rules about keys."""
        return b"~*" if self.all_keys else b" ".join([pattern.text() for pattern in self.key_patterns])

    def channels_text(self) -> bytes:
        """The rules about channels."""
        if self.all_channels:
            return b"&*"
        return b" ".join([b"&" + glob.pattern for glob in self.channel_patterns])

    def text(self) -> bytes:
        """All rules in a form from which they can be set again."""
        parts = [self.keys_text()] if self.all_keys or self.key_patterns else []
        if not self.all_channels:
            parts.append(b"resetchannels")
        if self.all_channels or self.channel_patterns:
            parts.append(self.channels_text())
        return b" ".join([*parts, self.commands_text()])

    # What is permitted.

    def permits_everything(self) -> bool:
        return self.all_keys and self.all_channels and self.all_commands and not self._exceptions

    def permits_command(self, index: int) -> bool:
        """Whether a command is permitted whatever its first argument."""
        return (index in self._exceptions) != self.all_commands

    def denial(self, call: Call) -> Denial | None:
        """Why a call is not permitted; None if it is."""
        if not call.always_allowed and not self.permits_command(call.index):
            words = self._first_arguments.get(call.index)
            if words is None or call.first_argument is None or call.first_argument.lower() not in words:
                return Denial(denial.COMMAND)
        if not self.all_keys:
            for key in call.keys:
                if not any(pattern.permits(key) for pattern in self.key_patterns):
                    return Denial(denial.KEY, key.place)
        if not self.all_channels:
            for channel in call.channels:
                if not self.permits_channel(channel):
                    return Denial(denial.CHANNEL, channel.place)
        return None

    def permits_channel(self, channel: UsedChannel) -> bool:
        """Whether a channel is permitted. A pattern of channels must be permitted literally."""
        if self.all_channels:
            return True
        if channel.is_pattern:
            return any(glob.pattern == channel.name for glob in self.channel_patterns)
        return any(glob.matches(channel.name) for glob in self.channel_patterns)

    def permits_all_keys(self, access: int) -> bool:
        """Whether every key may be used with this access."""
        if self.all_keys:
            return True
        return any(access & ~one.access == 0 and one.glob.pattern == b"*" for one in self.key_patterns)


def _key_access(rule: bytes) -> tuple[int, int]:
    """The access that a rule such as ``%R~a*`` gives, and the place at which its pattern begins."""
    access = 0
    for place in range(1, len(rule)):
        letter = rule[place : place + 1].upper()
        if letter == b"~" and access:
            return access, place + 1
        added = READ if letter == b"R" else WRITE if letter == b"W" else 0
        if added == 0 or access & added:
            raise RuleError(SYNTAX)
        access |= added
    if not access:
        raise RuleError(SYNTAX)
    return access, len(rule)
