"""A client's session: bytes in, bytes out, no I/O.

The shell around it (a socket, a client in the process) hands :meth:`Session.receive` the bytes that arrived and then
writes what is in ``output``. Requests run as soon as they are complete; a session that is held keeps the rest until
:meth:`Session.resume` takes the hold away.

Replies and messages are two things. A handler replies to ``reply``: usually ``output`` itself, a sink that drops
everything while the client does not want replies. Messages (invalidations, lines of MONITOR) go through
:meth:`Session.messages`: they never land in the middle of a reply, and are never dropped with one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.errors import ProtocolError
from pyredmem.engine.backlog import Backlog
from pyredmem.engine.client_memory import ClientMemory
from pyredmem.engine.gates import GATE_IN_MULTI, GATE_MONITOR, GATE_REPLY_SKIP
from pyredmem.engine.output_limits import OutputWatch
from pyredmem.engine.spec import Command
from pyredmem.engine.stats import Stats
from pyredmem.engine.transaction import Transaction
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.protocol.hiredis_request import HiredisRequestParser
from pyredmem.protocol.null_sink import NullSink
from pyredmem.protocol.reply import ReplySink
from pyredmem.protocol.request import RequestParser
from pyredmem.protocol.resp import Resp3Sink, RespSink

# Holds: why a session runs no further requests for now.
HOLD_CLOSING: Final = 1 << 0
HOLD_BLOCKED: Final = 1 << 1  # it waits for a key, see blocking.py
HOLD_PAUSED: Final = 1 << 2  # CLIENT PAUSE
HOLD_UNREAD: Final = 1 << 3  # the client does not read its replies

#: Bytes of output in one batch that the shell is asked to write before the rest of the batch runs.
_FULL_BYTES: Final = 1024 * 1024
#: Bytes by which the output of a batch may grow before the limits on it are looked at again.
OUTPUT_STEP: Final = 16 * 1024


class Runner(ABC):
    """What a session asks of the engine around it; the dispatcher is one."""

    @abstractmethod
    def begin_batch(self, session: Session, size: i64) -> None:
        """A client has sent ``size`` bytes, and its requests are about to run."""

    @abstractmethod
    def continue_batch(self) -> None:
        """Requests that were held back are about to run."""

    @abstractmethod
    def execute(self, session: Session, argv: list[bytes]) -> None:
        """Run or refuse one request, and reply."""

    @abstractmethod
    def run_again(self, session: Session, command: Command, argv: list[bytes], reply: ReplySink) -> bool:
        """Run the command of a blocked client once more; false if it still finds nothing and stays blocked."""

    @abstractmethod
    def end_batch(self) -> None:
        """The requests that were complete have run."""

    @abstractmethod
    def defer(self, chore: Callable[[], None]) -> None:
        """Call ``chore`` once after the batch, before the server sleeps."""

    @abstractmethod
    def input_waits(self, session: Session) -> None:
        """A session keeps input that it cannot run yet: its query buffer may have grown."""

    @abstractmethod
    def output_grew(self, session: Session) -> None:
        """The output of a session has passed its ``output_alarm``."""

    @abstractmethod
    def output_grows(self, session: Session) -> None:
        """The output of a session has grown while a command runs, which must be able to go on."""


class Subscriptions:
    """The numbers of channels, patterns and shard channels that a client is subscribed to."""

    def __init__(self) -> None:
        self.channels: i64 = 0
        self.patterns: i64 = 0
        self.shard_channels: i64 = 0


class Session:
    """One connected client."""

    def __init__(
        self, runner: Runner, keyspace: Keyspace, stats: Stats, number: i64, kind: str, address: str, local_address: str
    ) -> None:
        self.runner: Runner = runner
        self.keyspace = keyspace
        self.stats = stats
        self.id: i64 = number
        self.kind = kind  # "tcp", "unix", "tls", "local"
        self.address = address
        self.local_address = local_address
        self.name = b""
        self.library_name = b""
        self.library_version = b""
        self.gates: i64 = 0  # a set of the gates of a session, see gates.py
        self.holds: i64 = 0  # a set of the holds above
        self.created_us: i64 = keyspace.now_us
        self.last_active_us: i64 = keyspace.now_us
        self.command: Command | None = None  # the last one that ran
        self.user = b"default"
        self.authenticated = True
        self.no_evict = False
        self.is_connected = False  # see "The end" below
        self.aborted = False
        self.descriptor: i64 = -1  # of the socket
        self.db = keyspace.databases[0]
        self.subscriptions = Subscriptions()
        # The seams to the shell. `on_output` is called when output is ready outside of a call of ``receive``, `on_full`
        # in the middle of one when there is much of it; `count_unsent` gives the bytes that could not be sent yet.
        self.on_output: Callable[[], None] | None = None
        self.on_full: Callable[[], None] | None = None
        self.count_unsent: Callable[[], int] | None = None
        self._backlog = Backlog()
        self._more = False  # the backlog or the parser may have more requests than the last call gave
        self._is_postponed = False  # the request that was tried last has to run again
        self._waking = False
        # Accounting: see engine/client_memory.py and engine/clients.py.
        self.memory = ClientMemory(keyspace.allocator)
        self._query_buffer = self.memory.query_buffer
        self.output_alarm: i64 = 0  # bytes of output from which on the limits on output are asked
        self.reply_peak: i64 = 0  # most bytes of output at once since the timer's last visit
        self.counted_bytes: i64 = 0
        self.output_watch = OutputWatch()
        self.parser: RequestParser = RequestParser() if COMPILED else HiredisRequestParser()
        self.output = RespSink()
        self.reply: ReplySink = self.output
        self._outbox: RespSink | None = None  # messages that came in the middle of a reply
        self._replying: i64 = 0  # commands of this client that are running, one inside another
        self._skips_next = False  # CLIENT REPLY SKIP was given in the command that is running
        self.transaction = Transaction(keyspace.changes, self.memory)

    def set_gate(self, gate: i64, on: bool) -> None:
        """Set or clear one of the gates of a session."""
        self.gates = self.gates | gate if on else self.gates & ~gate

    # Replies and messages.

    def set_protocol(self, protocol: i64) -> None:
        """Speak RESP2 or RESP3 from the next reply on."""
        if protocol == self.output.protocol:
            return
        wants_replies = self.wants_replies()
        sink = RespSink() if protocol == 2 else Resp3Sink()
        sink.raw(self.output.take())
        sink.on_growth = self.output.on_growth
        self.output.on_growth = None
        self.output = sink
        self.reply = sink if wants_replies else NullSink(protocol)
        if protocol == 2 and self.gates & GATE_MONITOR == 0:
            self._outbox = None  # invalidations that waited: RESP2 has no pushes

    def wants_replies(self) -> bool:
        """Whether replies go to the client; not after CLIENT REPLY OFF or SKIP."""
        return self.reply is self.output

    def gets_lines(self) -> bool:
        """Whether lines of MONITOR go to the client, which are replies to Redis; that of CLIENT REPLY SKIP does."""
        return self.wants_replies() or (self._skips_next and self._replying > 0)

    def set_replies(self, on: bool) -> None:
        """CLIENT REPLY ON or OFF."""
        self.reply = self.output if on else NullSink(self.output.protocol)
        self.set_gate(GATE_REPLY_SKIP, False)
        self._skips_next = False

    def skip_next_reply(self) -> None:
        """CLIENT REPLY SKIP: drop the reply of the next command."""
        if self.wants_replies() or self.gates & GATE_REPLY_SKIP:
            self.set_replies(False)
            self.set_gate(GATE_REPLY_SKIP, True)
            self._skips_next = True

    def begin_skipped(self) -> None:
        """A command begins whose reply is dropped."""
        self._skips_next = False

    def end_skipped(self) -> None:
        """That command has ended: replies are wanted again, unless it was CLIENT REPLY SKIP itself."""
        if self.gates & GATE_REPLY_SKIP and not self._skips_next:
            self.set_replies(True)

    def messages(self) -> RespSink:
        """The sink for a message to the client that is no reply; call :meth:`wake` after writing it."""
        if self.is_closing():  # nothing follows the reply to QUIT
            return RespSink() if self.output.protocol == 2 else Resp3Sink()
        if self._replying == 0:
            return self.output
        if self._outbox is None:
            self._outbox = RespSink() if self.output.protocol == 2 else Resp3Sink()
        return self._outbox

    def begin_reply(self) -> None:
        """A command of this client begins: messages wait from now on."""
        self._replying += 1

    def end_reply(self) -> None:
        """That command has replied: messages that waited follow its reply."""
        self._replying -= 1
        if self._replying == 0 and self._outbox is not None:
            self.output.append_from(self._outbox)
            self._outbox = None

    # MULTI.

    def begin_transaction(self) -> None:
        """Queue commands from now on."""
        self.transaction.begin()
        self.set_gate(GATE_IN_MULTI, True)

    def leave_queueing(self) -> None:
        """Run commands again instead of queueing them: EXEC has begun."""
        self.set_gate(GATE_IN_MULTI, False)

    def end_transaction(self) -> None:
        """Forget the queue and the watched keys, whether or not the transaction ran."""
        self.transaction.reset()
        self.set_gate(GATE_IN_MULTI, False)

    # Requests.

    def receive(self, data: bytes) -> None:
        """Take bytes from the client and run the requests that are complete."""
        size: i64 = len(data)
        self.runner.begin_batch(self, size)
        if size > self._query_buffer.steady_read:
            self._read_much(data)
        if self.holds:
            self._keep(data)
            return
        self.parser.feed(data)
        self.process()

    def _read_much(self, data: bytes) -> None:
        """Account for a read that may have made the query buffer grow."""
        if self.is_connected:
            self._query_buffer.before_read(self.held_input(), self.parser.awaited_bulk(), data)
        self._more = True

    def _keep(self, data: bytes) -> None:
        """Keep input for when the session goes on."""
        if not self.is_closing():
            self._more = True
            self._backlog.keep(data)
            self.runner.input_waits(self)

    def held_input(self) -> i64:
        """Bytes received that are not yet part of a request that ran or waits in the backlog."""
        return self.parser.pending() + self._backlog.unread_bytes

    def process(self) -> None:
        """Run the requests that are complete, unless something holds the session."""
        if self.holds:
            return
        parser = self.parser
        # More may be complete after these: what arrived while the session was held, what did not fit into one stretch,
        # and what is read request by request before AUTH.
        more_may_follow = self._more or not parser.authenticated
        requests = self._more_requests() if self._more else parser.requests()
        if not requests:
            self.runner.input_waits(self)
        count: i64 = 0
        while requests:
            count += len(requests)
            self._run(requests)
            requests = self._more_requests() if more_may_follow and not self.holds else []
        if parser.error is not None and not self._backlog.has_requests() and not self.is_closing():
            self._end_with(parser.error)
        if count > self.stats.most_commands:
            self.stats.most_commands = count
        self.runner.end_batch()

    def _run(self, requests: list[list[bytes]]) -> None:
        """Run requests in their order until one of them holds the session; the rest goes to the backlog."""
        runner = self.runner
        output = self.output
        for at, argv in enumerate(requests):
            runner.execute(self, argv)
            if output.size() > self.output_alarm:
                runner.output_grew(self)
                output = self.output
            if self.holds:
                self._set_aside(requests[at if self._is_postponed else at + 1 :])
                return

    def _set_aside(self, requests: list[list[bytes]]) -> None:
        """Keep requests for when the session goes on."""
        if not self.is_closing():
            self._backlog.put_back(requests)
        self._is_postponed = False
        self._more = True

    def _more_requests(self) -> list[list[bytes]]:
        """The next stretch of requests from all that waits; none if the client has to read its output first."""
        if self.on_full is not None and self.output.size() > _FULL_BYTES:
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
        """Hold the session before the command that was about to run; the command runs when the session goes on."""
        self.holds |= hold
        self._is_postponed = True

    def _end_with(self, error: ProtocolError) -> None:
        """Reply to a protocol error and close."""
        self.stats.count_error(error.message)
        self.output.error(error.message)
        self.close()

    def resume(self, hold: i64) -> None:
        """Take one hold away; if it was the last one, run the requests that have waited."""
        self.holds &= ~hold
        self._go_on()

    def resume_soon(self, hold: i64) -> None:
        """Like `resume`, but safe inside another session's command: the requests run after that session's batch."""
        self.holds &= ~hold
        self.runner.defer(self._go_on)

    def _go_on(self) -> None:
        if not self.is_held():
            self.runner.continue_batch()
            self.process()
            self.output_ready()

    # Output.

    def output_ready(self) -> None:
        """Tell the shell that there is something to write, or that the session is to be closed."""
        if self.on_output is not None:
            self.on_output()

    def take_output(self) -> bytes:
        """The output since the last call, for a shell that writes it in one piece."""
        size = self.output.size()
        if size > 0:
            self.count_output(size)
        replies = self.memory.reply_buffer
        if replies.unsent > 0:  # counted while the batch ran; such a shell has no unsent output
            replies.set_unsent(0)
        return self.output.take()

    def count_output(self, size: i64) -> None:
        """Count ``size`` bytes of output that the shell takes now."""
        stats = self.stats
        stats.net_output_bytes += size
        stats.writes_processed += 1
        if size > self.reply_peak:
            self.reply_peak = size
        self.output_alarm = self.memory.reply_buffer.size

    def output_peak(self) -> i64:
        """The most bytes in the reply buffer in the last seconds."""
        replies = self.memory.reply_buffer
        return max(replies.peak, min(self.reply_peak, replies.size))

    def take_output_peak(self) -> i64:
        """The most bytes of output at once since the last call."""
        peak = self.reply_peak
        self.reply_peak = 0
        return peak

    def wake(self) -> None:
        """Have the shell write the output after the current batch."""
        size = self.output.size()
        if size > self.output_alarm:
            self.output_alarm = size + OUTPUT_STEP
            self._output_grows()
        if not self._waking:
            self._waking = True
            self.runner.defer(self._woken)

    def _output_grows(self) -> None:
        if not self.is_closing():
            self.runner.output_grows(self)

    def watch_output(self) -> None:
        """Hold long replies to the limits on output while they are written."""
        self.output.on_growth = self._output_grows

    def _woken(self) -> None:
        self._waking = False
        self.last_active_us = self.keyspace.now_us
        self.output_ready()

    # The end. A session that is *connected* is in the engine's table of clients, and its blocks are in the ledger; one
    # that was refused never is. A *closing* session runs no more requests: the shell disconnects it when its output is
    # written, or at once if it is *aborted*. When the engine disconnects a session it closes it too.

    def is_closing(self) -> bool:
        return self.holds & HOLD_CLOSING != 0

    def close(self) -> None:
        """Run no more requests; the shell disconnects when the output is written."""
        self.holds |= HOLD_CLOSING

    def doom(self) -> None:
        """Drop what is unsent and what is still written: the client is disconnected as soon as no command runs."""
        self.aborted = True
        self.output.discard()
        self.close()

    def detach(self) -> None:
        """The shell is done: drop its callbacks, which refer back to it; no garbage collector would find that cycle."""
        self.output.on_growth = None
        self.on_output = None
        self.on_full = None
        self.count_unsent = None
        self._backlog.clear()
