"""Users that come from files: the ACL file, and the lines ``user`` of redis.conf."""

from __future__ import annotations

from typing import Final

from pyredmem.acl.catalogue import Catalogue
from pyredmem.acl.file import AclFileError, read_users, written_users
from pyredmem.acl.rules import (
    DUPLICATE_USER,
    UNKNOWN_NAME,
    WRONG_FORMAT,
    RuleError,
    UnmatchedParenthesisError,
    has_spaces,
    merged_selectors,
)
from pyredmem.acl.user import User
from pyredmem.config.quoting import decode, encode
from pyredmem.engine.access_control import AccessControl
from pyredmem.engine.core import Core
from pyredmem.engine.session import Session

TWO_SOURCES: Final = (
    "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This "
    "setup is very likely to lead to configuration errors and security holes, please define either an ACL file or "
    "declare users directly in your redis.conf, but not both."
)


class UsersError(Exception):
    """The users with which the server should start cannot be set up; the text is for the log."""


# The ACL file.


def load_file(core: Core, access: AccessControl) -> list[Session]:
    """Replace all users by those of the file; returns the clients to disconnect. Raises AclFileError."""
    path = core.settings.text("aclfile")
    try:
        text = core.host.read_file(path)
    except OSError as error:
        reason = encode(f"Error loading ACLs, opening file '{path}': {error.strerror}")
        raise AclFileError(reason) from error
    return access.replace_users(read_users(text, encode(path), access.catalogue, access.all_channels()))


def save_file(core: Core, access: AccessControl) -> bool:
    """Write all users to the file; returns false, after logging why, if that is not possible."""
    path = core.settings.text("aclfile")
    try:
        core.host.write_file(path, written_users(access.users()))
    except OSError as error:
        core.host.log("warning", f"Saving the ACL file '{path}' failed: {error.strerror}")
        return False
    return True


# redis.conf.


class UserLineError(Exception):
    """A line ``user`` is refused; the text is Redis's."""


def check_user_line(words: list[str], names: set[str], catalogue: Catalogue) -> None:
    """Check the words of one line after ``user``; ``names`` are the users so far. Raises UserLineError.

    Rules about unknown commands pass, as in Redis: they are refused when the users are set up. The argument that the
    error shows is two places before the one that is wrong, which is how Redis counts.
    """
    line = ["user", *words]
    if words[0] in names:
        raise _line_error(words[0], DUPLICATE_USER)
    names.add(words[0])
    try:
        rules = merged_selectors([encode(word) for word in words[1:]])
    except UnmatchedParenthesisError as unmatched:
        raise _line_error(line[unmatched.place], WRONG_FORMAT) from None
    user = User(b"", catalogue, False)
    for place, rule in enumerate(rules):
        try:
            user.apply(rule)
        except RuleError as refused:
            if refused.reason != UNKNOWN_NAME:
                raise _line_error(line[place], refused.reason) from None


def _line_error(shown: str, reason: bytes) -> UserLineError:
    return UserLineError(f"Error in user declaration '{shown}': {decode(reason)}")


def set_up_users(core: Core, access: AccessControl, lines: list[list[str]]) -> None:
    """Set up the users with which the server starts. Raises UsersError."""
    if core.settings.text("aclfile"):
        if lines:
            raise UsersError(TWO_SOURCES)
        try:
            load_file(core, access)
        except AclFileError as error:
            raise UsersError(f"Aborting Redis startup because of ACL errors: {decode(error.report)}") from error
    for words in lines:
        access.set_user(_configured(access, words))


def _configured(access: AccessControl, words: list[str]) -> User:
    """The user of one line; even the default user begins without rights."""
    name = encode(words[0])
    if has_spaces(name):
        raise UsersError("Spaces not allowed in ACL usernames")
    user = access.new_user(name)
    for rule in merged_selectors([encode(word) for word in words[1:]]):
        try:
            user.apply(rule)
        except RuleError as error:
            reason = f"Error loading ACL rule '{decode(rule)}' for the user named '{words[0]}': {decode(error.reason)}"
            raise UsersError(reason) from error
    return user
