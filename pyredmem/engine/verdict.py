"""The verdict on a command: whether it runs, and what happens instead if it does not."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.engine.spec import RUNS_QUEUE, Command

# The outcomes.
ADMITTED: Final = 0
REFUSED: Final = 1
QUEUED: Final = 2
POSTPONED: Final = 3  # it will run later, as if it had been received only then
CLIENT_GONE: Final = 4  # its client was disconnected


class Verdict:
    """One of the outcomes above, with the error reply if the command is refused."""

    def __init__(self, outcome: int, message: bytes = b"") -> None:
        self.outcome = outcome
        self.message = message


def refused(command: Command, message: bytes) -> Verdict:
    """The verdict that refuses a command."""
    return Verdict(REFUSED, refusal_text(command, message))


def refusal_text(command: Command, message: bytes) -> bytes:
    """The error reply to a refused command; a refused EXEC says that its transaction is discarded."""
    return errors.exec_refused(message).message if command.flags & RUNS_QUEUE else message
