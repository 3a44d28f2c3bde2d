"""The engine: what the server is, without any I/O.

It owns the ledger, the keyspace, the sessions and the dispatcher. A shell connects sessions, passes bytes, and calls
:meth:`Engine.tick` about ``hz`` times a second with the time.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.authentication import Authentication
from pyredmem.engine.blocking import Blocking
from pyredmem.engine.clients import Clients
from pyredmem.engine.command import Command, CommandTable
from pyredmem.engine.cron import Cron
from pyredmem.engine.defrag import Defrag
from pyredmem.engine.dispatch import Dispatcher
from pyredmem.engine.encoding_settings import EncodingSettings
from pyredmem.engine.figures import Figures
from pyredmem.engine.host import Host
from pyredmem.engine.identity import Identity
from pyredmem.engine.lazy_free import LazyFreeing
from pyredmem.engine.maintenance import Maintenance
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.monitor import Monitors
from pyredmem.engine.pause import Pause
from pyredmem.engine.process_defrag import ProcessDefrag
from pyredmem.engine.sampler import PERIOD_MS, Sampler
from pyredmem.engine.session import Session
from pyredmem.engine.slow_commands import SlowCommands
from pyredmem.engine.stats import Stats
from pyredmem.engine.switches import Switches
from pyredmem.engine.tasks import Tasks
from pyredmem.engine.tracking import Tracking
from pyredmem.keyspace.expiry import NEVER
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.audit import AuditReport, audit


class Engine:
    """Sessions, keyspace and ledger of one server."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rng: Random,
        allocator: Allocator,
        commands: CommandTable,
        host: Host,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock
        self.rng = rng
        self.allocator = allocator
        self.commands = commands
        self.host: Host = host
        self.cron = Cron()
        self.tasks = Tasks(clock, host)
        self._owners: list[tuple[str, Callable[[], list[int]]]] = []
        self.stats = Stats()
        self.figures = Figures()
        self.switches = Switches()
        self.identity = Identity(rng)
        self.keyspace = Keyspace(allocator, rng, settings.integer("databases"))
        self.dispatcher = Dispatcher(self, commands)
        self.sessions: dict[int, Session] = {}
        self.next_session: i64 = 1
        self._chores: list[Callable[[], None]] = []
        self._doing_chores = False
        self.before_sleep_us: i64 = NEVER  # from when on there is work to be done between two ticks
        self.started_us: i64 = clock.now_us()
        self.keyspace.now_us = self.started_us
        self.keyspace.update_clocks()
        self.sampler = Sampler(allocator, host, self.keyspace, self.stats, commands)
        self.cron.every(PERIOD_MS, self.sampler.take)
        self.register_owner("keyspace", self.keyspace.addresses)
        self.register_owner("command histograms", self._histogram_addresses)
        self.slow_commands = SlowCommands(self)
        self.lazy_free = LazyFreeing(self)
        self.memory_limit = MemoryLimit(self)
        self.keyspace.mark_shared_integers()
        self.maintenance = Maintenance(self)
        self.defrag = Defrag(self)
        self.process_defrag = ProcessDefrag(self, self.defrag.settings, self.defrag.paces)
        self.encoding_settings = EncodingSettings(settings, self.keyspace.limits)
        self.blocking = Blocking(self)
        self.authentication = Authentication(self)
        self.clients = Clients(self)
        self.pause = Pause(self)
        self.tracking = Tracking(self)
        self.monitors = Monitors(self)
        self._nobody = Session(self, 0, "none", "", "")
        settings.subscribe("proto-max-bulk-len", self._max_string_changed)
        self._max_string_changed()

    def _max_string_changed(self) -> None:
        self.keyspace.strings.max_length = self.settings.integer("proto-max-bulk-len")

    def is_out_of_memory(self) -> bool:
        """Whether the ledger is above maxmemory."""
        return self.memory_limit.is_exceeded()

    # The ledger's owners.

    def register_owner(self, purpose: str, addresses: Callable[[], list[int]]) -> None:
        """Let the audit of the ledger ask ``addresses`` what it owns; ``purpose`` names it in the report."""
        self._owners.append((purpose, addresses))

    def audit(self) -> AuditReport:
        """Compare the ledger with everything alive; what is being given back is given back first."""
        self.lazy_free.drain()
        owned: list[tuple[str, int]] = []
        for purpose, addresses in self._owners:
            owned += [(purpose, address) for address in addresses()]
        return audit(self.allocator, owned)

    def _histogram_addresses(self) -> list[int]:
        owned: list[int] = []
        for command in self.commands.all():
            owned += command.histogram_addresses
        return owned

    # Sessions.

    def connect(self, kind: str, address: str, local_address: str) -> Session:
        """A new client; ``kind`` is tcp, unix, tls or local."""
        self.keyspace.now_us = self.clock.now_us()
        session = Session(self, self.next_session, kind, address, local_address)
        refusal = self.clients.refusal(session)
        if refusal is not None:  # it gets this one reply and is closed
            session.reply.error(refusal)
            session.close()
            self.stats.connections_rejected += 1
            return session
        self.next_session += 1
        self.sessions[int(session.id)] = session
        self.stats.connections_received += 1
        self.clients.admit(session)
        return session

    def disconnect(self, session: Session) -> None:
        """A client is gone."""
        session.close()
        number = int(session.id)
        if self.sessions.get(number) is session:  # one that was refused has left its number to the next
            del self.sessions[number]
            self.lazy_free.take_queue(session)
            session.transaction.reset()
            self.blocking.forget(session)
            self.clients.forget(session)

    def release(self, session: Session) -> None:
        """The shell is done with a session."""
        self.disconnect(session)
        session.detach(self._nobody)

    def defer(self, chore: Callable[[], None]) -> None:
        """Do something once when the batch is over, before the server sleeps."""
        self._chores.append(chore)

    def _do_chores(self) -> None:
        """Do what was deferred; a batch that runs as one of the chores leaves its own to this loop."""
        if self._doing_chores:
            return
        self._doing_chores = True
        try:
            while self._chores:
                chores = self._chores
                self._chores = []
                for chore in chores:
                    chore()
        finally:
            self._doing_chores = False

    # The life of a batch of requests.

    def begin_batch(self, session: Session, size: i64) -> None:
        """Bytes of a client are about to be worked on."""
        now_us = self.clock.now_us()
        self.keyspace.now_us = now_us
        session.last_active_us = now_us
        stats = self.stats
        stats.reads_processed += 1
        stats.net_input_bytes += size

    def end_batch(self) -> None:
        """The requests that were there have been run."""
        allocator = self.allocator
        if allocator.used_memory > allocator.peak:
            allocator.note_peak()
        if self.keyspace.now_us >= self.before_sleep_us:
            self.maintenance.before_sleep()
        if self._chores:
            self._do_chores()

    def notice_slow(self, session: Session, command: Command, argv: list[bytes], duration_us: i64) -> None:
        """A command took longer than the slow log or the latency monitor lets pass."""
        self.slow_commands.notice(session, command, argv, duration_us)

    def cron_interval_ms(self) -> int:
        """Milliseconds from one tick to the next, as hz and dynamic-hz have it now."""
        return 1000 // self.maintenance.hz

    def tick(self, now_ms: i64) -> None:
        """The timer: everything that is done from time to time."""
        self.keyspace.now_us = now_ms * 1000
        self.keyspace.update_clocks()
        self.allocator.tick(now_ms)
        self.cron.run(now_ms)
        self.tasks.run()
        self.blocking.serve()
        if self._chores:
            self._do_chores()

    def run_tasks(self) -> None:
        """The shell was asked to call by now: a slice of what goes on between commands."""
        self.keyspace.now_us = self.clock.now_us()
        self.tasks.run_next()
        self.blocking.serve()
        if self._chores:
            self._do_chores()
