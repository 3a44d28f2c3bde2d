"""What a test lets go wrong in a server: error replies, lost connections, delays, states, and memory that is short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Literal, Self, TypedDict, Unpack

from pyredmem.base.hash_slot import SLOTS
from pyredmem.client.driver import Driver
from pyredmem.client.local_session import encode
from pyredmem.engine import faults as engine_faults
from pyredmem.engine.ballast import Ballast
from pyredmem.engine.fault_states import STATES, RedirectFault, StateFault
from pyredmem.engine.faults import (
    ConnectionFault,
    CutFault,
    DelayFault,
    DropFault,
    ErrorFault,
    Hit,
    Schedule,
    Scope,
    UnreadFault,
)

#: Every command.
ANY = "*"

Commands = str | Iterable[str]
When = Literal["before", "after", "reply"]
StateName = Literal["busy", "loading", "masterdown", "misconf", "noauth", "noreplicas", "oom", "readonly"]


class Turns(TypedDict, total=False):
    """How often a fault fires."""

    times: int  # at most so often
    skip: int  # not at the first ones
    every: int  # only at each so-manieth
    probability: float  # only by chance, which the seed of the server rules


class Matching(Turns, total=False):
    """Which commands a fault may hit; the patterns are those of Redis's KEYS."""

    key: str | bytes  # a pattern; one of the keys of the command must match
    client: str | bytes  # a pattern for the name of the client
    address: str  # a pattern for the address of the client, such as 127.0.0.1:5*


class Fault:
    """A fault of a server. As a context manager it is removed at the end of the block."""

    def __init__(self, title: str, schedule: Schedule, remove: Callable[[], None]) -> None:
        self._title = title
        self._schedule = schedule
        self._remove = remove

    @property
    def fired(self) -> int:
        """How often it has hit something."""
        return int(self._schedule.fired)

    def remove(self) -> None:
        """Let it hit nothing any more. Clients that it delays go on at once."""
        self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<{self._title}, fired {self.fired} times>"


class Filling:
    """Memory that is in use only to make memory short. As a context manager it is freed at the end of the block."""

    def __init__(self, used_bytes: int, release: Callable[[], None]) -> None:
        self.bytes = used_bytes
        self._release = release

    def release(self) -> None:
        """Free it."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class FaultControl:
    """Lets things go wrong in one server.

    A fault hits a command when the server would run it: after the checks that Redis makes itself, so not a command that
    is unknown, or that its client may not send. In MULTI a fault hits a command when it is sent; an error reply then
    makes EXEC refuse the transaction, as any error would. EXEC and EVAL are commands like others, but what runs inside
    them is not hit. If several faults match, the one that was added first acts; after a delay, those added later too.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._engine = driver.engine
        self._faults: list[Fault] = []
        self._ballast: Ballast | None = None
        self._fillings: list[Filling] = []

    # Commands.

    def error(self, command: Commands, message: str, **matching: Unpack[Matching]) -> Fault:
        """Reply with an error, such as ``ERR oops``, instead of running the command."""
        if not message:
            raise ValueError("an error reply needs a text")
        title = _title("error", [command, message], matching)
        scope, schedule = self._scope(command, matching), _schedule(matching)
        return self._add(ErrorFault(title, scope, schedule, message.encode()))

    def drop(
        self, command: Commands = ANY, *, when: When = "before", sent: int = 1, **matching: Unpack[Matching]
    ) -> Fault:
        """Close the connection: ``before`` the command runs, ``after`` it has run, or in the middle of the ``reply``.

        In the last case ``sent`` bytes of the reply arrive, but never all of it.
        """
        if sent < 0:
            raise ValueError("sent can't be negative")
        title = _title("drop", [command, when], matching)
        scope, schedule = self._scope(command, matching), _schedule(matching)
        if when == "before":
            return self._add(DropFault(title, scope, schedule))
        if when not in {"after", "reply"}:
            raise ValueError(f"when must be before, after or reply, not {when!r}")
        return self._add(CutFault(title, scope, schedule, sent if when == "reply" else 0))

    def slow_reader(self, command: Commands = ANY, **matching: Unpack[Matching]) -> Fault:
        """Let the client read nothing, from this command on, until the fault is removed.

        Its output grows meanwhile. The server closes the connection if that exceeds client-output-buffer-limit.
        """
        title = _title("slow_reader", [command], matching)
        return self._add(UnreadFault(title, self._scope(command, matching), _schedule(matching)))

    def delay(self, command: Commands, seconds: float | timedelta, **matching: Unpack[Matching]) -> Fault:
        """Let the client wait before the command runs, in the time of the server, while other clients are served."""
        delay = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
        if delay < timedelta(0):
            raise ValueError("a delay can't be negative")
        title = _title("delay", [command, delay.total_seconds()], matching)
        scope, schedule = self._scope(command, matching), _schedule(matching)
        return self._add(DelayFault(title, scope, schedule, delay // timedelta(microseconds=1)))

    # States.

    def state(self, name: StateName, command: Commands = ANY, **matching: Unpack[Matching]) -> Fault:
        """Refuse the commands that Redis refuses in a state, with its error.

        ``busy`` (a script runs for long), ``loading``, ``masterdown`` (a replica without its master), ``misconf`` (the
        last snapshot failed), ``noauth``, ``noreplicas``, ``oom`` (out of memory), ``readonly`` (a replica).
        """
        if name not in STATES:
            raise ValueError(f"no state {name!r}; there are {', '.join(STATES)}")
        title = _title("state", [name] if command == ANY else [name, command], matching)
        return self._add(StateFault(title, self._scope(command, matching), _schedule(matching), STATES[name]))

    def moved(self, node: str, slot: int | None = None, **matching: Unpack[Matching]) -> Fault:
        """Redirect clients to ``node``, such as 127.0.0.1:7001 (MOVED), for the keys of one hash slot or of all."""
        return self._redirect("moved", node, slot, matching)

    def ask(self, node: str, slot: int | None = None, **matching: Unpack[Matching]) -> Fault:
        """Let clients ask ``node`` for keys that do not exist here (ASK), of one hash slot or of all.

        Commands with some keys that exist and some that do not get TRYAGAIN.
        """
        return self._redirect("ask", node, slot, matching)

    def _redirect(self, name: str, node: str, slot: int | None, matching: Matching) -> Fault:
        if slot is not None and not 0 <= slot < SLOTS:
            raise ValueError(f"slots are from 0 to {SLOTS - 1}")
        title = _title(name, [node] if slot is None else [node, slot], matching)
        scope, schedule = self._scope(ANY, matching), _schedule(matching)
        slot_or_all = -1 if slot is None else slot
        return self._add(RedirectFault(title, scope, schedule, node.encode(), slot_or_all, name == "ask"))

    # Connections.

    def max_clients(self, **turns: Unpack[Turns]) -> Fault:
        """Tell clients that connect that the maximum number of clients is reached."""
        return self._add_to_connections(ConnectionFault(_title("max_clients", [], turns), _schedule(turns), True))

    def refuse_connections(self, *, drop_existing: bool = False, **turns: Unpack[Turns]) -> Fault:
        """Refuse clients that connect; ``drop_existing``: disconnect those that are connected, too.

        Over TCP a client can connect, but its connection is closed at once.
        """
        fault = ConnectionFault(_title("refuse_connections", [], turns), _schedule(turns), False)
        added = self._add_to_connections(fault)
        if drop_existing:
            self.disconnect_all()
        return added

    def disconnect_all(self) -> None:
        """Disconnect all clients. They may connect again."""
        with self._entered():
            for session in list(self._engine.sessions.values()):
                self._engine.clients.drop(session)

    # Memory.

    def fill_memory(self, leave: int = 0) -> Filling:
        """Bring the memory in use up to maxmemory, or to ``leave`` bytes below it, until the result is released.

        The next command that needs memory then evicts keys, or is refused if nothing can be evicted. Raises ValueError
        if maxmemory is not set.
        """
        engine = self._engine
        with self._entered():
            limit = engine.settings.integer("maxmemory")
            if limit == 0:
                raise ValueError("maxmemory is not set")
            if self._ballast is None:
                self._ballast = Ballast(engine.core)
            ballast = self._ballast
            before = int(engine.allocator.used_memory)
            blocks = ballast.fill_to(limit + int(engine.memory_limit.not_counted_bytes) - leave)
            engine.allocator.note_peak()
            filled = int(engine.allocator.used_memory) - before

        def release() -> None:
            with self._entered():
                ballast.release(blocks)
                blocks.clear()

        filling = Filling(filled, release)
        self._fillings.append(filling)
        return filling

    def evict(self, *keys: str | bytes, db: int = 0) -> int:
        """Evict keys now, as if memory were short; returns how many of them existed."""
        engine = self._engine
        with self._entered():
            if engine.script_run.is_suspended():
                raise RuntimeError("a script is running; nothing can be evicted before it has ended")
            engine.keyspace.now_us = engine.clock.now_us()
            database = engine.keyspace.databases[db]
            evicted = sum([engine.memory_limit.eviction.evict_key(database, encode(key)) for key in keys])
            engine.blocking.serve()
        return evicted

    # Reports.

    @property
    def hits(self) -> list[Hit]:
        """What faults have hit, in order, the latest thousand: each with the fault, the client and the command."""
        with self._entered():
            return list(self._engine.faults.hits)

    @property
    def delayed(self) -> int:
        """How many clients are waiting because of a delay."""
        return int(self._engine.faults.held())

    def check_all_fired(self) -> None:
        """Raise AssertionError if a fault was added, since the last `clear`, that has never fired."""
        idle = [repr(fault) for fault in self._faults if fault.fired == 0]
        if idle:
            raise AssertionError("these faults never fired: " + ", ".join(idle))

    def clear(self) -> None:
        """Remove all faults, forget what they hit, and free the memory that was filled."""
        for fault in self._faults:
            fault.remove()
        for filling in self._fillings:
            filling.release()
        self._faults.clear()
        self._fillings.clear()
        with self._entered():
            self._engine.faults.hits.clear()

    # Help.

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Enter the driver; at the end, do what the engine has put off meanwhile."""
        self._driver.enter()
        try:
            yield
            self._engine.core.chores.run()
        finally:
            self._driver.leave()

    def _add(self, fault: engine_faults.Fault) -> Fault:
        faults = self._engine.faults
        return self._install(fault, lambda: faults.add(fault), lambda: faults.remove(fault))

    def _add_to_connections(self, fault: ConnectionFault) -> Fault:
        faults = self._engine.faults
        return self._install(
            fault, lambda: faults.add_to_connections(fault), lambda: faults.remove_from_connections(fault)
        )

    def _install(
        self, fault: engine_faults.Fault | ConnectionFault, add: Callable[[], None], take_away: Callable[[], None]
    ) -> Fault:
        def remove() -> None:
            with self._entered():
                take_away()

        self._driver.require_open()
        with self._entered():
            add()
        installed = Fault(fault.title, fault.schedule, remove)
        self._faults.append(installed)
        return installed

    def _scope(self, commands: Commands, matching: Matching) -> Scope:
        key, client, address = matching.get("key"), matching.get("client"), matching.get("address")
        return Scope(
            self._indexes([commands] if isinstance(commands, str) else commands),
            None if key is None else encode(key),
            None if client is None else encode(client),
            None if address is None else encode(address),
        )

    def _indexes(self, names: Iterable[str]) -> set[int] | None:
        """The indexes of commands; None for all commands. The name of a container includes its subcommands."""
        indexes: set[int] = set()
        for name in names:
            if name == ANY:
                return None
            command = self._engine.commands.by_full_name("|".join(name.split()).encode())
            if command is None:
                raise ValueError(f"unknown command {name!r}")
            indexes.update(int(one.index) for one in (command, *command.subcommands.values()))
        return indexes


def _title(name: str, arguments: list[object], options: Matching | Turns) -> str:
    """A fault as a call, for reports."""
    named = [f"{option}={value!r}" for option, value in options.items()]
    return f"{name}({', '.join([repr(argument) for argument in arguments] + named)})"


def _schedule(turns: Turns) -> Schedule:
    times, skip, every = turns.get("times"), turns.get("skip", 0), turns.get("every", 1)
    probability = turns.get("probability", 1.0)
    if times is not None and times < 1:
        raise ValueError("times must be at least 1")
    if skip < 0:
        raise ValueError("skip can't be negative")
    if every < 1:
        raise ValueError("every must be at least 1")
    if not 0 < probability <= 1:
        raise ValueError("a probability is above 0, and at most 1")
    return Schedule(engine_faults.UNLIMITED_TIMES if times is None else times, skip, every, float(probability))
