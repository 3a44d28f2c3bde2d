"""The test world: an engine in the test's process, with a clock that the test moves, a seed, and clients.

    world = World(maxmemory="2mb", maxmemory_policy="allkeys-lru")
    assert world.do("SET", "k", "v", "PX", "500") == OK
    other = world.client()
    assert other.do("GET", "k") == b"v"
    world.advance(500)
    assert other.do("GET", "k") is None
    world.check()

`tests/support/replies.py` says how a reply looks as a Python value; `raw` gives the bytes on the wire instead. The
world speaks RESP2 unless it is told otherwise (`World(protocol=3)`), and so does each client (`world.client(3)`).

All calls that drive the engine from outside (create, connect, disconnect, receive, take output, tick, run tasks,
audit) are in this file.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyredmem.assembly import create_engine, registry_of
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.profiles import MIXED, REDIS_8_2, VALKEY_9_1
from pyredmem.config.settings import Settings
from pyredmem.engine.command import Handler
from pyredmem.engine.command_counters import CommandCounters
from pyredmem.engine.dispatch import Dispatcher
from pyredmem.engine.engine import Engine
from pyredmem.engine.host import Host
from pyredmem.engine.session import Session
from tests.support import wire
from tests.support.replies import NO_REPLY, Reply, decode
from tests.support.wire import Argument, request

#: A version of Redis for each layout of the blocks of keys (`redis_version`).
LAYOUT_VERSIONS = (MIXED.name, REDIS_8_2.name, VALKEY_9_1.name)
#: The timer of a server ticks this often at the default `hz`.
TICK_MS = 100


class Client:
    """One client of an engine in the process."""

    def __init__(self, engine: Engine, address: str = "127.0.0.1:50000", protocol: int = 2) -> None:
        self.engine = engine
        self.session: Session = engine.connect("tcp", address, "127.0.0.1:6379")
        self.session.set_protocol(protocol)

    @property
    def id(self) -> int:
        """The client's ID, as CLIENT ID gives it."""
        return int(self.session.id)

    @property
    def protocol(self) -> int:
        """The version of RESP that the client speaks: 2 or 3."""
        return int(self.session.reply.protocol)

    def set_protocol(self, protocol: int) -> None:
        """Let the client speak RESP2 or RESP3 from now on, without a HELLO."""
        self.session.set_protocol(protocol)

    def do(self, *words: Argument) -> Reply:
        """Run one command and return its reply; NO_REPLY if nothing was sent, as for a client that is blocked."""
        replies = self.replies(*words)
        assert len(replies) <= 1, f"{words} sent more than its reply; replies() gives all of {replies}"
        return replies[0] if replies else NO_REPLY

    def raw(self, *words: Argument) -> bytes:
        """Run one command and return the bytes that were sent back."""
        return self.send(request(*words))

    def send(self, data: bytes) -> bytes:
        """Send any bytes and return the bytes that were sent back."""
        self.receive(data)
        return self.take_output()

    def replies(self, *words: Argument) -> list[Reply]:
        """Run a command and return all that is sent to this client; without one, what was sent meanwhile."""
        data = self.raw(*words) if words else self.take_output()
        return decode(data, self.protocol)

    def pipeline(self, *commands: Sequence[Argument]) -> list[Reply]:
        """Run commands that arrive in one read; returns everything that was sent back."""
        data = self.send(b"".join(request(*command) for command in commands))
        return decode(data, self.protocol)

    def reply(self, *words: Argument) -> wire.Reply:
        """Run one command and return its reply as a client of a real server sees it (`tests/support/wire.py`)."""
        decoder = wire.Decoder()
        decoder.feed(self.raw(*words))
        [reply] = decoder.take_all()
        return reply

    def receive(self, data: bytes) -> None:
        """Send bytes, and leave the output to be taken later."""
        self.session.receive(data)

    def take_output(self) -> bytes:
        """The bytes sent since the last call."""
        return self.session.take_output()

    def leave(self) -> None:
        """Close the connection."""
        self.engine.disconnect(self.session)


#: The tests of commands use the profile that has all of them, unless they say another one.
PROFILE = MIXED.name


class EmptyWorld:
    """An engine and its clock, without a client.

    A setting is named as an argument: `EmptyWorld(maxmemory_policy="allkeys-lru")`.
    """

    def __init__(
        self,
        *,
        protocol: int = 2,
        host: Host | None = None,
        clock: ManualClock | None = None,
        seed: int = 1,
        hash_seed: int = 0,
        **settings: str,
    ) -> None:
        self.clock = clock or ManualClock()
        self.protocol = protocol
        # There are no save points unless a test asks for them: the usual host has no files.
        usual = [("save", ""), ("redis-version", PROFILE)]
        chosen = Settings([*usual, *[(name.replace("_", "-"), value) for name, value in settings.items()]])
        self._registry = registry_of(chosen.profile()).copy()
        self.engine: Engine = create_engine(
            chosen, self.clock, Random(seed), host, registry=self._registry, hash_seed=hash_seed
        )

    def client(self, protocol: int | None = None, address: str = "127.0.0.1:50000") -> Client:
        """One more client."""
        return Client(self.engine, address, protocol or self.protocol)

    # Commands.

    def counters(self, name: str) -> CommandCounters:
        """How often a command was called, was rejected and failed."""
        return self.engine.statistics.of(self.engine.commands.commands[name.encode()])

    # Time.

    @property
    def now_ms(self) -> int:
        """The time of the clock."""
        return int(self.clock.now_us() // 1000)

    def advance(self, milliseconds: int, most_ticks: int | None = TICK_MS) -> None:
        """Let time pass while the timer ticks; after `most_ticks` ticks the clock jumps over the rest."""
        while milliseconds > 0:
            step = milliseconds if most_ticks == 0 else min(milliseconds, TICK_MS)
            self.tick(step)
            milliseconds -= step
            if most_ticks is not None:
                most_ticks -= 1

    def tick(self, milliseconds: int = TICK_MS) -> None:
        """Let time pass in one step, at the end of which the timer ticks once."""
        self.clock.advance_ms(milliseconds)
        self.engine.tick(self.now_ms)

    def run_tasks(self) -> None:
        """Do what a server does before it sleeps: one slice of the work that goes on between commands."""
        self.engine.run_tasks()

    # State.

    @property
    def used_memory(self) -> int:
        """The bytes in use in the ledger."""
        return int(self.engine.allocator.used_memory)

    @property
    def dirty(self) -> int:
        """The number of changes since the last save."""
        return int(self.engine.keyspace.changes.since_save())

    def check(self) -> None:
        """Assert that the ledger and the keyspace are sound."""
        report = self.engine.audit()
        assert report.ok, "\n".join(report.lines())
        self.engine.keyspace.check()


class World(EmptyWorld):
    """A world that speaks through its first client."""

    def __init__(
        self,
        *,
        protocol: int = 2,
        host: Host | None = None,
        clock: ManualClock | None = None,
        seed: int = 1,
        hash_seed: int = 0,
        **settings: str,
    ) -> None:
        super().__init__(protocol=protocol, host=host, clock=clock, seed=seed, hash_seed=hash_seed, **settings)
        self.first = self.client()

    def handle(self, name: str, handler: Handler) -> None:
        """Let `handler` run a command from now on, in this engine alone."""
        self._registry.handlers[self.engine.commands.commands[name.encode()].index] = handler
        runner = self.session.runner
        assert isinstance(runner, Dispatcher)
        runner.forget_handlers()

    @property
    def session(self) -> Session:
        """The engine's side of the first client."""
        return self.first.session

    def do(self, *words: Argument) -> Reply:
        """Run one command of the first client and return its reply."""
        return self.first.do(*words)

    def raw(self, *words: Argument) -> bytes:
        """Run one command of the first client and return the bytes that were sent."""
        return self.first.raw(*words)

    def replies(self, *words: Argument) -> list[Reply]:
        """Run a command and return all that is sent to the first client; without one, what was sent meanwhile."""
        return self.first.replies(*words)

    def reply(self, *words: Argument) -> wire.Reply:
        """Run one command of the first client; returns the reply as a client of a real server sees it."""
        return self.first.reply(*words)

    def set_protocol(self, protocol: int) -> None:
        """Let the first client speak RESP2 or RESP3 from now on, without a HELLO."""
        self.first.set_protocol(protocol)
