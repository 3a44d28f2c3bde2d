"""The text of an ACL file: one line ``user <name> <rules>`` for each user."""

from __future__ import annotations

from typing import Final

from pyredmem.acl.catalogue import Catalogue
from pyredmem.acl.rules import UNKNOWN_NAME, RuleError, UnmatchedParenthesisError, has_spaces, merged_selectors
from pyredmem.acl.user import User

_BLANKS: Final = b" \t\r\n"
_UNCHANGED: Final = b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


class AclFileError(Exception):
    """The file has errors; ``report`` is Redis's text about all of them."""

    def __init__(self, report: bytes) -> None:
        super().__init__(report)
        self.report = report


class _Reading:
    """The users and the errors that were found so far."""

    def __init__(self, path: bytes, catalogue: Catalogue, all_channels: bool) -> None:
        self._path = path
        self._catalogue = catalogue
        self._all_channels = all_channels
        self.users: dict[bytes, User] = {}
        self.errors = b""

    def read(self, number: int, line: bytes) -> None:
        """Read one line that is not empty."""
        words = line.split(b" ")
        place = self._path + b":%d" % number
        if words[0] != b"user" or len(words) < 2:
            self.errors += place + b" should start with user keyword followed by the username. "
        elif words[1] in self.users:
            self.errors += b"WARNING: Duplicate user '" + words[1] + b"' found on line %d. " % number
        elif has_spaces(words[1]):
            self.errors += place + b": username '" + words[1] + b"' contains invalid characters. "
        else:
            user = User(words[1], self._catalogue, self._all_channels)
            self.users[user.name] = user
            self._apply(user, words[2:], place)

    def _apply(self, user: User, words: list[bytes], place: bytes) -> None:
        try:
            rules = merged_selectors(words)
        except UnmatchedParenthesisError:
            self.errors += place + b": Unmatched parenthesis in selector definition. "
            return
        reported = False
        for rule in rules:
            try:
                user.apply(rule.strip(_BLANKS))
            except RuleError as error:
                if error.reason == UNKNOWN_NAME:  # it reveals no password, so it may be shown
                    self.errors += place + b": Error in applying operation '" + rule + b"': " + error.reason + b". "
                elif not reported:
                    self.errors += place + b": " + error.reason + b". "
                    reported = True


def read_users(text: bytes, path: bytes, catalogue: Catalogue, all_channels: bool) -> dict[bytes, User]:
    """The users of a file; raises AclFileError if any line has an error. ``path`` is for the report."""
    reading = _Reading(path, catalogue, all_channels)
    for number, raw in enumerate(text.split(b"\n"), 1):
        line = raw.strip(_BLANKS)
        if line:
            reading.read(number, line)
    if reading.errors:
        raise AclFileError(reading.errors + _UNCHANGED)
    return reading.users


def written_users(users: list[User]) -> bytes:
    """The text of a file with these users."""
    return b"".join([b"user " + user.text() + b"\n" for user in users])
