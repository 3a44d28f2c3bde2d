"""The engine: the whole server except for its I/O.

It is made of parts around a core. A shell connects sessions (`clients`), passes bytes to them, and calls
:meth:`Engine.tick` with the time about ``hz`` times a second. The dispatcher, which is built on top of the engine, runs
the requests; the engine itself knows nothing about single commands.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.engine.access_control import AccessControl
from pyredmem.engine.arena_watch import ArenaWatch
from pyredmem.engine.authentication import Authentication
from pyredmem.engine.blocking import Blocking
from pyredmem.engine.clients import Clients
from pyredmem.engine.command_log import CommandLog
from pyredmem.engine.core import Core
from pyredmem.engine.defrag import Defrag
from pyredmem.engine.encoding_settings import EncodingSettings
from pyredmem.engine.faults import Faults
from pyredmem.engine.gates import GATE_RECORDED, GATES_STANDSTILL
from pyredmem.engine.heap_trim import HeapTrim
from pyredmem.engine.identity import Identity
from pyredmem.engine.lazyfree_task import LazyFreeTask
from pyredmem.engine.links import Links
from pyredmem.engine.maintenance import Maintenance
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.monitor import Monitors
from pyredmem.engine.notifications import Notifications
from pyredmem.engine.pause import Pause
from pyredmem.engine.process_defrag import ProcessDefrag
from pyredmem.engine.pubsub import PubSub
from pyredmem.engine.sampler import PERIOD_MS, Sampler
from pyredmem.engine.script_run import ScriptRun
from pyredmem.engine.session import Session
from pyredmem.engine.slow_commands import SlowCommands
from pyredmem.engine.spec import CommandTable
from pyredmem.engine.tracking import Tracking
from pyredmem.keyspace.recorder import UnitListener
from pyredmem.memory.audit import AuditReport


class Extension:
    """A part of an engine that a higher layer adds to it."""

    def close(self) -> None:
        """Let go of what refers to the engine in turn."""


class Engine:
    """The parts of one server."""

    def __init__(self, core: Core, commands: CommandTable) -> None:
        self.core = core
        self.commands = commands
        # Short names for the parts of the core that handlers and reports use most.
        self.settings = core.settings
        self.profile = core.profile
        self.clock = core.clock
        self.rng = core.rng
        self.allocator = core.allocator
        self.host = core.host
        self.keyspace = core.keyspace
        self.figures = core.figures
        self.stats = core.stats
        self.statistics = core.statistics
        self.switches = core.switches
        self.cron = core.cron
        self.sessions = core.sessions
        self.identity = Identity(core.rng)
        self.slow_commands = SlowCommands(core)
        monitor = self.slow_commands.monitor
        self.sampler = Sampler(core.allocator, core.host, core.keyspace, core.stats, core.statistics)
        core.cron.every(PERIOD_MS, self.sampler.take)
        self.memory_limit = MemoryLimit(core, monitor)
        core.keyspace.mark_shared_integers()
        self.lazyfree_task = LazyFreeTask(core, self.memory_limit)
        self.maintenance = Maintenance(core, monitor)
        self.heap_trim = HeapTrim(core)
        self.defrag = Defrag(core, monitor)
        self.process_defrag = ProcessDefrag(core, self.defrag.settings, self.defrag.paces, self.slow_commands.log)
        self.arena_watch = ArenaWatch(core)
        self.encoding_settings = EncodingSettings(core.settings, core.keyspace)
        self.links = Links(core)
        self.tracking = Tracking(core)
        self.faults = Faults(core)
        self.blocking = Blocking(core, self.faults, self.slow_commands, self.tracking)
        self.pause = Pause(core)
        self.access = AccessControl(core, commands, self.tracking)
        self.authentication = Authentication(core, self.access)
        self.monitors = Monitors(core)
        self.command_log = CommandLog(core.gates, core.settings, core.keyspace)
        self.pubsub = PubSub(core)
        self.notifications = Notifications(core, self.pubsub)
        self.script_run = ScriptRun(core)
        self.clients = Clients(
            core,
            self.authentication,
            self.blocking,
            self.faults,
            self.lazyfree_task,
            self.monitors,
            self.pause,
            self.pubsub,
            self.script_run,
            self.tracking,
        )
        self.script_run.disconnect = self.clients.release
        # Set by the assembly; see scripting/scripting.py and persistence/persistence.py.
        self.scripting: Extension | None = None
        self.persistence: Extension | None = None

    def close(self) -> None:
        """Cut the circles of references, so that the memory is free as soon as nobody holds the engine.

        All clients have been released. The data can't be read any more, and nothing can run.
        """
        self.core.close()
        self.clients.close()
        self.access.close()
        self.defrag.paces.forget_all()
        self.script_run.close()
        for extension in (self.persistence, self.scripting):
            if extension is not None:
                extension.close()
        self.persistence = None
        self.scripting = None

    # Clients.

    def connect(self, kind: str, address: str, local_address: str) -> Session:
        """A session for a new client; ``kind`` is tcp, unix, tls or local."""
        return self.clients.connect(kind, address, local_address)

    def disconnect(self, session: Session) -> None:
        """Forget a client, and free what it has."""
        self.clients.disconnect(session)

    def release(self, session: Session) -> None:
        """Disconnect a client whose session the shell will not use again."""
        self.clients.release(session)

    # Recording.

    def record(self, listener: UnitListener) -> None:
        """Give ``listener`` the commands that replay every write from now on."""
        self.keyspace.changes.record_to(listener)
        self.core.gates.set(GATE_RECORDED, True)

    def stop_recording(self, listener: UnitListener) -> None:
        """Give ``listener`` no more commands."""
        changes = self.keyspace.changes
        changes.stop_recording(listener)
        self.core.gates.set(GATE_RECORDED, changes.recorder is not None)

    # Work that happens later.

    def end_batch(self) -> None:
        """After the requests of a batch: do what cannot wait for the timer."""
        core = self.core
        allocator = core.allocator
        stats = core.stats
        duration_us = core.keyspace.now_us - stats.batch_start_us
        if duration_us > stats.longest_cycle_us:
            stats.longest_cycle_us = duration_us
        if allocator.used_memory > allocator.peak:
            allocator.note_peak()
        if core.keyspace.now_us >= core.fast_cycle_due_us and not core.gates.bits & GATES_STANDSTILL:
            self.maintenance.before_sleep()
        core.chores.run()

    def tick(self, now_ms: i64) -> None:
        """Run everything that is due at a tick of the timer."""
        if self.core.gates.bits & GATES_STANDSTILL:
            self.run_tasks()
            return
        core = self.core
        start_us = core.clock.now_us()
        core.keyspace.now_us = now_ms * 1000
        core.keyspace.update_clocks()
        core.allocator.tick(now_ms)
        core.cron.run(now_ms)
        core.tasks.run()
        self.blocking.serve()
        core.chores.run()
        core.stats.end_timer_cycle(core.clock.now_us() - start_us)

    def run_tasks(self) -> None:
        """Run a slice of the work that goes on between commands; `Host.wake_after` has asked for this call."""
        core = self.core
        start_us = core.clock.now_us()
        core.keyspace.now_us = start_us
        core.tasks.run_next()
        if not core.gates.bits & GATES_STANDSTILL:
            self.blocking.serve()
        core.chores.run()
        core.stats.end_timer_cycle(core.clock.now_us() - start_us)

    def write_output(self) -> None:
        """Write what waits for the end of this turn of the event loop; `Host.write_output_soon` asks for this call."""
        self.core.outgoing.write()

    # The ledger.

    def audit(self) -> AuditReport:
        """Free all values that wait to be freed, then compare the ledger with the blocks of all owners."""
        self.lazyfree_task.drain()
        return self.core.owners.audit()
