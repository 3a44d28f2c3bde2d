"""The dispatcher: the one place that runs commands.

The usual request passes four tests: the command is known, the number of arguments is right, memory is not near its
limit, and no gate is set. Its handler then runs at once. It also does if the one gate is that of a restricted user, and
the user's rules permit the call. If another gate is set, `admission` first decides whether the
command may run, and it runs through :meth:`Dispatcher._run`. So do commands inside another command (EXEC, later
scripts) and the commands of blocked clients that are served. What happens before and after a handler is therefore
written once, and calls nest::

    execute --- no gate ----------------------> handler
            `-- gate --> admission --.
    call (inside another command) ----+--> _run: before, handler, after
    run_again (a blocked client) ----'

At the end of the outermost call, clients are served that are blocked on keys which the command has made ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.admission import Admission
from pyredmem.engine.command import Handler
from pyredmem.engine.command_counters import CommandCounters
from pyredmem.engine.command_log import LoggedCommand
from pyredmem.engine.context import CallRunner, Context
from pyredmem.engine.engine import Engine
from pyredmem.engine.gates import (
    GATE_ACL,
    GATE_FAULTY,
    GATE_KEYS_AWAITED,
    GATE_LOGGED,
    GATE_MONITORED,
    GATE_NO_TOUCH,
    GATE_RECORDED,
    GATE_REPLY_SKIP,
    GATE_TRACKING,
)
from pyredmem.engine.session import HOLD_BLOCKED, Session
from pyredmem.engine.spec import (
    ALWAYS_TOUCHES,
    RUNS_QUEUE,
    RUNS_SCRIPT,
    TOUCHES_ARBITRARY_KEYS,
    Command,
    CommandTable,
)
from pyredmem.engine.verdict import ADMITTED, CLIENT_GONE, POSTPONED, QUEUED, refusal_text
from pyredmem.keyspace.recorder import Recorder
from pyredmem.protocol.reply import ReplySink

#: The error for an unknown command shows this much of its arguments, as in Redis (bytes).
_SHOWN_ARGUMENTS: Final = 128
#: Commands that are not recorded themselves: what they run is.
_RUNS_OTHERS: Final = RUNS_QUEUE | RUNS_SCRIPT
#: Words that begin a line of HTTP and are no commands (Redis 7.2 processCommand).
_WORDS_OF_HTTP: Final = frozenset((b"post", b"host:"))


class _Entry:
    """What a plain request needs to know about a command, found by one lookup of the command's name."""

    def __init__(self, command: Command, handler: Handler, counters: CommandCounters) -> None:
        self.command = command
        self.arity: i64 = command.arity
        self.handler: Handler = handler
        self.counters = counters


class Dispatcher(CallRunner):
    """Runs the requests of all clients of an engine."""

    __deletable__ = ("_context",)

    def __init__(self, engine: Engine, handlers: list[Handler]) -> None:
        core = engine.core
        self.engine = engine
        self._core = core
        self._access = engine.access
        self._table: CommandTable = engine.commands
        self._handlers = handlers  # by the index of the command
        self._statistics = core.statistics
        self._gates = core.gates
        self._keyspace = core.keyspace
        self._allocator = core.allocator
        self._clock = core.clock
        self._stats = core.stats
        self._script_run = engine.script_run
        self._admission = Admission(
            core,
            engine.access,
            engine.clients,
            engine.faults,
            engine.memory_limit,
            engine.pause,
            engine.script_run,
            engine.tracking,
        )
        self._entries: dict[bytes, _Entry] = {}  # the commands that were called, by their usual spellings
        self._depth: i64 = 0  # how many calls are running, one inside another; plain requests are not counted
        nobody = Session(self, core.keyspace, core.stats, 0, "none", "", "")
        self._context = Context(self, engine, nobody, nobody.reply)  # shared by all plain requests

    def close(self) -> None:
        """Run nothing any more: drop the context, which refers to this dispatcher and to the last session."""
        del self._context

    # A client's request.

    def execute(self, session: Session, argv: list[bytes]) -> None:
        """Run or refuse one request of a client, and reply."""
        entry = self._entries.get(argv[0])
        if entry is None:
            entry = self._find(session, argv)
            if entry is None:
                return
        command = entry.command
        count: i64 = len(argv)
        arity = entry.arity
        if count != arity and (arity > 0 or count < -arity):
            self._refuse_early(session, command, argv, errors.wrong_arity(command.full_name).message)
            return
        session.command = command
        gates = self._gates
        recorder: Recorder | None = None
        if session.gates or gates.bits or self._allocator.used_memory > gates.memory_alarm_bytes:
            if gates.bits == GATE_RECORDED and session.gates == 0 and self._is_within_limit():
                recorder = self._keyspace.changes.recorder
            elif session.gates != GATE_ACL or not self._is_plain(session, command, argv):
                self._execute_gated(session, command, argv)
                return
        keyspace = self._keyspace
        start = keyspace.now_us
        context = self._context
        context.session = session
        context.db = session.db
        context.reply = session.reply
        try:
            if recorder is None:
                entry.handler(context, argv)
            else:
                self._run_recorded(recorder, context, command, argv)
        except CommandError as error:
            self._fail(context, command, error)
        end = self._clock.now_us()
        keyspace.now_us = end
        duration = end - start
        counters = entry.counters
        if 0 <= duration < counters.direct_limit:
            counters.direct[duration] += 1
        else:
            self._record(session, command, argv, duration)

    def _is_within_limit(self) -> bool:
        return self._allocator.used_memory <= self._gates.memory_alarm_bytes

    def _find(self, session: Session, argv: list[bytes]) -> _Entry | None:
        """The entry for a command that was not called by this name yet; None if the request needs no handler any more.

        Subcommands and commands that run scripts have no entry that stays: each of their requests comes here.
        """
        command = self._table.lookup(argv)
        if command is None or (command.is_container and (len(argv) > 1 or not command.runs_alone)):
            self._refuse_unknown(session, command, argv)
            return None
        if command.flags & RUNS_SCRIPT:
            self._execute_script(session, command, argv)
            return None
        entry = _Entry(command, self._handlers[command.index], self._statistics.of(command))
        named = self._table.by_spelling.get(argv[0])
        if named is command and not command.is_container:
            self._entries[argv[0]] = entry
        return entry

    def forget_handlers(self) -> None:
        """Look all handlers up again: a test has replaced some in the registry."""
        self._entries.clear()

    def _is_plain(self, session: Session, command: Command, argv: list[bytes]) -> bool:
        """Whether the rules of the client's user permit a request, and no other gate is set."""
        if self._gates.bits or not self._is_within_limit():
            return False
        return self._access.denial(session.user, command, argv) is None

    def _execute_script(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Run or refuse a command that runs a script."""
        if not command.spec.accepts(len(argv)):
            self._refuse_early(session, command, argv, errors.wrong_arity(command.full_name).message)
            return
        session.command = command
        self._execute_gated(session, command, argv)

    def _execute_gated(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Run, refuse, queue or postpone a request for which a gate is set, or which runs a script."""
        if session.transaction.flags_of_call(command) & RUNS_SCRIPT and not self._script_run.is_suspended():
            self._script_run.execute(session, lambda: self._execute_checked(session, command, argv))
        else:
            self._execute_checked(session, command, argv)

    def _execute_checked(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Check whether a request may run now, and do what the verdict says."""
        skips_reply = session.gates & GATE_REPLY_SKIP != 0
        if skips_reply:
            session.begin_skipped()
        core = self._core
        acting_id = core.acting_id
        core.acting_id = session.id
        self._depth += 1
        outcome = CLIENT_GONE
        logged: LoggedCommand | None = None
        try:
            verdict = self._admission.admit(session, command, argv)
            outcome = verdict.outcome
            if outcome != POSTPONED:
                logged = self._log(session, command, argv)
            if outcome == ADMITTED:
                start = self._keyspace.now_us
                self._run_outermost(Context(self, self.engine, session, session.reply), command, argv)
                end = self._clock.now_us()
                self._keyspace.now_us = end
                self._record(session, command, argv, end - start)
            elif outcome == QUEUED:
                session.reply.simple(b"QUEUED")
            elif outcome not in {POSTPONED, CLIENT_GONE}:
                self._refuse(session, command, verdict.message)
        finally:
            self._depth -= 1
            core.acting_id = acting_id
            if logged is not None:
                self._end_log(session, logged)
            if skips_reply and outcome != POSTPONED:
                session.end_skipped()
        if self._gates.bits & GATE_FAULTY:
            self.engine.faults.end_call(session)
        if outcome == ADMITTED:
            self._end_outermost()

    def _run_outermost(self, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command that a client has sent; messages to the client follow its reply.

        Those that admission causes do not wait: nothing of the reply has been written by then, whatever the outcome.
        """
        session = context.session
        session.begin_reply()
        try:
            self._run(context, command, argv)
        finally:
            if self.engine.tracking.waiting:
                self.engine.tracking.send_waiting()
            session.end_reply()

    # Calls inside other calls.

    def call(self, caller: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command inside a running one, such as EXEC, which has made all checks; the time stands still."""
        context = Context(self, self.engine, caller.session, caller.reply)
        context.may_block = False
        start = self._clock.now_us()
        self._run(context, command, argv)
        caller.reply = context.reply  # HELLO may have changed the protocol
        self._record(caller.session, command, argv, self._clock.now_us() - start)

    def replay(self, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command of an append-only file. The time stands still, nothing is checked, nothing is counted."""
        context.session.command = command
        self._run(context, command, argv)

    def run_again(self, session: Session, command: Command, argv: list[bytes], reply: ReplySink) -> bool:
        """Run the command of a blocked client again; returns false if it still finds nothing and stays blocked."""
        context = Context(self, self.engine, session, reply)
        context.is_retry = True
        core = self._core
        acting_id = core.acting_id
        core.acting_id = session.id
        self._depth += 1
        try:
            message = self._admission.admit_retry(session, command, argv)
            if message is None:
                self._run_outermost(context, command, argv)
            else:
                self._statistics.of(command).rejected += 1
                self._stats.count_error(message)
                reply.error(message)
        finally:
            self._depth -= 1
            core.acting_id = acting_id
        return not context.blocked_again

    def _run(self, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a handler, and do what has to be done before and after it, whether it fails or not."""
        keyspace = self._keyspace
        session = context.session
        no_touch = keyspace.no_touch
        leaves_access = session.gates & GATE_NO_TOUCH != 0 and not command.flags & ALWAYS_TOUCHES
        if leaves_access != no_touch:
            keyspace.set_no_touch(leaves_access)
        recorder = keyspace.changes.recorder
        try:
            if recorder is None:
                self._handlers[command.index](context, argv)
            else:
                self._run_recorded(recorder, context, command, argv)
        except CommandError as error:
            self._fail(context, command, error)
        finally:
            if keyspace.no_touch != no_touch:
                keyspace.set_no_touch(no_touch)
        if session.gates & GATE_TRACKING:
            self.engine.tracking.remember(session, command, argv)
            if session.holds & HOLD_BLOCKED == 0:  # else the command has not ended
                self.engine.tracking.end_caching(session, command)
        if self._gates.bits & GATE_MONITORED and not context.is_retry:
            self.engine.monitors.feed(session, context.db.index, command, argv)

    def _run_recorded(self, recorder: Recorder, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a handler while writes are being recorded."""
        dirty = self._keyspace.changes.since_save()
        outer = recorder.begin()
        try:
            self._handlers[command.index](context, argv)
        finally:
            has_changed = self._keyspace.changes.since_save() > dirty and not command.flags & _RUNS_OTHERS
            together = command.flags & TOUCHES_ARBITRARY_KEYS == 0
            recorder.end(outer, context.db.index, argv, has_changed, together)
            context.session.recorded_units = recorder.units

    def _end_outermost(self) -> None:
        """Serve blocked clients if this was the end of the outermost call."""
        if self._depth == 0 and self._gates.bits & GATE_KEYS_AWAITED:
            self.engine.blocking.serve()

    # Recording calls, and counting them.

    def _log(self, session: Session, command: Command | None, argv: list[bytes]) -> LoggedCommand | None:
        """Record a request, if requests are being recorded."""
        return self.engine.command_log.add(session, command, argv) if self._gates.bits & GATE_LOGGED else None

    def _end_log(self, session: Session, logged: LoggedCommand) -> None:
        """Record the reply, now or when the client has been blocked long enough."""
        if session.holds & HOLD_BLOCKED:
            self.engine.blocking.log(session, logged)
        else:
            logged.end_reply(session)

    def _record(self, session: Session, command: Command, argv: list[bytes], duration_us: i64) -> None:
        """Count a call that is the first of its command, or slow, or ran with a gate set or inside another call."""
        if duration_us < 0:  # the clock was set back
            duration_us = 0
        counters = self._statistics.of(command)
        if duration_us < counters.direct_limit:
            counters.direct[duration_us] += 1
            return
        if session.holds & HOLD_BLOCKED:  # the call counts when the client has its reply
            self.engine.blocking.note_sent(session, argv, duration_us)
            return
        self._statistics.record(command, duration_us)
        if duration_us >= self._statistics.notice_us:
            self.engine.slow_commands.notice(session, command, argv, duration_us)

    def _fail(self, context: Context, command: Command, error: CommandError) -> None:
        """Count an error that a handler raised, and reply with it."""
        self._statistics.of(command).failed += 1
        self._stats.count_error(error.message)
        context.reply.error(error.message)

    # Refusals.

    def _refuse_unknown(self, session: Session, command: Command | None, argv: list[bytes]) -> None:
        """Refuse an unknown command, or a container whose subcommand is missing or unknown."""
        if command is None and argv[0].lower() in _WORDS_OF_HTTP:
            self._break_off_http(session)
        else:
            counted = command if len(argv) < 2 else None  # a container does not count its unknown subcommands
            self._refuse_early(session, counted, argv, _unknown(command, argv))

    def _refuse_early(self, session: Session, command: Command | None, argv: list[bytes], message: bytes) -> None:
        """Refuse a request without looking at any gate but those of CLIENT REPLY SKIP and of the command log."""
        logged = self._log(session, command, argv)
        self._refuse(session, command, message if command is None else refusal_text(command, message))
        if logged is not None:
            logged.end_reply(session)
        if session.gates & GATE_REPLY_SKIP:
            session.begin_skipped()
            session.end_skipped()

    def _refuse(self, session: Session, command: Command | None, message: bytes) -> None:
        """Reply with an error instead of running the command. In MULTI, EXEC will then refuse the transaction."""
        if command is not None:
            self._statistics.of(command).rejected += 1
            if command.flags & RUNS_QUEUE:
                session.end_transaction()
        self._stats.count_error(message)
        if session.transaction.active:
            session.transaction.aborted = True
        if session.gates & GATE_TRACKING:
            self.engine.tracking.end_caching(session, command)
        session.reply.error(message)

    def _break_off_http(self, session: Session) -> None:
        """Disconnect a client that speaks HTTP: a web page may be using a browser to send commands."""
        self._core.host.log(
            "warning",
            "Possible SECURITY ATTACK detected: a client sent POST or Host: as a command, as in cross protocol "
            f"scripting. The connection from {session.address} has been closed.",
        )
        session.output.take()
        session.close()

    # Calls from sessions.

    def begin_batch(self, session: Session, size: i64) -> None:
        now_us = self._clock.now_us()
        self._keyspace.now_us = now_us
        session.last_active_us = now_us
        stats = self._stats
        stats.batch_start_us = now_us
        stats.reads_processed += 1
        stats.net_input_bytes += size
        session.traffic.input_bytes += size

    def continue_batch(self) -> None:
        now_us = self._clock.now_us()
        self._keyspace.now_us = now_us
        self._stats.batch_start_us = now_us

    def end_batch(self) -> None:
        self.engine.end_batch()

    def defer(self, chore: Callable[[], None]) -> None:
        self._core.chores.defer(chore)

    def write_soon(self, session: Session) -> None:
        self._core.outgoing.add(session)

    def fit_query_buffer(self, session: Session) -> None:
        self.engine.clients.fit_query_buffer(session)

    def check_output(self, session: Session) -> None:
        self.engine.clients.check_output(session)

    def check_growing_output(self, session: Session) -> None:
        self.engine.clients.check_growing_output(session)


def _unknown(container: Command | None, argv: list[bytes]) -> bytes:
    """The error for an unknown command, or for a container whose subcommand is missing or unknown."""
    if container is not None:
        if len(argv) < 2:
            return errors.wrong_arity(container.full_name).message
        return errors.unknown_subcommand(argv[0], argv[1]).message
    shown = b""
    for argument in argv[1:]:
        if len(shown) >= _SHOWN_ARGUMENTS:
            break
        shown += b"'" + errors.as_c_string(argument, _SHOWN_ARGUMENTS - len(shown)) + b"' "
    name = errors.as_c_string(argv[0], _SHOWN_ARGUMENTS)
    return b"ERR unknown command '" + name + b"', with args beginning with: " + shown
