"""A client's session: bytes in, bytes out, no I/O.

The shell around it (a socket, a client in the process) calls :meth:`Session.receive` with what arrived and then writes
what :meth:`Session.take_output` gives. Requests are run as they are complete; a session that is held keeps the rest
until :meth:`Session.resume` takes the hold away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.errors import ProtocolError
from pyredmem.engine.backlog import Backlog
from pyredmem.engine.client_memory import ClientMemory
from pyredmem.engine.context import Context
from pyredmem.engine.output_limits import OutputWatch
from pyredmem.engine.transaction import Transaction
from pyredmem.protocol.hiredis_request import HiredisRequestParser
from pyredmem.protocol.request import RequestParser
from pyredmem.protocol.resp import Resp3Sink, RespSink

if TYPE_CHECKING:
    from pyredmem.engine.command import Command
    from pyredmem.engine.engine import Engine

# What makes the dispatcher look twice at a command; a plain session has none of these.
NEEDS_AUTH: Final = 1 << 0
IN_TRANSACTION: Final = 1 << 1
SUBSCRIBED: Final = 1 << 2
REPLY_OFF: Final = 1 << 3
REPLY_SKIP: Final = 1 << 4  # for the next command; set by CLIENT REPLY SKIP
NO_TOUCH: Final = 1 << 5
TRACKING: Final = 1 << 6
MONITORING: Final = 1 << 7

# Why a session runs no further requests for now.
CLOSING: Final = 1 << 0
BLOCKED: Final = 1 << 1  # it waits for a key, see blocking.py
PAUSED: Final = 1 << 2  # CLIENT PAUSE
UNREAD: Final = 1 << 3  # it does not read its replies

#: Bytes of replies in one batch that the shell is asked to write before the rest is run.
_FULL_BYTES: Final = 1024 * 1024


class Subscriptions:
    """How many channels, patterns and shard channels a client is subscribed to."""

    def __init__(self) -> None:
        self.channels: i64 = 0
        self.patterns: i64 = 0
        self.shard_channels: i64 = 0


class Session:
    """One connected client."""

    def __init__(self, engine: Engine, number: i64, kind: str, address: str, local_address: str) -> None:
        self.engine = engine
        self.id: i64 = number
        self.kind = kind  # "tcp", "unix", "tls", "local"
        self.address = address
        self.local_address = local_address
        self.name = b""
        self.library_name = b""
        self.library_version = b""
        self.gates: i64 = 0
        self.reply_mark: i64 = -1  # where the reply begins that the client does not want
        self.holds: i64 = 0  # why no further request is to be run now: a set of the reasons above
        self.closing = False  # to be disconnected when the output is written
        self.created_us: i64 = engine.keyspace.now_us
        self.last_active_us: i64 = engine.keyspace.now_us
        self.command: Command | None = None  # the last one that was run
        self.user = b"default"
        self.authenticated = True
        self.no_evict = False
        self.aborted = False  # to be disconnected at once, whatever is unsent
        self.descriptor: i64 = -1  # of the socket
        self.subscriptions = Subscriptions()
        # The seams to the shell. Called when output is ready outside of a call of ``receive``; in the middle of one
        # when much is ready; to ask how many bytes it was given and could not yet send.
        self.on_output: Callable[[], None] | None = None
        self.on_full: Callable[[], None] | None = None
        self.count_unsent: Callable[[], int] | None = None
        self._backlog = Backlog()
        self._more = False  # there may be more to run than the parser gives at once
        self._postponed: i64 = 0  # 1 if the last request that was tried has to be run again
        self._waking = False
        # Accounting: see engine/client_memory.py and engine/clients.py.
        self.memory = ClientMemory(engine.allocator)
        self.steady_read: i64 = -1  # the ledger need not know of reads up to this size
        self.reply_peak: i64 = 0  # most bytes of replies at once since the timer's last visit
        self.counted_bytes: i64 = 0
        self.output_watch = OutputWatch()
        self.parser: RequestParser = RequestParser() if COMPILED else HiredisRequestParser()
        self.reply = RespSink()
        self.context = Context(engine, self, self.reply)
        self.transaction = Transaction(engine.keyspace.events, self.memory)

    def set_gate(self, gate: i64, on: bool) -> None:
        """Set or clear one of the conditions above."""
        self.gates = self.gates | gate if on else self.gates & ~gate

    def set_protocol(self, protocol: i64) -> None:
        """Speak RESP2 or RESP3 from the next reply on."""
        if protocol == self.reply.protocol:
            return
        sink = RespSink() if protocol == 2 else Resp3Sink()
        sink.raw(self.reply.take())
        self.reply = sink
        self.context.reply = sink

    def begin_transaction(self) -> None:
        """Queue commands from now on."""
        self.transaction.begin()
        self.set_gate(IN_TRANSACTION, True)

    def leave_queueing(self) -> None:
        """Run commands again instead of queueing them: EXEC has begun."""
        self.set_gate(IN_TRANSACTION, False)

    def end_transaction(self) -> None:
        """Forget the queue and the watched keys, whatever became of the transaction."""
        self.transaction.reset()
        self.set_gate(IN_TRANSACTION, False)

    def receive(self, data: bytes) -> None:
        """Take bytes from the client and run the requests that are complete."""
        size: i64 = len(data)
        self.engine.begin_batch(self, size)
        if size > self.steady_read:
            self._read_much(data)
        if self.holds:
            self._keep(data)
            return
        self.parser.feed(data)
        self.process()

    def _read_much(self, data: bytes) -> None:
        """Tell the ledger of a read that may have made the query buffer grow."""
        memory = self.memory
        if memory.is_open():
            memory.before_read(self.held_input(), self.parser.awaited_bulk(), data)
            self.steady_read = memory.steady_read
        self._more = True

    def _keep(self, data: bytes) -> None:
        """Take input that cannot be worked on yet."""
        if self.holds & CLOSING == 0:
            self._more = True
            self._backlog.keep(data)
            self.engine.clients.input_waits(self)

    def held_input(self) -> i64:
        """Bytes received that are not yet part of a request that was run or waits in the backlog."""
        return self.parser.pending() + self._backlog.unread_bytes

    def process(self) -> None:
        """Run the requests that have been received, unless something holds the session."""
        if self.holds:
            return
        parser = self.parser
        # More may be ready behind these: what came while the session was held or was much, and what is read one by one
        # before AUTH.
        more_may_follow = self._more or not parser.authenticated
        requests = self._more_requests() if self._more else parser.requests()
        if not requests:
            self.engine.clients.input_waits(self)
        dispatcher = self.engine.dispatcher
        while requests:
            for done, argv in enumerate(requests):
                dispatcher.execute(self, argv)
                if self.holds:
                    self._set_aside(requests[done + 1 - self._postponed :])
                    requests = []
                    break
            else:
                requests = self._more_requests() if more_may_follow else []
        if parser.error is not None and not self._backlog.has_requests() and self.holds & CLOSING == 0:
            self._break_off(parser.error)
        self.engine.end_batch()

    def _set_aside(self, requests: list[list[bytes]]) -> None:
        """Keep requests for when the session goes on."""
        self._backlog.put_back(requests)
        self._postponed = 0
        self._more = True

    def _more_requests(self) -> list[list[bytes]]:
        """The next requests to run at a stretch, of all that waits; none if the client has to read first."""
        if self.on_full is not None and self.reply.size() > _FULL_BYTES:
            self.on_full()
            if self.is_held():
                return []
        requests = self._backlog.take(self.parser)
        self._more = len(requests) > 0
        return requests

    def is_held(self) -> bool:
        """Whether something keeps the session from running requests."""
        return self.holds != 0

    def postpone(self, hold: i64) -> None:
        """Hold the session before the command that was to be run now; it is run when the session goes on."""
        self.holds |= hold
        self._postponed = 1

    def _break_off(self, error: ProtocolError) -> None:
        """Answer to an offence against the protocol and close."""
        self.engine.stats.count_error(error.message)
        self.reply.error(error.message)
        self.close()

    def resume(self, hold: i64) -> None:
        """Take away one reason to hold the session and run what has waited."""
        self.holds &= ~hold
        self._go_on()

    def resume_soon(self, hold: i64) -> None:
        """The same from inside of another session's command: what has waited is run when that one's batch is over."""
        self.holds &= ~hold
        self.engine.defer(self._go_on)

    def _go_on(self) -> None:
        if not self.is_held():
            self.engine.keyspace.now_us = self.engine.clock.now_us()
            self.process()
            self.output_ready()

    def output_ready(self) -> None:
        """Tell the shell that there is something to write, or that the session is to be closed."""
        if self.on_output is not None:
            self.on_output()

    def take_output(self) -> bytes:
        """The replies since the last call."""
        size = self.reply.size()
        if size > 0:
            self.count_output(size)
        return self.reply.take()

    def count_output(self, size: i64) -> None:
        """Count replies that are given to the shell."""
        stats = self.engine.stats
        stats.net_output_bytes += size
        stats.writes_processed += 1
        if size > self.reply_peak:
            self.reply_peak = size

    def output_peak(self) -> i64:
        """The most bytes in the reply buffer in the last seconds."""
        return max(self.memory.buffer_peak, min(self.reply_peak, self.memory.buffer_size))

    def take_output_peak(self) -> i64:
        """The most bytes of replies at once since the last call."""
        peak = self.reply_peak
        self.reply_peak = 0
        return peak

    def wake(self) -> None:
        """Have the shell told of output when the batch is over, once."""
        if not self._waking:
            self._waking = True
            self.engine.defer(self._woken)

    def _woken(self) -> None:
        self._waking = False
        self.last_active_us = self.engine.keyspace.now_us
        self.output_ready()

    def detach(self, nobody: Session) -> None:
        """The client is gone: let go of what holds this object in a circle; there is no collector to find it."""
        self.on_output = None
        self.on_full = None
        self.count_unsent = None
        self.context = nobody.context
        self._backlog.clear()

    def close(self) -> None:
        """Run no more requests; the shell disconnects when the output is written."""
        self.closing = True
        self.holds |= CLOSING
