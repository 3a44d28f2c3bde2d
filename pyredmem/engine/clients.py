"""All clients of an engine: which may connect, when one is disconnected, what their buffers take, and their figures.

The timer visits every client about once a second, and at least five clients at each tick. A visit does what Redis's
clientsCron does: it disconnects a client that has been idle for too long, fits the sizes of its buffers to their use,
checks the limits on its output and counts its memory. So the figure for a client's memory is as old as the last visit.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.authentication import Authentication
from pyredmem.engine.blocking import Blocking
from pyredmem.engine.client_eviction import EXCEEDED, ClientEviction
from pyredmem.engine.client_info import describe
from pyredmem.engine.core import Core
from pyredmem.engine.faults import Faults
from pyredmem.engine.gates import GATE_FAULTY, GATE_MONITOR, GATE_SUBSCRIBED
from pyredmem.engine.lazyfree_task import LazyFreeTask
from pyredmem.engine.monitor import Monitors
from pyredmem.engine.output_limits import Limit, OutputLimits
from pyredmem.engine.pause import Pause
from pyredmem.engine.pubsub import PubSub
from pyredmem.engine.script_run import ScriptRun
from pyredmem.engine.session import HOLD_BLOCKED, HOLD_DELAYED, HOLD_PAUSED, HOLD_UNREAD, OUTPUT_STEP, Runner, Session
from pyredmem.engine.tracking import Tracking
from pyredmem.protocol.null_sink import NullSink

NORMAL: Final = b"normal"
PUBSUB: Final = b"pubsub"
PRIMARY: Final = b"master"
REPLICA: Final = b"replica"

TOO_MANY: Final = b"ERR max number of clients reached"
PROTECTED: Final = (
    b"DENIED The server is in protected mode: it has no password, so it serves only clients on its own machine. "
    b"Set a password with requirepass, or turn protected-mode off if no stranger can reach the port."
)

#: A client without an output limit runs no further requests while more than this is unsent (bytes).
UNREAD_BYTES: Final = 1024 * 1024

_TOO_MUCH_OUTPUT: Final = "its unsent output exceeds client-output-buffer-limit"

_VISITS_PER_TICK: Final = 5
#: The number of seconds that the recent maxima in INFO cover.
_SLOTS: Final = 8


class Clients:
    """Connects, visits and disconnects the clients of one engine."""

    def __init__(
        self,
        core: Core,
        authentication: Authentication,
        blocking: Blocking,
        faults: Faults,
        lazyfree_task: LazyFreeTask,
        monitors: Monitors,
        pause: Pause,
        pubsub: PubSub,
        script_run: ScriptRun,
        tracking: Tracking,
    ) -> None:
        self._core = core
        self._authentication = authentication
        self._blocking = blocking
        self._faults = faults
        self._lazyfree_task = lazyfree_task
        self._monitors = monitors
        self._pause = pause
        self._pubsub = pubsub
        self._script_run = script_run
        self._tracking = tracking
        self._runner: Runner | None = None
        self._next_id: i64 = 1
        self.limits = OutputLimits(core.settings)
        self.eviction = ClientEviction(core, self.drop)
        self.buffer_shrinks: i64 = 0
        self.buffer_expands: i64 = 0
        #: For each of the last seconds, the largest query buffer and the most unsent output of a client (bytes).
        self._recent_input = [0] * _SLOTS
        self._recent_output = [0] * _SLOTS
        self.query_limit: i64 = 0
        self._max_bulk: i64 = 0
        self._timeout_s: i64 = 0
        self._round: list[Session] = []
        self._last_tick_ms: i64 = 0
        core.settings.follow(("client-query-buffer-limit", "proto-max-bulk-len", "timeout"), self._settings_changed)
        self._provide_figures()
        core.owners.register("clients", self.addresses)
        core.cron.every(0, self.visit_some)

    def _settings_changed(self) -> None:
        integer = self._core.settings.integer
        self.query_limit = integer("client-query-buffer-limit")
        self._timeout_s = integer("timeout")
        self._max_bulk = integer("proto-max-bulk-len")
        for session in self._core.sessions.values():
            session.parser.max_bulk = self._max_bulk

    def _provide_figures(self) -> None:
        provide = self._core.figures.provide
        self._core.figures.on_reset(self.reset_counters)
        provide(figures.BLOCKED_CLIENTS, self.blocked)
        provide(figures.SUBSCRIBED_CLIENTS, self.subscribed)
        provide(figures.WATCHING_CLIENTS, self.watching)
        provide(figures.RECENT_MAX_INPUT_BUFFER, self.recent_max_input)
        provide(figures.RECENT_MAX_OUTPUT_BUFFER, self.recent_max_output)
        provide(figures.EVICTED_CLIENTS, lambda: int(self.eviction.evicted))
        provide(figures.REPLY_BUFFER_SHRINKS, lambda: int(self.buffer_shrinks))
        provide(figures.REPLY_BUFFER_EXPANDS, lambda: int(self.buffer_expands))
        provide(figures.CLIENTS_BYTES, lambda: int(self.eviction.total_bytes))

    # Figures.

    def subscribed(self) -> int:
        """The number of clients that are subscribed to something."""
        return sum([1 for session in self._core.sessions.values() if session.gates & GATE_SUBSCRIBED])

    def watching(self) -> int:
        """The number of clients that watch keys."""
        return sum([1 for session in self._core.sessions.values() if session.transaction.watched])

    def blocked(self) -> int:
        """How many clients are waiting, for a key or for the end of a pause."""
        return sum([1 for session in self._core.sessions.values() if session.holds & (HOLD_BLOCKED | HOLD_PAUSED)])

    def recent_max_input(self) -> int:
        """The largest query buffer in the last seconds (bytes)."""
        return max(self._recent_input)

    def recent_max_output(self) -> int:
        """The most unsent output that one client had in the last seconds (bytes)."""
        return max(self._recent_output)

    def addresses(self) -> list[int]:
        owned: list[int] = []
        for session in self._core.sessions.values():
            owned += session.memory.addresses()
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        sessions = self._core.sessions.values()
        assert self.eviction.total_bytes == sum([session.counted_bytes for session in sessions])
        for session in sessions:
            session.memory.check()

    def reset_counters(self) -> None:
        """Set the counters to zero (CONFIG RESETSTAT)."""
        self.eviction.evicted = 0
        self.buffer_shrinks = 0
        self.buffer_expands = 0

    def describe(self, session: Session, argv: list[bytes] | None = None) -> bytes:
        """The line about a client in CLIENT LIST; ``argv`` is the command that it is running, if any."""
        return describe(session, self._tracking.of(session), self._core.profile, argv)

    # Kinds.

    def limit_of(self, session: Session) -> Limit:
        return self.limits.of(session.gates & GATE_SUBSCRIBED != 0)

    def may_debug(self, session: Session) -> bool:
        """Whether enable-debug-command lets a client use DEBUG."""
        allowed = self._core.settings.text("enable-debug-command")
        return allowed == "yes" or (allowed == "local" and is_local(session))

    # Connecting and disconnecting.

    def serve_with(self, runner: Runner) -> None:
        """Have ``runner`` run the requests of all clients that connect from now on."""
        self._runner = runner

    def nobody(self) -> Session:
        """A session for commands that no client sends; the list of clients and the ledger do not know it."""
        assert self._runner is not None
        session = Session(self._runner, self._core.keyspace, self._core.stats, 0, "none", "", "")
        session.reply = NullSink(2)
        return session

    def close(self) -> None:
        """Let nobody connect any more. All clients have been released."""
        if self._runner is not None:
            self._runner.close()
        self._runner = None
        self.eviction.close()

    def connect(self, kind: str, address: str, local_address: str) -> Session:
        """A session for a client of ``kind`` tcp, unix, tls or local. A refused one gets an error and is closed."""
        core = self._core
        assert self._runner is not None
        core.keyspace.now_us = core.clock.now_us()
        session = Session(self._runner, core.keyspace, core.stats, self._next_id, kind, address, local_address)
        refusal = self._refusal(session)
        if refusal is not None:
            session.output.error(refusal)
            session.close()
            core.stats.connections_rejected += 1
            return session
        self._next_id += 1
        core.sessions[int(session.id)] = session
        core.stats.connections_received += 1
        session.is_connected = True
        session.memory.open()
        session.output_alarm = session.memory.reply_buffer.size
        session.watch_output()
        session.parser.max_bulk = self._max_bulk
        self._authentication.begin(session)
        return session

    def _refusal(self, session: Session) -> bytes | None:
        """The error if a client may not connect; None if it may."""
        settings = self._core.settings
        if len(self._core.sessions) >= settings.integer("maxclients"):
            return TOO_MANY
        if self._core.gates.bits & GATE_FAULTY and self._faults.limits_clients():
            return TOO_MANY
        if settings.flag("protected-mode") and self._authentication.has_no_password() and not is_local(session):
            return PROTECTED
        return None

    def disconnect(self, session: Session) -> None:
        """Forget a client, and free what it has."""
        session.close()
        if not session.is_connected:  # it was refused, or has been disconnected already
            return
        if self._script_run.keeps(session):
            return
        session.is_connected = False
        del self._core.sessions[int(session.id)]
        self._lazyfree_task.take_queue(session)
        session.transaction.reset()
        self._blocking.forget(session)
        self._tracking.disable(session)
        self._monitors.remove(session)
        self._pubsub.unsubscribe_all(session)
        self._pause.forget(session)
        self._faults.forget(session)
        self.eviction.forget(session)
        session.memory.close()

    def release(self, session: Session) -> None:
        """Disconnect a client whose session the shell will not use again."""
        self.disconnect(session)
        session.detach()

    def drop(self, session: Session, reason: str = "") -> None:
        """Disconnect a client at once, without sending its unsent output, and log ``reason`` if there is one."""
        if reason:
            line = self.describe(session).decode("utf-8", "backslashreplace")
            self._core.host.log("warning", f"Closing client {line}: {reason}.")
        session.aborted = True
        session.output.take()
        self.disconnect(session)
        session.output_ready()

    def cut(self, sessions: list[Session], caller: Session) -> None:
        """Disconnect clients; if the one whose command is running is among them, it gets its reply first."""
        for session in sessions:
            if session is caller:
                session.close()
            else:
                self.drop(session)

    # Input.

    def fit_query_buffer(self, session: Session) -> None:
        """Fit the query buffer to input that cannot run yet: it is incomplete, or something holds the session."""
        if not session.is_connected:
            return
        buffer = session.memory.query_buffer
        awaited = session.parser.awaited_bulk()
        held = session.held_input()
        if awaited >= buffer.capacity() - 2:
            buffer.await_bulk(awaited)
        else:
            buffer.hold(held)
        self.eviction.note_growth(session)
        if held + session.memory.queued_commands.argument_bytes > self.query_limit:
            self._core.stats.query_limit_disconnections += 1
            self.drop(session, "its query buffer exceeds client-query-buffer-limit")

    # Output.

    def check_output(self, session: Session) -> None:
        """Check the limits on output, since the output of the running batch has passed the session's alarm."""
        size = session.output.size()
        session.output_alarm = size + OUTPUT_STEP
        waiting = session.count_unsent() if session.count_unsent is not None else 0
        self.limit_output(session, waiting + size, session.output.largest_part())

    def check_growing_output(self, session: Session) -> None:
        """Check the limits on output while a command is writing to a session, without ending the command.

        A client that exceeds a limit gets no more output, and is disconnected after the batch (CLOSE_ASAP in Redis).
        """
        if not session.is_connected:
            return
        replies = session.memory.reply_buffer
        size = session.output.size()
        waiting = session.count_unsent() if session.count_unsent is not None else 0
        replies.set_unsent(waiting + size, session.output.largest_part())
        limit = self.limit_of(session)
        if session.output_watch.observe(limit, replies.blocks_bytes(), self._core.keyspace.now_ms()):
            self._core.stats.output_limit_disconnections += 1
            reason = _TOO_MUCH_OUTPUT
        elif self.eviction.recount(session):
            self.eviction.evicted += 1
            reason = EXCEEDED
        else:
            return
        session.doom()
        self._core.chores.defer(lambda: self._drop_doomed(session, reason))

    def _drop_doomed(self, session: Session, reason: str) -> None:
        """Disconnect a client that exceeded a limit, unless it has disconnected already."""
        if session.is_connected:
            self.drop(session, reason)

    def limit_output(self, session: Session, unsent: i64, largest: i64) -> bool:
        """Account for ``unsent`` bytes of output; returns false if the client is gone because that was too much.

        ``largest`` is the length of the longest new string in the output, which gets a block of its own.
        """
        if not session.is_connected:
            return False
        replies = session.memory.reply_buffer
        replies.set_unsent(unsent, largest)
        limit = self.limit_of(session)
        if session.output_watch.observe(limit, replies.blocks_bytes(), self._core.keyspace.now_ms()):
            self._core.stats.output_limit_disconnections += 1
            self.drop(session, _TOO_MUCH_OUTPUT)
            return False
        self.eviction.note_growth(session)
        return True

    def note_unsent(self, session: Session, unsent: i64) -> None:
        """Note that ``unsent`` bytes are still unsent. A client without a limit that has too many must read first."""
        if session.is_connected:
            session.memory.reply_buffer.set_unsent(unsent)
            if unsent > UNREAD_BYTES and self.limit_of(session).is_none():
                session.holds |= HOLD_UNREAD

    # The timer.

    def visit_some(self) -> None:
        """Visit the next clients: as many as it takes to visit each about once a second."""
        sessions = self._core.sessions
        now_ms = self._core.keyspace.now_ms()
        passed = min(max(now_ms - self._last_tick_ms, 0), 1000)
        self._last_tick_ms = now_ms
        self._clear_slot(now_ms // 1000 + 1)
        total: i64 = len(sessions)
        visits = max(total * passed // 1000, min(total, _VISITS_PER_TICK))
        while visits > 0:
            visits -= 1
            if not self._round:
                self._round = list(sessions.values())
                self._round.reverse()
                if not self._round:
                    return
            session = self._round.pop()
            if session.is_connected:
                self._visit(session, now_ms)
        self.eviction.evict()

    def _clear_slot(self, second: i64) -> None:
        slot = int(second % _SLOTS)
        self._recent_input[slot] = 0
        self._recent_output[slot] = 0

    def _visit(self, session: Session, now_ms: i64) -> None:
        idle_s = now_ms // 1000 - session.last_active_us // 1000000
        if self._is_overdue(session, idle_s):
            self._core.host.log("verbose", "Closing idle client")
            self.drop(session)
            return
        buffer, replies = session.memory.query_buffer, session.memory.reply_buffer
        switches = self._core.switches
        buffer.trim(session.held_input(), session.parser.awaited_bulk(), idle_s)
        replies.note_use(session.take_output_peak())
        if session.count_unsent is not None:
            replies.set_unsent(session.count_unsent())
        if switches.reply_buffer_resizing:
            self._adapt(session, now_ms, switches.reply_buffer_peak_reset_ms)
        slot = int(now_ms // 1000 % _SLOTS)
        self._recent_input[slot] = max(self._recent_input[slot], int(buffer.usable()))
        self._recent_output[slot] = max(self._recent_output[slot], int(replies.blocks_bytes()))
        self.eviction.count(session)
        if session.output_watch.observe(self.limit_of(session), replies.blocks_bytes(), now_ms):
            self._core.stats.output_limit_disconnections += 1
            self.drop(session, _TOO_MUCH_OUTPUT)

    def _is_overdue(self, session: Session, idle_s: i64) -> bool:
        if self._timeout_s == 0 or idle_s <= self._timeout_s:
            return False
        return (
            session.holds & (HOLD_BLOCKED | HOLD_PAUSED | HOLD_DELAYED) == 0
            and session.gates & (GATE_MONITOR | GATE_SUBSCRIBED) == 0
        )

    def _adapt(self, session: Session, now_ms: i64, reset_ms: i64) -> None:
        change = session.memory.reply_buffer.adapt(now_ms, reset_ms)
        if change < 0:
            self.buffer_shrinks += 1
        elif change > 0:
            self.buffer_expands += 1


def is_local(session: Session) -> bool:
    """Whether a client is on the same machine as the server."""
    return session.kind in {"unix", "local"} or session.address.startswith(("127.", "[::1]:"))
