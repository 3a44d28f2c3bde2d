"""Why a user may not make a call."""

from __future__ import annotations

from typing import Final

# The causes, in rising order of what they say about a call (Redis 7.2 acl.h).
COMMAND: Final = 1
KEY: Final = 2
AUTH: Final = 3
CHANNEL: Final = 4

#: The names of the causes in ACL LOG.
REASONS: Final = {COMMAND: b"command", KEY: b"key", AUTH: b"auth", CHANNEL: b"channel"}

#: What EXEC says about a queued command that its client may no longer run.
AT_EXEC: Final = {
    COMMAND: b"no permission to execute the command or subcommand",
    KEY: b"no permission to touch the specified keys",
    CHANNEL: b"no permission to access one of the channels used as arguments to the command",
}


class Denial:
    """A call was denied because of the command, or because of the key or channel at ``place`` of its arguments."""

    def __init__(self, cause: int, place: int = 0) -> None:
        self.cause = cause
        self.place = place

    def is_weightier_than(self, other: Denial) -> bool:
        """Whether this tells more than what another selector said: a key more than a command, a later key more."""
        return self.cause > other.cause or (self.cause == other.cause and self.place > other.place)

    def message(self, user: bytes, command: bytes) -> bytes:
        """The text for the client, which does not reveal to which key or channel it applies."""
        if self.cause == COMMAND:
            return b"User " + user + b" has no permissions to run the '" + command + b"' command"
        return b"No permissions to access a " + REASONS[self.cause]

    def full_message(self, user: bytes, command: bytes, argv: list[bytes]) -> bytes:
        """The text for an administrator, which names the key or the channel."""
        if self.cause == COMMAND:
            return self.message(user, command)
        what = argv[self.place]
        return b"User " + user + b" has no permissions to access the '" + what + b"' " + REASONS[self.cause]
