"""The test world as golden, stress and differential tests use it: no client of its own, replies as from a server.

local = local_engine()
client = local.client()
assert client.do("SET", "a", "1") == OK
local.pass_time(1000)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pyredmem.engine.session import Session
from tests.support.audit import complaint
from tests.support.wire import Argument, Decoder, Reply, request
from tests.support.world import Client, EmptyWorld


class LocalClient:
    """A client of an engine in the process; its replies are those of `tests/support/wire.py`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._decoder = Decoder()

    @property
    def session(self) -> Session:
        """The engine's side of the connection."""
        return self.client.session

    def raw(self, data: bytes) -> list[Reply]:
        """Send bytes and return the replies to them."""
        self._decoder.feed(self.client.send(data))
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
    """A world without a client of its own. When time passes, the timer ticks all the time, however long it is."""

    def __init__(self, world: EmptyWorld) -> None:
        self.world = world
        self.engine = world.engine
        self.clock = world.clock

    @property
    def used_memory(self) -> int:
        """The bytes in use in the ledger."""
        return self.world.used_memory

    def client(self, protocol: int = 2) -> LocalClient:
        """A new connection."""
        client = LocalClient(self.world.client())
        if protocol != 2:
            client.do("HELLO", protocol)
        return client

    def drop(self, client: LocalClient) -> None:
        """Close a connection."""
        client.client.leave()

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass while the timer ticks as it does in a server."""
        self.world.advance(milliseconds, most_ticks=None)

    def assert_sound(self) -> None:
        """Assert that MEMORY AUDIT finds nothing wrong."""
        client = self.client()
        found = complaint(client.do("MEMORY", "AUDIT"))
        self.drop(client)
        assert not found, f"MEMORY AUDIT: {found}"


def local_engine(*settings: tuple[str, str], seed: int = 1, hash_seed: int = 0) -> LocalEngine:
    """A new engine with these settings; with a ``hash_seed`` its tables are the same in every process."""
    named: dict[str, Any] = {name.replace("-", "_"): value for name, value in settings}
    return LocalEngine(EmptyWorld(seed=seed, hash_seed=hash_seed, **named))
