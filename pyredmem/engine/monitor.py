"""MONITOR: clients that are shown every command that runs.

A line is the time, the database, the client's address and the arguments, quoted as in C. Passwords are not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyredmem.engine.command import ADMIN, SKIP_MONITOR, Command
from pyredmem.engine.redaction import without_passwords
from pyredmem.engine.session import MONITORING, Session

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

_HIDDEN: Final = ADMIN | SKIP_MONITOR


class Monitors:
    """The clients that watch, in the order in which they began."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: list[Session] = []

    def add(self, session: Session) -> None:
        """Show a client every command from now on."""
        self._sessions.append(session)
        session.set_gate(MONITORING, True)
        self._engine.dispatcher.set_monitored(True)

    def has(self, session: Session) -> bool:
        """Whether a client watches."""
        return session.gates & MONITORING != 0

    def remove(self, session: Session) -> None:
        """Stop that, if it was so."""
        if self.has(session):
            session.set_gate(MONITORING, False)
            self._sessions.remove(session)
            self._engine.dispatcher.set_monitored(bool(self._sessions))

    def feed(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """A client has run a command."""
        if command.has(_HIDDEN):
            return
        line = self._line(session, argv)
        for monitor in self._sessions:
            monitor.reply.simple(line)
            if monitor is not session:
                monitor.wake()

    def _line(self, session: Session, argv: list[bytes]) -> bytes:
        now_us = self._engine.keyspace.now_us
        source = session.address
        if session.kind == "unix":
            source = "unix:" + source.rpartition(":")[0]
        shown = b" ".join([quoted(argument) for argument in without_passwords(argv, self._engine.settings)])
        return b"%d.%06d [%d %b] %b" % (
            now_us // 1000000,
            now_us % 1000000,
            session.context.db.index,
            source.encode("utf-8", "surrogateescape"),
            shown,
        )


_ESCAPES: Final = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
_TABLE: Final = {byte: _ESCAPES.get(byte, chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in range(256)}


def quoted(text: bytes) -> bytes:
    """A string in double quotes, with escapes for what cannot be printed."""
    return b'"' + text.decode("latin-1").translate(_TABLE).encode() + b'"'
