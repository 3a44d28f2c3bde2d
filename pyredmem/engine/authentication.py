"""Authentication: which clients must give a password, and whether it is the right one.

There is one user, *default*, and its password is the setting requirepass. A client that connects while no password is
set counts as authenticated, even if one is set later. A client that connects while one is set must give it first. Until
then the parser limits what the client may send (Redis 7.2 networking.c authRequired).
"""

from __future__ import annotations

from typing import Final

from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_NEEDS_AUTH
from pyredmem.engine.session import Session

DEFAULT_USER: Final = b"default"
WRONG_PASSWORD: Final = b"WRONGPASS invalid username-password pair or user is disabled."


class Authentication:
    """Holds the password of the default user, and notes which sessions have given it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._settings = core.settings
        self.password = b""
        self.failed = 0
        core.figures.provide(figures.DENIED_AUTH, self._failures)
        core.settings.follow(["requirepass"], self._password_changed)

    def _failures(self) -> int:
        return self.failed

    def is_open(self) -> bool:
        """Whether clients may connect without a password."""
        return not self.password

    def is_missing(self, session: Session) -> bool:
        """Whether a client still has to give the password."""
        return not self.is_open() and not session.authenticated

    def begin(self, session: Session) -> None:
        """Start over with a client that has just connected, or was reset to that state."""
        session.authenticated = self.is_open()
        self._apply(session)

    def authenticate(self, session: Session, user: bytes, password: bytes) -> bool:
        """Authenticate a client with the password that it gave; returns false if that is wrong."""
        if user != DEFAULT_USER or (not self.is_open() and password != self.password):
            self.failed += 1
            return False
        session.authenticated = True
        self._apply(session)
        return True

    def _apply(self, session: Session) -> None:
        needed = self.is_missing(session)
        session.set_gate(GATE_NEEDS_AUTH, needed)
        session.parser.authenticated = not needed

    def _password_changed(self) -> None:
        self.password = self._settings.text("requirepass").encode("utf-8", "surrogateescape")
        for session in self._core.sessions.values():
            self._apply(session)
