"""The core: what all parts of an engine share, such as the settings, the clock, the ledger, the keyspace and the tasks.

The core is built first and has no logic of its own. A part takes the core and those other parts that it really needs.
No part takes the whole engine, so a test can build a part with little more than a core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.command_counters import CommandStatistics
from pyredmem.engine.cron import Cron
from pyredmem.engine.figures import Figures
from pyredmem.engine.gates import Gates
from pyredmem.engine.host import Host
from pyredmem.engine.incoming import Incoming
from pyredmem.engine.session import Session
from pyredmem.engine.stats import Stats
from pyredmem.engine.switches import Switches
from pyredmem.engine.tasks import Tasks
from pyredmem.keyspace.block_layout import BlockLayout
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.audit import AuditReport, audit

#: If no more clients than this have output, messages are written before the replies to PUBLISH (see `Outgoing`).
FEW_CLIENTS: Final = 16
#: Replies are gathered as long as at least this number of clients have output at the end of a turn.
GATHERED_CLIENTS: Final = 4
#: The number of replies that are written at once before replies are gathered again.
REPLIES_AT_ONCE: Final = 64


class Owners:
    """The owners of blocks in the ledger; the audit asks each of them for its blocks."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._owners: list[tuple[str, Callable[[], list[int]]]] = []

    def register(self, purpose: str, addresses: Callable[[], list[int]]) -> None:
        """Add an owner: ``addresses`` returns its blocks, and ``purpose`` is its name in the audit's report."""
        self._owners.append((purpose, addresses))

    def forget_all(self) -> None:
        """Forget all owners."""
        self._owners.clear()

    def audit(self) -> AuditReport:
        """Compare the ledger with the blocks of all owners."""
        owned: list[tuple[str, int]] = []
        for purpose, addresses in self._owners:
            owned += [(purpose, address) for address in addresses()]
        return audit(self._allocator, owned)


class Chores:
    """Work that a command puts off until the end of its batch. Each chore runs once."""

    def __init__(self) -> None:
        self._chores: list[Callable[[], None]] = []
        self._running = False

    def defer(self, chore: Callable[[], None]) -> None:
        """Call ``chore`` once, after the current batch and before the server sleeps."""
        self._chores.append(chore)

    def run(self) -> None:
        """Run all chores. A chore may itself run a batch, which leaves its own chores to this loop."""
        if self._running or not self._chores:
            return
        self._running = True
        try:
            while self._chores:
                chores = self._chores
                self._chores = []
                for chore in chores:
                    chore()
        finally:
            self._running = False


class Outgoing:
    """The clients whose output is written at the end of this turn of the event loop.

    They are those that messages were sent to. So each gets all messages of a turn by one write, no matter how many
    clients have published them. A reply that comes after a message in time joins them. Without an event loop the turn
    ends with the batch.

    While many clients are served in a turn their replies wait as well (`gathers`), as in Redis: a program that waits
    for several replies is then woken once. Requests that come later in such a turn run at its end (`Incoming`). An end
    of a turn has a price, since the loop looks at its sockets again before it sleeps. So when there were few clients,
    the next replies are written at once before this is tried again.

    What has to be on the disk before anybody gets a reply is written at that time too (`hold_back`).

    A few clients are written to in the order in which they joined: whoever has read the reply to PUBLISH knows that
    the messages were sent before it, and a test may rely on that. Many are written to in Redis's order, the last one
    first: the publishers have their replies, and send more, while the messages go out.
    """

    def __init__(self, host: Host, chores: Chores, incoming: Incoming) -> None:
        self._host: Host = host
        self._incoming = incoming
        self._chores = chores
        self._sessions: list[Session] = []
        self._before: Callable[[], None] | None = None
        self.is_held_back = False
        self.is_waiting = False  # whether `write` is going to be called
        self.is_busy = False  # whether it is because many clients are served
        self._at_once: i64 = REPLIES_AT_ONCE  # how many replies are written at once before one waits

    def gathers(self) -> bool:
        """Whether the next reply waits for the end of the turn. Without an event loop none does."""
        if self.is_waiting:
            return True
        if self._at_once > 0:
            self._at_once -= 1
            return False
        self.is_waiting = self.is_busy = self._host.write_output_soon()
        return self.is_waiting

    def add(self, session: Session) -> None:
        """Call the session's `write_now` at the end of the turn."""
        self._sessions.append(session)
        self._write_soon()

    def hold_back(self, before: Callable[[], None]) -> None:
        """Call ``before`` before any more output leaves, once, and at the latest at the end of the turn."""
        self._before = before
        self.is_held_back = True
        self._write_soon()

    def let_go(self) -> None:
        """Do what has to be done before output leaves."""
        before = self._before
        if before is not None:
            self._before = None
            self.is_held_back = False
            before()

    def _write_soon(self) -> None:
        if not self.is_waiting:
            self.is_waiting = True
            if not self._host.write_output_soon():
                self._chores.defer(self.write)

    def write(self) -> None:
        """Run what waits for this time, and write the output of all these clients."""
        try:
            self._incoming.run()
        except Exception:
            self.is_waiting = False
            self._write_soon()  # what is left runs in the next turn
            raise
        sessions = self._sessions
        self._sessions = []
        self.is_waiting = self.is_busy = False
        self.let_go()
        if len(sessions) < GATHERED_CLIENTS:
            self._at_once = REPLIES_AT_ONCE
        elif len(sessions) > FEW_CLIENTS:
            sessions.reverse()
        for session in sessions:
            session.write_now()


class Core:
    """What the parts of one engine share."""

    def __init__(self, settings: Settings, clock: Clock, rng: Random, layout: BlockLayout, host: Host) -> None:
        self.settings = settings
        self.clock: Clock = clock
        self.rng = rng
        allocator = layout.allocator
        self.allocator = allocator
        self.host: Host = host
        self.profile = settings.profile()
        self.keyspace = Keyspace(rng, layout, settings.integer("databases"))
        self.cron = Cron()
        self.tasks = Tasks(clock, host)
        self.chores = Chores()
        self.incoming = Incoming()
        self.outgoing = Outgoing(host, self.chores, self.incoming)
        self.owners = Owners(allocator)
        self.figures = Figures()
        self.stats = Stats()
        self.switches = Switches()
        self.gates = Gates()
        self.statistics = CommandStatistics(allocator)
        self.sessions: dict[int, Session] = {}  # by id, in the order in which they connected
        self.fast_cycle_due_us: i64 = NEVER  # a batch that ends after this time runs a fast expire cycle
        self.acting_id: i64 = 0  # the client whose request is being served; kept only while a gate is set
        self.is_saving = False  # the dataset is saved in the background: nothing is defragmented meanwhile
        self.is_in_script = False  # the commands that run are those of a script or function
        self.started_us: i64 = clock.now_us()
        self.keyspace.now_us = self.started_us
        self.keyspace.update_clocks()
        self.owners.register("keyspace", self.keyspace.addresses)
        self.owners.register("command histograms", self.statistics.addresses)

    def close(self) -> None:
        """Forget what the parts have registered. Nothing can run any more."""
        self.settings.forget_subscribers()
        self.figures.forget_all()
        self.owners.forget_all()
        self.cron.forget_all()
        self.tasks.forget_all()
        self.keyspace.close()
