"""From a request to its handler: lookup, the checks before, the counting after.

The usual request passes four tests: the command is known, the number of arguments fits, memory is within its limit, and
no gate is set (neither of the session: transaction, authentication ..., nor of the engine: pause, monitors ...). Only
behind a gate are the rarer questions asked, in Redis's order (Redis 7.2 processCommand).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.command import (
    DENYOOM,
    MAY_REPLICATE,
    NO_AUTH,
    NO_MULTI,
    PROTECTED,
    READONLY,
    WRITE,
    Command,
    CommandTable,
)
from pyredmem.engine.latency_histogram import DIRECT
from pyredmem.engine.session import (
    IN_TRANSACTION,
    MONITORING,
    NEEDS_AUTH,
    NO_TOUCH,
    REPLY_OFF,
    REPLY_SKIP,
    SUBSCRIBED,
    TRACKING,
    Session,
)
from pyredmem.memory.layout import HISTOGRAM_COUNTERS_SIZE, HISTOGRAM_SIZE
from pyredmem.structures.dict_core import UNLIMITED

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

# Gates of the engine; the sessions' take the lower bits.
PAUSED: Final = 1 << 17
MONITORED: Final = 1 << 18
TRACKED: Final = 1 << 19
CLIENTS_LIMITED: Final = 1 << 20
KEYS_AWAITED: Final = 1 << 21
#: Gates with work to do behind a command.
_BEHIND: Final = REPLY_OFF | REPLY_SKIP | NO_TOUCH | TRACKING | MONITORED | TRACKED | KEYS_AWAITED

#: What Redis shows of the arguments of an unknown command (bytes).
_SHOWN_ARGUMENTS: Final = 128
_IMMEDIATE_IN_TRANSACTION: Final = frozenset((b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"))
_ALLOWED_WHILE_SUBSCRIBED: Final = frozenset(
    (b"ping", b"subscribe", b"ssubscribe", b"psubscribe", b"unsubscribe", b"sunsubscribe", b"punsubscribe", b"quit",
    b"reset")
)  # fmt: skip
#: Words that begin lines of HTTP and are no commands (Redis 7.2 processCommand).
_WORDS_OF_HTTP: Final = frozenset((b"post", b"host:"))
_ALLOWED_OUT_OF_MEMORY: Final = frozenset((b"exec", b"discard", b"quit", b"reset"))


#: Keys that expire while one of these runs are recorded one by one (Redis 7.2 touches_arbitrary_keys).
_TOUCHES_ARBITRARY_KEYS: Final = frozenset((b"scan", b"randomkey"))


class Dispatcher:
    """Runs requests."""

    def __init__(self, engine: Engine, commands: CommandTable) -> None:
        self.engine = engine
        self.commands = commands
        self.keyspace = engine.keyspace
        self.clock = engine.clock
        self.stats = engine.stats
        self.allocator = engine.allocator
        self.by_spelling = commands.by_spelling
        self.gates: i64 = 0
        self.memory_bytes: i64 = UNLIMITED  # in use from which on the memory limit is asked before each command
        self.notice_us: i64 = 1 << 62  # commands that take so long are told to the slow log and latency monitor
        self.tracks_latency = True  # latency-tracking

    def set_gate(self, gate: i64, on: bool) -> None:
        """Set or clear one of the engine's gates."""
        self.gates = self.gates | gate if on else self.gates & ~gate

    def set_paused(self, on: bool) -> None:
        """Ask before each command whether it has to wait."""
        self.set_gate(PAUSED, on)

    def set_monitored(self, on: bool) -> None:
        """Show each command to the monitors."""
        self.set_gate(MONITORED, on)

    def set_tracked(self, on: bool) -> None:
        """Tell client-side caching which client acts."""
        self.set_gate(TRACKED, on)

    def set_clients_limited(self, on: bool) -> None:
        """Hold the memory of all clients to its limit before each command."""
        self.set_gate(CLIENTS_LIMITED, on)

    def set_keys_awaited(self, on: bool) -> None:
        """Look behind each command for blocked clients that can be served."""
        self.set_gate(KEYS_AWAITED, on)

    def execute(self, session: Session, argv: list[bytes]) -> None:
        """Run or refuse one request of a client, and reply."""
        command = self.by_spelling.get(argv[0])
        if command is None or command.is_container:
            command = self.commands.lookup(argv)
            if command is None or (command.is_container and (len(argv) > 1 or not command.runs_alone)):
                if command is None and argv[0].lower() in _WORDS_OF_HTTP:
                    self._break_off_http(session)
                else:
                    self._refuse(session, command, _unknown(command, argv))
                return
        count: i64 = len(argv)
        arity = command.arity
        if count != arity and (arity > 0 or count < -arity):
            self._refuse(session, command, errors.wrong_arity(command.full_name).message)
            return
        session.command = command
        gates = session.gates | self.gates
        if (gates or self.allocator.used_memory > self.memory_bytes) and not self._passes_gates(session, command, argv):
            return
        keyspace = self.keyspace
        start = keyspace.now_us
        try:
            if keyspace.recorder is None:
                command.handler(session.context, argv)
            else:
                self._run_recorded(session, command, argv)
        except CommandError as error:
            self._fail(session, command, error)
        end = self.clock.now_us()
        keyspace.now_us = end
        duration = end - start
        if 0 <= duration < command.direct_limit:
            command.direct[duration] += 1
        else:
            self._record(session, command, argv, duration)
        if gates and gates & _BEHIND:
            self._tell_observers(session, command, argv)
            self._leave_gates(session, gates)
            if gates & KEYS_AWAITED:
                self.engine.blocking.serve()

    def _run_recorded(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Run a handler while somebody records the changes."""
        keyspace = self.keyspace
        recorder = keyspace.recorder
        assert recorder is not None
        recorder.enter()
        outer = recorder.begin_command()
        dirty = keyspace.dirty
        context = session.context
        try:
            command.handler(context, argv)
        finally:
            changed = keyspace.dirty != dirty and command.full_name != b"exec"
            recorder.end_command(outer, context.db.index, argv, changed)
            recorder.leave(command.full_name not in _TOUCHES_ARBITRARY_KEYS)

    def _break_off_http(self, session: Session) -> None:
        """Disconnect what speaks HTTP: a web page may be trying to make a browser send commands."""
        self.engine.host.log(
            "warning",
            "Possible SECURITY ATTACK detected: a client sent POST or Host: as a command, as in cross protocol "
            f"scripting. Connection from {session.address} closed.",
        )
        session.reply.truncate(0)
        session.close()

    def call(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Run a command on behalf of one that is running, such as EXEC: the time stands still, checks were made."""
        no_touch = session.gates & NO_TOUCH != 0  # which the command itself may change
        if no_touch:
            self.keyspace.set_no_touch(command.full_name != b"touch")
        start = self.clock.now_us()
        try:
            if self.keyspace.recorder is None:
                command.handler(session.context, argv)
            else:
                self._run_recorded(session, command, argv)
        except CommandError as error:
            self._fail(session, command, error)
        self._record(session, command, argv, self.clock.now_us() - start)
        if no_touch:
            self.keyspace.set_no_touch(False)
        if (session.gates | self.gates) & _BEHIND:
            self._tell_observers(session, command, argv)

    def run_again(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Run the command of a blocked client once more, behind the command of another one."""
        if self._is_out_of_memory_again(session, command, argv):
            return
        if self.gates & TRACKED:
            self.engine.tracking.begin(session)
        no_touch = session.gates & NO_TOUCH != 0
        if no_touch:
            self.keyspace.set_no_touch(True)
        try:
            if self.keyspace.recorder is None:
                command.handler(session.context, argv)
            else:
                self._run_recorded(session, command, argv)
        except CommandError as error:
            self._fail(session, command, error)
        if no_touch:
            self.keyspace.set_no_touch(False)
        if session.gates & TRACKING:
            self.engine.tracking.remember(session, command, argv)
        if self.gates & TRACKED:
            self.engine.tracking.end()

    def _is_out_of_memory_again(self, session: Session, command: Command, argv: list[bytes]) -> bool:
        """Whether a command that waited cannot be run because memory is short by now; it is answered then."""
        if self.allocator.used_memory <= self.memory_bytes or self.engine.memory_limit.make_room(argv):
            return False
        if not command.flags & DENYOOM:
            return False
        command.rejected += 1
        self.stats.count_error(errors.OUT_OF_MEMORY)
        session.context.reply.error(errors.OUT_OF_MEMORY)
        return True

    def _fail(self, session: Session, command: Command, error: CommandError) -> None:
        """Answer for a handler that refused."""
        command.failed += 1
        self.stats.count_error(error.message)
        session.context.reply.error(error.message)

    def _tell_observers(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Show a command that was run to client-side caching and to the monitors."""
        if session.gates & TRACKING:
            self.engine.tracking.remember(session, command, argv)
        if self.gates & MONITORED:
            self.engine.monitors.feed(session, command, argv)

    def _record(self, session: Session, command: Command, argv: list[bytes], duration: i64) -> None:
        """Count a call that is the command's first, or slow."""
        if duration < 0:  # the clock was set back
            duration = 0
        if command.histogram is None and self.tracks_latency:
            alloc = self.engine.allocator.alloc
            command.start_histogram([int(alloc(HISTOGRAM_SIZE)), int(alloc(HISTOGRAM_COUNTERS_SIZE))])
            command.direct_limit = self._direct_limit()
        command.record(duration, self.tracks_latency)
        if duration >= self.notice_us:
            self.engine.notice_slow(session, command, argv, duration)

    def _direct_limit(self) -> i64:
        if not self.tracks_latency:
            return 0
        return self.notice_us if self.notice_us < DIRECT else DIRECT

    def set_noticing(self, tracks_latency: bool, notice_us: i64) -> None:
        """Say whether histograms are kept, and from how many microseconds on a call is told to the engine."""
        self.tracks_latency = tracks_latency
        self.notice_us = notice_us
        for command in self.commands.all():
            if command.histogram is not None:
                command.direct_limit = self._direct_limit()

    def _refuse(self, session: Session, command: Command | None, message: bytes) -> None:
        """Answer with an error before the command was run; a transaction cannot be executed any more."""
        if command is not None:
            command.rejected += 1
            if command.full_name == b"exec":
                message = errors.exec_refused(message).message
                session.end_transaction()
        self.stats.count_error(message)
        if session.transaction.active:
            session.transaction.aborted = True
        if session.gates & (REPLY_OFF | REPLY_SKIP) and session.reply_mark < 0:  # refused before the gates
            session.set_gate(REPLY_SKIP, False)
        else:
            session.context.reply.error(message)

    def _passes_gates(self, session: Session, command: Command, argv: list[bytes]) -> bool:
        """Whether a command is to be run now; if not it has been answered."""
        gates = session.gates
        if gates & (REPLY_OFF | REPLY_SKIP):
            session.reply_mark = session.reply.size()
        message = self._objection(session, command)
        if message is None:
            if self.gates & CLIENTS_LIMITED and not self.engine.clients.make_room(session):
                session.reply_mark = -1
                return False
            message = self._objection_of_state(session, command, argv)
        if message is not None:
            self._refuse(session, command, message)
            self._leave_gates(session, gates)
            return False
        if self.gates & PAUSED and self.engine.pause.holds(session, command):
            session.reply_mark = -1
            return False
        name = command.full_name
        if gates & IN_TRANSACTION and name not in _IMMEDIATE_IN_TRANSACTION:
            session.transaction.enqueue(command, argv)
            session.reply.simple(b"QUEUED")
            self._leave_gates(session, gates)
            return False
        if gates & NO_TOUCH:
            self.keyspace.set_no_touch(name != b"touch")
        if self.gates & TRACKED:
            self.engine.tracking.begin(session)
        return True

    def _leave_gates(self, session: Session, gates: i64) -> None:
        """What has to be done behind a command; ``gates`` are those of before it."""
        if gates & NO_TOUCH:
            self.keyspace.set_no_touch(False)
        if session.reply_mark >= 0:
            session.reply.truncate(session.reply_mark)
            session.reply_mark = -1
            if gates & REPLY_SKIP:
                session.set_gate(REPLY_SKIP, False)
        if gates & TRACKED:
            self.engine.tracking.end()

    def _objection(self, session: Session, command: Command) -> bytes | None:
        """Why a command may not be given by this client, or not here; None if it may."""
        gates = session.gates
        if command.flags & PROTECTED and not self.engine.clients.may_debug(session):
            return errors.DEBUG_NOT_ALLOWED
        if gates & NEEDS_AUTH and not command.flags & NO_AUTH:
            return errors.NOT_AUTHENTICATED
        if gates & IN_TRANSACTION and command.flags & NO_MULTI:
            return errors.NOT_IN_TRANSACTION
        return None

    def _objection_of_state(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """Why a command cannot be run as things are; None if it can."""
        gates = session.gates
        name = command.full_name
        if self.allocator.used_memory > self.memory_bytes and not self.engine.memory_limit.make_room(argv):
            in_transaction = gates & IN_TRANSACTION != 0
            if (in_transaction and name not in _ALLOWED_OUT_OF_MEMORY) or command.flags & DENYOOM:
                return errors.OUT_OF_MEMORY
            if name == b"exec" and any(queued.command.has(DENYOOM) for queued in session.transaction.queue):
                return errors.OUT_OF_MEMORY
        if gates & SUBSCRIBED and session.reply.protocol == 2 and name not in _ALLOWED_WHILE_SUBSCRIBED:
            return (
                b"ERR Can't execute '" + name + b"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
                b"are allowed in this context"
            )
        if gates & MONITORING and command.flags & (WRITE | READONLY | MAY_REPLICATE):
            return b"ERR Replica can't interact with the keyspace"
        return None


def _unknown(container: Command | None, argv: list[bytes]) -> bytes:
    """The refusal of a name that is no command, or of a container without a known subcommand."""
    if container is not None:
        if len(argv) < 2:
            return errors.wrong_arity(container.full_name).message
        return errors.unknown_subcommand(container.full_name, argv[1]).message
    shown = b""
    for argument in argv[1:]:
        if len(shown) >= _SHOWN_ARGUMENTS:
            break
        shown += b"'" + errors.as_c_string(argument, _SHOWN_ARGUMENTS - len(shown)) + b"' "
    name = errors.as_c_string(argv[0], _SHOWN_ARGUMENTS)
    return b"ERR unknown command '" + name + b"', with args beginning with: " + shown
