"""The command log: what the clients have sent lately, and how it ended.

It is for tests that ask what their code has sent. It records only while it is asked to: then a gate sends every request
through the dispatcher's careful path. A request counts once, when it has come so far that it runs, is queued or is
refused; what scripts and EXEC run is no request. Sessions of the kind "local" are not recorded: they are the process's
own.

The log belongs to the test, not to the server, so the ledger does not know it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mypy_extensions import i64

from pyredmem.config.settings import Settings
from pyredmem.engine.gates import GATE_LOGGED, Gates
from pyredmem.engine.redaction import without_secrets
from pyredmem.engine.session import Session
from pyredmem.engine.spec import Command
from pyredmem.keyspace.keyspace import Keyspace

#: How much of a reply is kept, and of an error (bytes).
_SHOWN_BYTES: Final = 64
_SHOWN_ERROR_BYTES: Final = 512


class LoggedCommand:
    """A command that a client has sent. Passwords in ``argv`` are replaced, as in MONITOR."""

    def __init__(self, time_us: i64, session: Session, command: Command | None, argv: list[bytes]) -> None:
        self.time_us: i64 = time_us  # unix time
        self.client_id: i64 = session.id
        self.client_name = session.name
        self.address = session.address
        self.database: i64 = session.db.index
        self.command = command  # None: there is none of this name
        self.argv = argv
        self.has_ended = False  # a command that blocks its client ends when the client has its reply
        self.reply = b""  # the beginning of the reply in RESP; empty if the client wants none
        self._start: i64 = 0

    def begin_reply(self, session: Session) -> None:
        """Note where the reply will be in the client's output."""
        self._start = session.output.size()

    def end_reply(self, session: Session) -> None:
        """Keep the beginning of the reply."""
        output = session.output
        start = self._start if self._start <= output.size() else 0  # a script's client may have read meanwhile
        self.reply = output.part(start, _SHOWN_BYTES)
        if self.reply.startswith(b"-"):
            self.reply = output.part(start, _SHOWN_ERROR_BYTES).partition(b"\r\n")[0]
        self.has_ended = True


class CommandLog:
    """The last commands that the clients have sent, the oldest first."""

    def __init__(self, gates: Gates, settings: Settings, keyspace: Keyspace) -> None:
        self._gates = gates
        self._settings = settings
        self._keyspace = keyspace
        self.commands: deque[LoggedCommand] = deque()

    def start(self, most: int) -> None:
        """Record from now on, and keep the last ``most`` commands."""
        self.commands = deque(self.commands, most)
        self._gates.set(GATE_LOGGED, True)

    def stop(self) -> None:
        """Record no more; what was recorded stays."""
        self._gates.set(GATE_LOGGED, False)

    def add(self, session: Session, command: Command | None, argv: list[bytes]) -> LoggedCommand:
        """Record a request. Its reply follows."""
        shown = argv if command is None else without_secrets(command, argv, self._settings)
        logged = LoggedCommand(self._keyspace.now_us, session, command, shown)
        logged.begin_reply(session)
        if session.kind != "local":
            self.commands.append(logged)
        return logged
