"""A client's session: bytes in, bytes out, no I/O.

The shell around it (a socket, a client in the process) calls :meth:`Session.receive` with what arrived and then
writes what
:meth:`Session.take_output` gives. Requests are run as they are complete; a session that is suspended keeps the rest
until :meth:`Session.process` is called again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.errors import ProtocolError
from pyredmem.engine.context import Context
from pyredmem.engine.transaction import Transaction
from pyredmem.protocol.request import HiredisRequestParser, RequestParser
from pyredmem.protocol.resp import Resp3Sink, RespSink

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

# What makes the dispatcher look twice at a command; a plain session has none of these.
NEEDS_AUTH: Final = 1 << 0
IN_TRANSACTION: Final = 1 << 1
SUBSCRIBED: Final = 1 << 2
REPLY_OFF: Final = 1 << 3
REPLY_SKIP: Final = 1 << 4  # for the next command; set by CLIENT REPLY SKIP
NO_TOUCH: Final = 1 << 5

# Why a session runs no further requests for now.
CLOSING: Final = 1 << 0
BLOCKED: Final = 1 << 1  # it waits for a key
PAUSED: Final = 1 << 2  # CLIENT PAUSE
UNREAD: Final = 1 << 3  # it does not read its replies


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
        self.last_command = "NULL"
        #: Set by the shell: called when output is ready outside of a call of ``receive``.
        self.on_output: Callable[[], None] | None = None
        self.backlog: list[list[bytes]] = []  # requests that were complete when the session was suspended
        self.parser: RequestParser = RequestParser() if COMPILED else HiredisRequestParser()
        self.reply = RespSink()
        self.context = Context(engine, self, self.reply)
        self.transaction = Transaction(engine.keyspace.events)

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
        self.engine.begin_batch(self, len(data))
        self.parser.feed(data)
        self.process()

    def process(self) -> None:
        """Run the requests that have been received, unless something holds the session."""
        if self.holds:
            return
        parser = self.parser
        # More may be ready behind these: what came while the session was held, what is read one by one before AUTH.
        more_may_follow = not parser.authenticated
        if self.backlog:
            requests = self.backlog
            self.backlog = []
            more_may_follow = True
        else:
            requests = parser.requests()
        execute = self.engine.dispatcher.execute
        while requests:
            for done, argv in enumerate(requests, 1):
                execute(self, argv)
                if self.holds:
                    self.backlog = requests[done:]
                    requests = []
                    break
            else:
                requests = parser.requests() if more_may_follow else []
        if parser.error is not None and not self.backlog and self.holds & CLOSING == 0:
            self._break_off(parser.error)
        self.engine.end_batch()

    def _break_off(self, error: ProtocolError) -> None:
        """Answer to an offence against the protocol and close."""
        self.engine.stats.count_error(error.message)
        self.reply.error(error.message)
        self.close()

    def resume(self, hold: i64) -> None:
        """Take away one reason to hold the session and run what has waited."""
        self.holds &= ~hold
        if self.holds == 0:
            self.process()
            self.output_ready()

    def output_ready(self) -> None:
        """Tell the shell that there is something to write, or that the session is to be closed."""
        if self.on_output is not None:
            self.on_output()

    def take_output(self) -> bytes:
        """The replies since the last call."""
        return self.reply.take()

    def close(self) -> None:
        """Run no more requests; the shell disconnects when the output is written."""
        self.closing = True
        self.holds |= CLOSING
