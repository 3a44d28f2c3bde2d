"""The session of a client: bytes in, bytes out, no I/O.

The shell (a TCP connection, a client in the same process) passes the bytes that have arrived to :meth:`Session.receive`
and then writes what is in ``output``. Requests run as soon as they are complete. A session that is held keeps its
further requests until :meth:`Session.resume` removes the hold.

Replies and messages are two things. A handler sends its reply to ``reply``. This is usually ``output`` itself; while
the client does not want replies it is a sink that drops everything. Messages (invalidations, lines of MONITOR) go
through :meth:`Session.messages`: they never land in the middle of a reply, and are never dropped with one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.acl.user import User
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
from pyredmem.memory.heap_map import HeapMap
from pyredmem.protocol.hiredis_request import request_parser
from pyredmem.protocol.null_sink import NullSink
from pyredmem.protocol.reply import ReplySink
from pyredmem.protocol.request import RequestParser
from pyredmem.protocol.resp import Resp3Sink, RespSink
from pyredmem.structures.look_ahead import WINDOW

# Holds: the reasons for which a session runs no further requests for now.
HOLD_CLOSING: Final = 1 << 0
HOLD_BLOCKED: Final = 1 << 1  # the client waits for a key, see blocking.py
HOLD_PAUSED: Final = 1 << 2  # a request waits for the end of CLIENT PAUSE
HOLD_UNREAD: Final = 1 << 3  # the client does not read its replies
HOLD_SCRIPT: Final = 1 << 4  # its script is suspended, see script_run.py
HOLD_DELAYED: Final = 1 << 5  # a request waits because of a fault, see faults.py

#: When a batch has more output than this (bytes), the shell is asked to write it before the rest of the batch runs.
_FULL_BYTES: Final = 1024 * 1024
#: The limits on output are checked again each time the output of a batch has grown by this much (bytes).
OUTPUT_STEP: Final = 16 * 1024


class Runner(ABC):
    """The calls that a session makes to the engine; the dispatcher answers them."""

    @abstractmethod
    def begin_batch(self, session: Session, size: i64) -> None:
        """Prepare to run the requests in ``size`` bytes that a client has sent."""

    @abstractmethod
    def continue_batch(self) -> None:
        """Prepare to run requests that had to wait."""

    @abstractmethod
    def close(self) -> None:
        """Run nothing any more."""

    @abstractmethod
    def execute(self, session: Session, argv: list[bytes]) -> None:
        """Run or refuse one request, and reply."""

    @abstractmethod
    def run_again(self, session: Session, command: Command, argv: list[bytes], reply: ReplySink) -> bool:
        """Run the command of a blocked client again; returns false if it still finds nothing and stays blocked."""

    @abstractmethod
    def end_batch(self) -> None:
        """Do what has to be done after the requests of a batch."""

    @abstractmethod
    def defer(self, chore: Callable[[], None]) -> None:
        """Call ``chore`` once after the batch, before the server sleeps."""

    @abstractmethod
    def write_soon(self, session: Session) -> None:
        """Call the session's `write_now` once, at the end of this turn of the event loop."""

    @abstractmethod
    def fit_query_buffer(self, session: Session) -> None:
        """Account for input that a session cannot run yet: its query buffer may have grown."""

    @abstractmethod
    def check_output(self, session: Session) -> None:
        """Check the output of a session, which has passed its ``output_alarm``."""

    @abstractmethod
    def check_growing_output(self, session: Session) -> None:
        """Check the output of a session while a command is writing it. The command must be able to go on."""


class Traffic:
    """How much a client has sent and got so far."""

    def __init__(self) -> None:
        self.input_bytes: i64 = 0
        self.output_bytes: i64 = 0
        self.commands: i64 = 0  # that have run or wait to run; those of a batch are counted at its end


class Claims:
    """What a client of Valkey says of itself."""

    def __init__(self) -> None:
        self.capabilities = b""  # the letters of CLIENT CAPA
        self.is_import_source = False
        self.is_read_only = False  # it sent READONLY


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
        self.recorded_units: i64 = 0  # the units that were recorded when its last command had run, see recorder.py
        self.created_us: i64 = keyspace.now_us
        self.last_active_us: i64 = keyspace.now_us
        self.command: Command | None = None  # the command that is running, or the last one that ran
        self.user: User | None = None  # None: nobody, who may do everything
        self.authenticated = True
        self.no_evict = False
        self.claims = Claims()
        self.is_connected = False  # see "The end" below
        self.aborted = False
        self.is_unread = False  # a fault lets the client read nothing: the shell must leave the output here
        self.descriptor: i64 = -1  # of the socket
        self.db = keyspace.databases[0]
        # Calls to the shell. `on_output`: output is ready although `receive` was not called. `on_full`: so much output
        # is ready in the middle of `receive` that it should be written now. `count_unsent`: how many bytes are unsent.
        self.on_output: Callable[[], None] | None = None
        self.on_full: Callable[[], None] | None = None
        self.count_unsent: Callable[[], int] | None = None
        self._backlog = Backlog()
        self._more = False  # more requests may be in the backlog or the parser than the last call gave
        self._is_postponed = False  # the request that was tried last has to run again
        self._waking = False
        self._arrived: bytes | None = None  # see `arrive`
        self._parsed: list[list[bytes]] | None = None  # the requests in these bytes, if they have been parsed
        # Accounting: see engine/client_memory.py and engine/clients.py.
        self.memory = ClientMemory(keyspace.allocator)
        self.subscriptions = self.memory.subscriptions
        self._query_buffer = self.memory.query_buffer
        self.output_alarm: i64 = 0  # above this many bytes of output its limits are checked
        self.traffic = Traffic()
        self.reply_peak: i64 = 0  # the most bytes of output at once since the timer's last visit
        self.counted_bytes: i64 = 0  # its memory when it was counted last
        self.output_watch = OutputWatch()
        self.parser: RequestParser = request_parser()
        self.output = RespSink()
        self.reply: ReplySink = self.output
        self._outbox: RespSink | None = None  # messages that came up in the middle of a reply
        self._replying: i64 = 0  # how many commands of this client are running, one inside another
        self._skips_next = False  # the running command is CLIENT REPLY SKIP
        self.transaction = Transaction(keyspace.changes, self.memory)
        self.heap_map: HeapMap | None = None  # what MEMORY HEAP-MAP has told this client

    def set_gate(self, gate: i64, on: bool) -> None:
        self.gates = self.gates | gate if on else self.gates & ~gate

    def idle_s(self) -> i64:
        """For how many seconds the client has sent nothing."""
        return max(0, (self.keyspace.now_us - self.last_active_us) // 1_000_000)

    def age_s(self) -> i64:
        """For how many seconds the client has been connected."""
        return max(0, (self.keyspace.now_us - self.created_us) // 1_000_000)

    # Replies and messages.

    def set_protocol(self, protocol: i64) -> None:
        """Speak RESP2 or RESP3, beginning with the next reply."""
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
        """Whether replies go to the client: false after CLIENT REPLY OFF or SKIP."""
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
        """Note that a command begins whose reply is dropped."""
        self._skips_next = False

    def end_skipped(self) -> None:
        """At the end of that command: send replies again, unless it was CLIENT REPLY SKIP itself."""
        if self.gates & GATE_REPLY_SKIP and not self._skips_next:
            self.set_replies(True)

    def messages(self) -> RespSink:
        """The sink for a message, which is not a reply, to the client. Call :meth:`wake` after writing the message."""
        if self.is_closing():  # nothing follows the reply to QUIT
            return RespSink() if self.output.protocol == 2 else Resp3Sink()
        if self._replying == 0:
            return self.output
        if self._outbox is None:
            self._outbox = RespSink() if self.output.protocol == 2 else Resp3Sink()
        return self._outbox

    def send_message(self, data: bytes) -> None:
        """Send a message that is encoded already."""
        self.messages().raw(data)
        self.wake()

    def begin_reply(self) -> None:
        """Note that a command of this client begins: from now on messages wait for its end."""
        self._replying += 1

    def end_reply(self) -> None:
        """At the end of that command: let the messages that waited follow its reply."""
        self._replying -= 1
        if self._replying == 0 and self._outbox is not None:
            self.output.append_from(self._outbox)
            self._outbox = None

    def is_replying(self) -> bool:
        """Whether a command of this client is running."""
        return self._replying > 0

    # MULTI.

    def begin_transaction(self) -> None:
        """Queue commands from now on."""
        self.transaction.begin()
        self.set_gate(GATE_IN_MULTI, True)

    def leave_queueing(self) -> None:
        """Run commands instead of queueing them: EXEC has begun."""
        self.set_gate(GATE_IN_MULTI, False)

    def end_transaction(self) -> None:
        """Drop the queued commands and the watched keys, whether or not the transaction ran."""
        self.transaction.reset()
        self.set_gate(GATE_IN_MULTI, False)

    # Requests.

    def receive(self, data: bytes) -> None:
        """Take bytes that the client has sent, and run the requests that are complete."""
        size: i64 = len(data)
        self.runner.begin_batch(self, size)
        if size > self._query_buffer.steady_read:
            self._read_much(data)
        if self.holds:
            self._keep(data)
            return
        self.parser.feed(data)
        self.process()

    def arrive(self, data: bytes) -> None:
        """Take bytes that the client has sent; they are run by `run_arrived`, perhaps after `parse_arrived`."""
        self._arrived = data

    def has_arrived(self) -> bool:
        """Whether bytes wait for `run_arrived`."""
        return self._arrived is not None

    def parse_arrived(self) -> list[bytes] | None:
        """Parse the bytes that have arrived, if that has no other effect; returns the request if there is just one."""
        data = self._arrived
        assert data is not None
        if self._parsed is None:
            if self.holds or self._more or not self.parser.authenticated or len(data) > self._query_buffer.steady_read:
                return None
            self.parser.feed(data)
            self._parsed = self.parser.requests()
        return self._parsed[0] if len(self._parsed) == 1 else None

    def run_arrived(self) -> None:
        """Run the requests that are complete with the bytes that have arrived."""
        data = self._arrived
        requests = self._parsed
        assert data is not None
        self._arrived = None
        if requests is None:
            self.receive(data)
            return
        self._parsed = None
        self.runner.begin_batch(self, len(data))
        if self.holds:  # since the bytes were parsed
            self._set_aside(requests)
        else:
            self._process(requests)

    def _read_much(self, data: bytes) -> None:
        """Account for a read that may make the query buffer grow."""
        if self.is_connected:
            self._query_buffer.before_read(self.held_input(), self.parser.awaited_bulk(), data)
        self._more = True

    def _keep(self, data: bytes) -> None:
        """Keep input until the session goes on."""
        if not self.is_closing():
            self._more = True
            self._backlog.keep(data)
            self.runner.fit_query_buffer(self)

    def held_input(self) -> i64:
        """How many bytes were received that do not belong to a request that was parsed."""
        return self.parser.pending() + self._backlog.unread_bytes

    def process(self) -> None:
        """Run the requests that are complete, unless the session is held."""
        if not self.holds:
            self._process(self._more_requests() if self._more else self.parser.requests())

    def _process(self, requests: list[list[bytes]]) -> None:
        parser = self.parser
        # The first call does not give all complete requests if some arrived while the session was held, if there are
        # more than one stretch, or if the client must authenticate: then the parser gives one at a time.
        more_may_follow = self._more or not parser.authenticated
        if not requests:
            self.runner.fit_query_buffer(self)
        count: i64 = 0
        while requests:
            count += len(requests)
            self._run(requests)
            requests = self._more_requests() if more_may_follow and not self.holds else []
        if parser.error is not None and not self._backlog.has_requests() and not self.is_closing():
            self._end_with(parser.error)
        self.traffic.commands += count
        if count > self.stats.most_commands:
            self.stats.most_commands = count
        self.runner.end_batch()

    def _run(self, requests: list[list[bytes]]) -> None:
        """Run requests in order. If one of them holds the session, the rest goes to the backlog."""
        runner = self.runner
        output = self.output
        looks_ahead = COMPILED and len(requests) > 1
        allocator = self.keyspace.allocator
        is_held = allocator.hold_requests(requests)
        for at, argv in enumerate(requests):
            if looks_ahead and at % WINDOW == 0:
                self.db.look_ahead(requests, at)
            runner.execute(self, argv)
            if is_held:
                allocator.drop_request()
            if output.size() > self.output_alarm:
                runner.check_output(self)
                output = self.output
            if self.holds:
                self._set_aside(requests[at if self._is_postponed else at + 1 :])
                break
        if is_held:
            allocator.drop_requests()

    def _set_aside(self, requests: list[list[bytes]]) -> None:
        """Keep requests until the session goes on."""
        if not self.is_closing():
            self._backlog.put_back(requests)
        self._is_postponed = False
        self._more = True

    def _more_requests(self) -> list[list[bytes]]:
        """The next stretch of the requests that wait; empty if the client must first read its output."""
        if self.on_full is not None and self.output.size() > _FULL_BYTES:
            self.on_full()
            if self.is_held():
                return []
        requests = self._backlog.take(self.parser)
        self._more = len(requests) > 0
        return requests

    def is_held(self) -> bool:
        return self.holds != 0

    def postpone(self, hold: i64) -> None:
        """Hold the session before the command that was about to run. It will run when the session goes on."""
        self.holds |= hold
        self._is_postponed = True

    def _end_with(self, error: ProtocolError) -> None:
        """Reply with a protocol error, and close."""
        self.stats.count_error(error.message)
        self.output.error(error.message)
        self.close()

    def resume(self, hold: i64) -> None:
        """Remove a hold. If it was the last one, run the requests that have waited."""
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
        """Have the shell write the output, or disconnect a closing session."""
        if self.on_output is not None:
            self.on_output()

    def take_output(self) -> bytes:
        """Take the output since the last call, for a shell that writes it in one piece."""
        size = self.output.size()
        if size > 0:
            self.count_output(size)
        replies = self.memory.reply_buffer
        if replies.unsent > 0:  # counted while the batch ran; such a shell has no unsent output
            replies.set_unsent(0)
        return self.output.take()

    def count_output(self, size: i64) -> None:
        """Count ``size`` bytes of output, which the shell is taking now."""
        stats = self.stats
        stats.net_output_bytes += size
        self.traffic.output_bytes += size
        stats.writes_processed += 1
        if size > self.reply_peak:
            self.reply_peak = size
        self.output_alarm = self.memory.reply_buffer.size

    def output_peak(self) -> i64:
        """The most bytes that were in the reply buffer at once, in the last seconds."""
        replies = self.memory.reply_buffer
        return max(replies.peak, min(self.reply_peak, replies.size))

    def take_output_peak(self) -> i64:
        """Take the most bytes of output that there were at once since the last call."""
        peak = self.reply_peak
        self.reply_peak = 0
        return peak

    def wake(self) -> None:
        """Have the shell write a message soon, together with what other clients send to this one until then."""
        size = self.output.size()
        if size > self.output_alarm:
            self.output_alarm = size + OUTPUT_STEP
            self._output_grows()
        self.write_soon()

    def write_soon(self) -> None:
        """Have the shell write the output at the end of this turn of the event loop."""
        if not self._waking:
            self._waking = True
            self.runner.write_soon(self)

    def write_now(self) -> None:
        """Have the shell write the output now: `write_soon` has asked for it."""
        self._waking = False
        self.last_active_us = self.keyspace.now_us
        self.output_ready()

    def _output_grows(self) -> None:
        if not self.is_closing():
            self.runner.check_growing_output(self)

    def watch_output(self) -> None:
        """Check the limits on output while a long reply is being written, too."""
        self.output.on_growth = self._output_grows

    # The end. A session that is *connected* is in the engine's table of clients, and its blocks are in the ledger; one
    # that was refused never is. A *closing* session runs no more requests: the shell disconnects it when its output is
    # written, or at once if it is *aborted*. When the engine disconnects a session it closes it too.

    def is_closing(self) -> bool:
        return self.holds & HOLD_CLOSING != 0

    def close(self) -> None:
        """Run no more requests. The shell disconnects the client when the output is written."""
        self.holds |= HOLD_CLOSING

    def doom(self) -> None:
        """Drop all output, now and later. The client is disconnected as soon as no command is running."""
        self.aborted = True
        self.output.discard()
        self.close()

    def detach(self) -> None:
        """Drop the shell's callbacks, which refer to the shell: no garbage collector would find that cycle."""
        self.output.on_growth = None
        self.on_output = None
        self.on_full = None
        self.count_unsent = None
        self._backlog.clear()
