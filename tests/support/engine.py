"""The test world as it was spelt before: `do` gives the bytes on the wire. New tests use tests/support/world.py."""

from __future__ import annotations

from collections.abc import Iterable

from pyredmem.engine.session import Session
from tests.support import world
from tests.support.wire import Argument, request

__all__ = ["Argument", "World", "do", "encode"]


class World(world.World):
    """The world with replies as bytes, and with sessions for clients."""

    def connect(self) -> Session:
        """One more client."""
        return self.client().session

    def do(self, *words: Argument) -> bytes:
        """One command of the first client; the reply as it is on the wire."""
        return self.raw(*words)


def encode(words: Iterable[Argument]) -> bytes:
    """A request in RESP."""
    return request(*words)


def do(session: Session, *words: Argument) -> bytes:
    """Run one command and return the reply as it is on the wire."""
    session.receive(request(*words))
    return session.take_output()
