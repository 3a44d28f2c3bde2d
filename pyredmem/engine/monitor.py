"""MONITOR: clients that get a line about every command that runs.

A line has the time, the database, the address of the client and the arguments, quoted as in C, without passwords.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_MONITOR, GATE_MONITORED
from pyredmem.engine.redaction import without_secrets
from pyredmem.engine.session import Session
from pyredmem.engine.spec import ADMIN, SKIP_MONITOR, Command

_HIDDEN: Final = ADMIN | SKIP_MONITOR


class Monitors:
    """The clients in MONITOR, in the order in which they began."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sessions: list[Session] = []

    def add(self, session: Session) -> None:
        """Send a client a line about every command from now on."""
        self._sessions.append(session)
        session.set_gate(GATE_MONITOR, True)
        self._core.gates.set(GATE_MONITORED, True)

    def has(self, session: Session) -> bool:
        """Whether a client is in MONITOR."""
        return session.gates & GATE_MONITOR != 0

    def remove(self, session: Session) -> None:
        """Send a client no more lines, if it is in MONITOR."""
        if self.has(session):
            session.set_gate(GATE_MONITOR, False)
            self._sessions.remove(session)
            self._core.gates.set(GATE_MONITORED, bool(self._sessions))

    def feed(self, session: Session, database: i64, command: Command, argv: list[bytes]) -> None:
        """Send each client in MONITOR a line about a command that a client has run."""
        if not command.has(_HIDDEN):
            self._send(session, database, command, argv)

    def feed_script(self, session: Session, database: i64, argv: list[bytes]) -> None:
        """Send a line about a command that is going to run a script, before the lines about the script's commands."""
        command = session.command
        if self._sessions and command is not None:
            self._send(session, database, command, argv)

    def _send(self, session: Session, database: i64, command: Command, argv: list[bytes]) -> None:
        line = self._line(session, database, command, argv)
        for monitor in self._sessions:
            if monitor.gets_lines():
                monitor.messages().simple(line)
                monitor.wake()

    def _line(self, session: Session, database: i64, command: Command, argv: list[bytes]) -> bytes:
        now_us = self._core.keyspace.now_us
        source = session.address
        if self._core.is_in_script:
            source = "lua"
        elif session.kind == "unix":
            source = "unix:" + source.rpartition(":")[0]
        shown = b" ".join([quoted(argument) for argument in without_secrets(command, argv, self._core.settings)])
        return b"%d.%06d [%d %b] %b" % (
            now_us // 1000000,
            now_us % 1000000,
            database,
            source.encode("utf-8", "surrogateescape"),
            shown,
        )


_ESCAPES: Final = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
_TABLE: Final = {byte: _ESCAPES.get(byte, chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in range(256)}


def quoted(text: bytes) -> bytes:
    """A string in double quotes, with escapes for bytes that cannot be printed."""
    return b'"' + text.decode("latin-1").translate(_TABLE).encode() + b'"'
