"""What is the same for all rules: the errors, and how the arguments of ACL SETUSER become rules."""

from __future__ import annotations

from typing import Final

UNKNOWN_NAME: Final = b"Unknown command or category name in ACL"
SYNTAX: Final = b"Syntax error"
WRONG_FORMAT: Final = b"Wrong format"
AFTER_ALL_KEYS: Final = (
    b"Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    b"Try 'resetkeys' to start with an empty list of patterns"
)
AFTER_ALL_CHANNELS: Final = (
    b"Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
    b"Try 'resetchannels' to start with an empty list of channels"
)
NO_SUCH_PASSWORD: Final = b"The password you are trying to remove from the user does not exist"
BAD_HASH: Final = b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
DUPLICATE_USER: Final = b"Duplicate user found. A user can only be defined once in config files"
FIRST_ARGUMENT_OF_SUBCOMMAND: Final = b"Allowing first-arg of a subcommand is not supported"

_SPACES: Final = b" \t\n\v\f\r\0"


class RuleError(Exception):
    """A rule was refused; ``reason`` is Redis's text."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


class UnmatchedParenthesisError(Exception):
    """A selector does not end; ``place`` is that of the argument in which it begins."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def has_spaces(text: bytes) -> bool:
    """Whether a text has a blank or a NUL, which neither the names of users nor patterns may have."""
    return any(byte in _SPACES for byte in text)


def merged_selectors(arguments: list[bytes]) -> list[bytes]:
    """The rules among arguments: a selector that blanks have split into several is put together again."""
    rules: list[bytes] = []
    start = -1
    for place, argument in enumerate(arguments):
        if start < 0 and argument.startswith(b"(") and not argument.endswith(b")"):
            start = place
        elif start < 0:
            rules.append(argument)
        elif argument.endswith(b")"):
            rules.append(b" ".join(arguments[start : place + 1]))
            start = -1
    if start >= 0:
        raise UnmatchedParenthesisError(start)
    return rules
