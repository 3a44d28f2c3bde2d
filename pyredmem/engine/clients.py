"""All clients: who may connect, what each takes, when one is closed, and the figures of INFO.

The timer visits every client about once a second (at least five at each tick) and does there what Redis's
clientsCron does: idle clients are closed, buffers fitted to their use, output limits checked, memory added up. So a
figure of a client's memory is as old as its last visit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.client_info import describe
from pyredmem.engine.output_limits import Limit, OutputLimits
from pyredmem.engine.session import BLOCKED, MONITORING, PAUSED, SUBSCRIBED, UNREAD, Session
from pyredmem.engine.tasks import DONE

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

NORMAL: Final = b"normal"
PUBSUB: Final = b"pubsub"
PRIMARY: Final = b"master"
REPLICA: Final = b"replica"

TOO_MANY: Final = b"ERR max number of clients reached"
PROTECTED: Final = (
    b"DENIED The server is in protected mode: it has no password, so it serves clients of its own machine only. "
    b"Set a password with requirepass, or turn protected-mode off if no stranger can reach the port."
)

#: A client that does not read and has no output limit runs no further requests while so much is unsent (bytes).
UNREAD_BYTES: Final = 1024 * 1024

_VISITS_PER_TICK: Final = 5
#: The recent maxima of INFO look back over so many seconds.
_SLOTS: Final = 8
#: maxmemory-clients is at least this (bytes), and evicts from buckets that double from the first one on.
_LEAST_LIMIT: Final = 128 * 1024
_FIRST_BUCKET_BITS: Final = 15
_BUCKETS: Final = 19


class Clients:
    """The sessions of an engine as clients of a server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.limits = OutputLimits(engine.settings)
        #: Memory of all clients, as of each one's last visit (bytes).
        self.normal_bytes: i64 = 0
        self.evicted: i64 = 0
        self.buffer_shrinks: i64 = 0
        self.buffer_expands: i64 = 0
        #: The biggest query buffer and the most unsent output of the last seconds (bytes).
        self._recent_input = [0] * _SLOTS
        self._recent_output = [0] * _SLOTS
        self.query_limit: i64 = 0
        self._max_bulk: i64 = 0
        self._memory_limit: i64 = 0
        self._timeout_s: i64 = 0
        self._round: list[Session] = []
        self._last_tick_ms: i64 = 0
        self._eviction = engine.tasks.create(self._evict_now)
        self._follow_settings()
        self._provide_figures()
        engine.register_owner("clients", self.addresses)
        engine.cron.every(0, self.visit_some)

    def _follow_settings(self) -> None:
        for name in ("client-query-buffer-limit", "proto-max-bulk-len", "maxmemory-clients", "maxmemory", "timeout"):
            self._engine.settings.subscribe(name, self._settings_changed)
        self._settings_changed()

    def _settings_changed(self) -> None:
        integer = self._engine.settings.integer
        self.query_limit = integer("client-query-buffer-limit")
        self._timeout_s = integer("timeout")
        self._max_bulk = integer("proto-max-bulk-len")
        for session in self._engine.sessions.values():
            session.parser.max_bulk = self._max_bulk
        limit = integer("maxmemory-clients")
        if limit < 0:
            limit = integer("maxmemory") * -limit // 100
        self._memory_limit = max(limit, _LEAST_LIMIT) if limit > 0 else 0
        if limit > 0:  # what the clients take is not known to the byte before
            for session in self._engine.sessions.values():
                if session.memory.is_open():
                    self._count_grown(session)
        self._engine.dispatcher.set_clients_limited(limit > 0)

    def _provide_figures(self) -> None:
        provide = self._engine.figures.provide
        self._engine.figures.on_reset(self.reset_counters)
        provide(figures.BLOCKED_CLIENTS, self.blocked)
        provide(figures.RECENT_MAX_INPUT_BUFFER, self.recent_max_input)
        provide(figures.RECENT_MAX_OUTPUT_BUFFER, self.recent_max_output)
        provide(figures.EVICTED_CLIENTS, lambda: int(self.evicted))
        provide(figures.REPLY_BUFFER_SHRINKS, lambda: int(self.buffer_shrinks))
        provide(figures.REPLY_BUFFER_EXPANDS, lambda: int(self.buffer_expands))
        provide(figures.CLIENTS_BYTES, lambda: int(self.normal_bytes))
        provide(figures.ORDINARY_CLIENTS, lambda: len(self._engine.sessions))

    # Figures.

    def count(self) -> int:
        """How many clients are connected."""
        return len(self._engine.sessions)

    def blocked(self) -> int:
        """How many clients wait: for a key, or for the end of a pause."""
        return sum([1 for session in self._engine.sessions.values() if session.holds & (BLOCKED | PAUSED)])

    def subscribed(self) -> int:
        """How many clients are subscribed to something."""
        return sum([1 for session in self._engine.sessions.values() if session.gates & SUBSCRIBED])

    def watching(self) -> int:
        """How many clients watch keys."""
        return sum([1 for session in self._engine.sessions.values() if session.transaction.watched])

    def recent_max_input(self) -> int:
        """The biggest query buffer of the last seconds."""
        return max(self._recent_input)

    def recent_max_output(self) -> int:
        """The most unsent output of one client in the last seconds."""
        return max(self._recent_output)

    def addresses(self) -> list[int]:
        """Every ledger block of every client."""
        owned: list[int] = []
        for session in self._engine.sessions.values():
            owned += session.memory.addresses()
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        sessions = self._engine.sessions.values()
        assert self.normal_bytes == sum([session.counted_bytes for session in sessions])
        for session in sessions:
            session.memory.check()

    def reset_counters(self) -> None:
        """CONFIG RESETSTAT."""
        self.evicted = 0
        self.buffer_shrinks = 0
        self.buffer_expands = 0

    # Kinds.

    def limit_of(self, session: Session) -> Limit:
        """The output limits of a client."""
        return self.limits.of(session.gates & SUBSCRIBED != 0)

    def may_debug(self, session: Session) -> bool:
        """Whether enable-debug-command admits a client to DEBUG."""
        who = self._engine.settings.text("enable-debug-command")
        return who == "yes" or (who == "local" and is_local(session))

    # Coming and going.

    def refusal(self, session: Session) -> bytes | None:
        """Why a client that has just connected is not wanted, None if it is."""
        engine = self._engine
        if len(engine.sessions) >= engine.settings.integer("maxclients"):
            return TOO_MANY
        protected = engine.settings.flag("protected-mode") and engine.authentication.is_open()
        if protected and not is_local(session):
            return PROTECTED
        return None

    def admit(self, session: Session) -> None:
        """A client has connected and may stay."""
        session.memory.open()
        session.parser.max_bulk = self._max_bulk
        self._engine.authentication.begin(session)

    def forget(self, session: Session) -> None:
        """A client is gone."""
        engine = self._engine
        engine.tracking.disable(session)
        engine.monitors.remove(session)
        engine.pause.forget(session)
        self.normal_bytes -= session.counted_bytes
        session.counted_bytes = 0
        session.memory.close()

    def drop(self, session: Session, reason: str = "") -> None:
        """Close a client at once, whatever is unsent; ``reason`` goes to the log."""
        if reason:
            line = describe(self._engine, session).decode("utf-8", "backslashreplace")
            self._engine.host.log("warning", f"Closing client {line}: {reason}.")
        session.aborted = True
        session.reply.take()
        self._engine.disconnect(session)
        session.output_ready()

    # Input.

    def input_waits(self, session: Session) -> None:
        """A read has completed no request: fit the query buffer to what is there."""
        memory = session.memory
        if not memory.is_open():
            return
        parser = session.parser
        awaited = parser.awaited_bulk()
        held = session.held_input()
        if awaited >= memory.query_capacity - 2:
            memory.await_bulk(held, awaited)
        else:
            memory.keep_input(held)
        session.steady_read = memory.steady_read
        self._count_grown(session)
        if held + memory.queued_bytes > self.query_limit:
            self.drop(session, "its query buffer exceeds client-query-buffer-limit")

    # Output.

    def output_grew(self, session: Session, unsent: i64, largest: i64) -> bool:
        """So much of a client's output is unsent; False if that was too much and the client is closed."""
        memory = session.memory
        if not memory.is_open():
            return False
        memory.set_unsent(unsent, largest)
        limit = self.limit_of(session)
        if session.output_watch.exceeds(limit, memory.output_bytes(), self._engine.keyspace.now_ms()):
            self.drop(session, "its unsent output exceeds client-output-buffer-limit")
            return False
        self._count_grown(session)
        return True

    def output_sent(self, session: Session, unsent: i64) -> None:
        """So much of a client's output is still unsent; without a limit on it the client has to read first."""
        if session.memory.is_open():
            session.memory.set_unsent(unsent)
            if unsent > UNREAD_BYTES and self.limit_of(session).is_none():
                session.holds |= UNREAD

    # The timer.

    def visit_some(self) -> None:
        """Visit as many clients as it takes for each to have its turn once a second."""
        sessions = self._engine.sessions
        now_ms = self._engine.keyspace.now_ms()
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
            if session.memory.is_open():
                self._visit(session, now_ms)
        self._evict()

    def _clear_slot(self, second: i64) -> None:
        slot = int(second % _SLOTS)
        self._recent_input[slot] = 0
        self._recent_output[slot] = 0

    def _visit(self, session: Session, now_ms: i64) -> None:
        idle_s = now_ms // 1000 - session.last_active_us // 1000000
        if self._is_overdue(session, idle_s):
            self._engine.host.log("verbose", "Closing idle client")
            self.drop(session)
            return
        memory = session.memory
        switches = self._engine.switches
        memory.trim_query(session.held_input(), session.parser.awaited_bulk(), idle_s)
        session.steady_read = memory.steady_read
        memory.note_output(session.take_output_peak())
        if session.count_unsent is not None:
            memory.set_unsent(session.count_unsent())
        if switches.reply_buffer_resizing:
            self._adapt(session, now_ms, switches.reply_buffer_peak_reset_ms)
        slot = int(now_ms // 1000 % _SLOTS)
        self._recent_input[slot] = max(self._recent_input[slot], int(memory.input_bytes()))
        self._recent_output[slot] = max(self._recent_output[slot], int(memory.output_bytes()))
        self._count(session)
        if session.output_watch.exceeds(self.limit_of(session), memory.output_bytes(), now_ms):
            self.drop(session, "its unsent output exceeds client-output-buffer-limit")

    def _is_overdue(self, session: Session, idle_s: i64) -> bool:
        if self._timeout_s == 0 or idle_s <= self._timeout_s:
            return False
        return session.holds & (BLOCKED | PAUSED) == 0 and session.gates & (MONITORING | SUBSCRIBED) == 0

    def _adapt(self, session: Session, now_ms: i64, reset_ms: i64) -> None:
        change = session.memory.adapt_buffer(now_ms, reset_ms)
        if change < 0:
            self.buffer_shrinks += 1
        elif change > 0:
            self.buffer_expands += 1

    def _count(self, session: Session) -> None:
        total = session.memory.total()
        self.normal_bytes += total - session.counted_bytes
        session.counted_bytes = total

    # maxmemory-clients.

    def make_room(self, session: Session) -> bool:
        """Close the biggest clients until all are within maxmemory-clients; False if ``session`` is one of them."""
        if session.memory.is_open():
            self._count(session)
        self._evict()
        return session.memory.is_open()

    def _count_grown(self, session: Session) -> None:
        """Buffers of a client have grown between commands: see to the limit before the server sleeps."""
        if self._memory_limit > 0:
            self._count(session)
            if self.normal_bytes >= self._memory_limit:
                self._eviction.wake(0)

    def _evict_now(self) -> int:
        self._evict()
        return DONE

    def _evict(self) -> None:
        if self._memory_limit == 0 or self.normal_bytes < self._memory_limit:
            return
        buckets: list[list[Session]] = [[] for _ in range(_BUCKETS)]
        for one in self._engine.sessions.values():
            if not one.no_evict:
                buckets[_bucket(one.counted_bytes)].append(one)
        while self.normal_bytes >= self._memory_limit and any(buckets):
            biggest = max([index for index, bucket in enumerate(buckets) if bucket])
            victim = buckets[biggest].pop(0)
            self.evicted += 1
            self.drop(victim, "all clients together exceed maxmemory-clients")


def _bucket(size: i64) -> int:
    """Which of the buckets of doubling size a client is in: up to 32 KiB is the first."""
    bits = int(size).bit_length()
    return min(max(bits - _FIRST_BUCKET_BITS, 0), _BUCKETS - 1)


def is_local(session: Session) -> bool:
    """Whether a client is on the same machine as the server."""
    return session.kind in {"unix", "local"} or session.address.startswith(("127.", "[::1]:"))
