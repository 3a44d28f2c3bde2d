"""Pub/sub: which clients are subscribed to which channels and patterns, and the delivery of messages to them.

There are three kinds of subscriptions. Channels and patterns get what PUBLISH sends; shard channels, a set of their
own, get what SPUBLISH sends. A message is encoded once for each protocol, and all receivers get the same bytes.
"""

from __future__ import annotations

from pyredmem.base import glob
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.dict_blocks import DictBlocks
from pyredmem.engine.gates import GATE_SUBSCRIBED
from pyredmem.engine.session import Session
from pyredmem.engine.string_blocks import allocate_string
from pyredmem.engine.subscriptions import CHANNEL, PATTERN, SHARD
from pyredmem.memory.layout import LIST_NODE_SIZE, LIST_SIZE
from pyredmem.protocol.resp import Resp3Sink, RespSink


class _Table:
    """The subscriptions of one kind: the subscribers of each name, in the order in which they subscribed."""

    def __init__(self, core: Core) -> None:
        self.subscribers: dict[bytes, dict[int, Session]] = {}
        self._allocator = core.allocator
        self._blocks = DictBlocks(core.allocator)

    def add(self, name: bytes, session: Session) -> None:
        clients = self.subscribers.get(name)
        if clients is None:
            clients = {}
            self.subscribers[name] = clients
            alloc = self._allocator.alloc
            self._blocks.add(name, [*allocate_string(name, self._allocator), int(alloc(LIST_SIZE))])
        clients[int(session.id)] = session
        self._blocks.attach(name, self._allocator.alloc(LIST_NODE_SIZE))

    def remove(self, name: bytes, session: Session) -> None:
        clients = self.subscribers[name]
        del clients[int(session.id)]
        if clients:
            self._blocks.release(name)
        else:
            del self.subscribers[name]
            self._blocks.remove(name)

    def addresses(self) -> list[int]:
        return self._blocks.addresses()


class _Message:
    """A message, encoded at most once for each protocol."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self._resp2 = b""  # not encoded yet
        self._resp3 = b""

    def send(self, session: Session) -> None:
        """Send it to a client, after the reply of the command that the client is running."""
        if session.output.protocol == 2:
            if not self._resp2:
                self._resp2 = self._encode(RespSink())
            session.send_message(self._resp2)
        else:
            if not self._resp3:
                self._resp3 = self._encode(Resp3Sink())
            session.send_message(self._resp3)

    def _encode(self, encoder: RespSink) -> bytes:
        encoder.push(len(self._parts))
        for part in self._parts:
            encoder.bulk(part)
        return encoder.take()


class PubSub:
    """The subscriptions of all clients."""

    def __init__(self, core: Core) -> None:
        self._channels = _Table(core)
        self._patterns = _Table(core)
        self._shard_channels = _Table(core)
        core.owners.register("pubsub", self.addresses)
        core.figures.provide(figures.CHANNELS, lambda: len(self._channels.subscribers))
        core.figures.provide(figures.PATTERNS, self.count_patterns)
        core.figures.provide(figures.SHARD_CHANNELS, lambda: len(self._shard_channels.subscribers))

    def _table(self, kind: int) -> _Table:
        if kind == CHANNEL:
            return self._channels
        return self._patterns if kind == PATTERN else self._shard_channels

    # Subscribing.

    def subscribe(self, session: Session, kind: int, name: bytes) -> None:
        """Subscribe a client, unless it is subscribed already."""
        if session.subscriptions.add(kind, name):
            self._table(kind).add(name, session)
            session.set_gate(GATE_SUBSCRIBED, True)

    def unsubscribe(self, session: Session, kind: int, name: bytes) -> None:
        """End a subscription of a client, if there is one."""
        if session.subscriptions.remove(kind, name):
            self._table(kind).remove(name, session)
            if session.subscriptions.count() == 0:
                session.set_gate(GATE_SUBSCRIBED, False)

    def unsubscribe_all(self, session: Session) -> None:
        """End all subscriptions of a client, without telling it: it has disconnected, or called RESET."""
        for kind in (CHANNEL, PATTERN, SHARD):
            for name in session.subscriptions.names(kind):
                self.unsubscribe(session, kind, name)
        session.subscriptions.clear()

    # Publishing.

    def has_subscribers(self) -> bool:
        """Whether a message to any channel could have a receiver."""
        return len(self._channels.subscribers) > 0 or len(self._patterns.subscribers) > 0

    def publish(self, channel: bytes, message: bytes) -> int:
        """Deliver a message to the subscribers of a channel and of patterns; returns to how many."""
        receivers = self._deliver(self._channels.subscribers.get(channel), [b"message", channel, message])
        for pattern, clients in self._patterns.subscribers.items():
            if glob.match(pattern, channel):
                receivers += self._deliver(clients, [b"pmessage", pattern, channel, message])
        return receivers

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """Deliver a message to the subscribers of a shard channel; returns to how many."""
        return self._deliver(self._shard_channels.subscribers.get(channel), [b"smessage", channel, message])

    def _deliver(self, clients: dict[int, Session] | None, parts: list[bytes]) -> int:
        if clients is None:
            return 0
        message = _Message(parts)
        for session in clients.values():
            message.send(session)
        return len(clients)

    # Asking.

    def names(self, kind: int, pattern: bytes | None) -> list[bytes]:
        """The channels that have subscribers, or those of them that match a pattern."""
        found = self._table(kind).subscribers
        return [name for name in found if pattern is None or glob.match(pattern, name)]

    def count_subscribers(self, kind: int, name: bytes) -> int:
        """The number of clients that are subscribed to a channel; patterns do not count."""
        return len(self._table(kind).subscribers.get(name, ()))

    def count_patterns(self) -> int:
        """The number of different patterns that clients are subscribed to."""
        return len(self._patterns.subscribers)

    def addresses(self) -> list[int]:
        return [*self._channels.addresses(), *self._patterns.addresses(), *self._shard_channels.addresses()]
