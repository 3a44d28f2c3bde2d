"""An engine in the test's process: its own clock, its own seed, and replies as Python values."""

from __future__ import annotations

from collections.abc import Iterable

from pyredmem.assembly import REGISTRY, create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.command import Handler
from pyredmem.engine.command_counters import CommandCounters
from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Session

Argument = bytes | str | int | float


class World:
    """An engine, its clock, and a first client."""

    def __init__(self, **settings: str) -> None:
        self.clock = ManualClock()
        pairs = [(name.replace("_", "-"), value) for name, value in settings.items()]
        self._registry = REGISTRY.copy()
        self.engine: Engine = create_engine(Settings(pairs), self.clock, Random(1), registry=self._registry)
        self.session = self.connect()

    def connect(self) -> Session:
        """One more client."""
        return self.engine.connect("tcp", "127.0.0.1:50000", "127.0.0.1:6379")

    def handle(self, name: str, handler: Handler) -> None:
        """Let ``handler`` run a command from now on, in this engine alone."""
        self._registry.handlers[self.engine.commands.commands[name.encode()].index] = handler

    def counters(self, name: str) -> CommandCounters:
        """How often a command was called, refused, failed."""
        return self.engine.statistics.of(self.engine.commands.commands[name.encode()])

    def advance(self, milliseconds: int) -> None:
        """Let time pass, with the timer's ticks."""
        for _ in range(min(milliseconds // 100, 100)):
            self.clock.advance_ms(100)
            self.engine.tick(self.clock.now_us() // 1000)
            milliseconds -= 100
        self.clock.advance_ms(milliseconds)
        self.engine.tick(self.clock.now_us() // 1000)

    def do(self, *words: Argument) -> bytes:
        """One command of the first client; the reply as it is on the wire."""
        return do(self.session, *words)

    def check(self) -> None:
        """The ledger and the keyspace are sound."""
        report = self.engine.audit()
        assert report.ok, "\n".join(report.lines())
        self.engine.keyspace.check()


def encode(words: Iterable[Argument]) -> bytes:
    """A request in RESP."""
    strings = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(strings) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in strings)


def do(session: Session, *words: Argument) -> bytes:
    """Run one command and return the reply as it is on the wire."""
    session.receive(encode(words))
    return session.take_output()
