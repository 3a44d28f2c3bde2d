"""Authentication: which clients must say who they are, and as which user they act.

A client begins as the user *default*. If that user is enabled and needs no password, the client counts as
authenticated, even if a password is set later. Otherwise it must give a name and a password first, or the password of
the default user alone. Until then the parser limits what the client may send (Redis 7.2 networking.c authRequired).
"""

from __future__ import annotations

from typing import Final

from pyredmem.engine.access_control import AccessControl
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_NEEDS_AUTH
from pyredmem.engine.session import Session

WRONG_PASSWORD: Final = b"WRONGPASS invalid username-password pair or user is disabled."


class Authentication:
    """Notes which sessions have authenticated, and which still must."""

    def __init__(self, core: Core, access: AccessControl) -> None:
        self._core = core
        self._access = access
        self._was_open = self.is_open()
        access.on_default_change(self._default_changed)

    def has_no_password(self) -> bool:
        """Whether the default user needs no password."""
        return self._access.default.no_password

    def is_open(self) -> bool:
        """Whether clients may connect without a password."""
        return self._access.default.no_password and self._access.default.enabled

    def is_missing(self, session: Session) -> bool:
        """Whether a client still has to authenticate."""
        return not self.is_open() and not session.authenticated

    def begin(self, session: Session) -> None:
        """Start over with a client that has just connected, or was reset to that state."""
        self._access.log_in(session, self._access.default)
        session.authenticated = self.is_open()
        self._apply(session)

    def authenticate(self, session: Session, name: bytes, password: bytes, argv: list[bytes]) -> bool:
        """Let a client act as a user; returns false if name or password is wrong. ``argv`` is logged then."""
        user = self._access.user(name)
        if user is None or not user.accepts(password):
            self._access.note_failed_login(session, name, argv)
            return False
        self._access.log_in(session, user)
        session.authenticated = True
        self._apply(session)
        return True

    def _apply(self, session: Session) -> None:
        needed = self.is_missing(session)
        session.set_gate(GATE_NEEDS_AUTH, needed)
        session.parser.authenticated = not needed

    def _default_changed(self) -> None:
        if self.is_open() == self._was_open:
            return
        self._was_open = not self._was_open
        for session in self._core.sessions.values():
            self._apply(session)
