"""An engine inside the test: no socket, a clock that the test moves, a fixed seed.

local = local_engine()
client = local.client()
assert client.do("SET", "a", "1") == OK
local.pass_time(1000)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyredmem.assembly import create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Session
from tests.support.audit import complaint
from tests.support.wire import Argument, Decoder, Reply, request

START_US = 1_700_000_000_000_000
TICK_MS = 100


class LocalClient:
    """A client of an engine in the process; replies keep their types."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._decoder = Decoder()

    def raw(self, data: bytes) -> list[Reply]:
        """Hand over bytes and take the replies they cause."""
        self.session.receive(data)
        self._decoder.feed(self.session.take_output())
        return self._decoder.take_all()

    def do(self, *arguments: Argument) -> Reply:
        """Run one command."""
        replies = self.raw(request(*arguments))
        assert len(replies) == 1, (arguments, replies)
        return replies[0]

    def pipeline(self, commands: Iterable[Sequence[Argument]]) -> list[Reply]:
        """Run commands that arrive in one read."""
        return self.raw(b"".join(request(*command) for command in commands))


class LocalEngine:
    """An engine, its clock, and its clients."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.clock = ManualClock(START_US)
        self.engine: Engine = create_engine(settings, self.clock, Random(seed))

    @property
    def used_memory(self) -> int:
        """The ledger's total now."""
        return int(self.engine.allocator.used_memory)

    def client(self, protocol: int = 2) -> LocalClient:
        """A new connection."""
        client = LocalClient(self.engine.connect("tcp", "127.0.0.1:50000", "127.0.0.1:6379"))
        if protocol != 2:
            client.do("HELLO", protocol)
        return client

    def drop(self, client: LocalClient) -> None:
        """The connection is gone."""
        self.engine.disconnect(client.session)

    def pass_time(self, milliseconds: int) -> None:
        """Move the clock, with the timer running as it would."""
        while milliseconds > 0:
            span = min(milliseconds, TICK_MS)
            self.clock.advance_ms(span)
            self.engine.tick(self.clock.now_us() // 1000)
            milliseconds -= span

    def assert_sound(self) -> None:
        """The ledger agrees with everything alive."""
        client = self.client()
        found = complaint(client.do("MEMORY", "AUDIT"))
        self.drop(client)
        assert not found, f"MEMORY AUDIT: {found}"


def local_engine(*settings: tuple[str, str], seed: int = 1) -> LocalEngine:
    """A new engine with these settings."""
    return LocalEngine(Settings(settings), seed)
