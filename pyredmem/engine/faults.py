"""Faults: what a test lets go wrong on purpose, such as error replies, lost connections, delays and states.

A fault has a *scope*, the commands that it may hit, and a *schedule*, which of these it does hit. Faults have their
turn in `admission`, after all real checks and just before a command runs or is queued: a fault hits only what the
server would have run. They are asked in the order in which they were added, and the first one that hits ends the
search. Only after a delay it goes on, with the faults that were added later::

    session --> checks --> a fault hits? --no--> the command runs
                             |-- error: the command is refused
                             |-- drop before: the connection is closed
                             |-- drop after, or in the reply: the command runs, then its reply is cut off
                             |-- delay: the session is held; later the request comes again, and skips this fault
                             `-- slow reader: the command runs, but the client reads nothing until the fault is removed

Commands inside EXEC and scripts are not asked about: they are part of EXEC and EVAL. While there are no faults the gate
is closed, and nothing here is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import deque
from typing import Final

from mypy_extensions import i64

from pyredmem.base.glob import Glob
from pyredmem.base.rng import Random
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_FAULTY
from pyredmem.engine.key_extraction import keys_of
from pyredmem.engine.redaction import without_secrets
from pyredmem.engine.session import HOLD_BLOCKED, HOLD_DELAYED, Session
from pyredmem.engine.spec import Command
from pyredmem.engine.tasks import DONE
from pyredmem.engine.verdict import CLIENT_GONE, POSTPONED, REFUSED, Verdict
from pyredmem.protocol.reply import ReplySink
from pyredmem.protocol.resp import Resp3Sink, RespSink

#: The report keeps this many of the latest hits; of each it shows so many arguments, and so many bytes of each.
MOST_HITS: Final = 1000
_SHOWN_ARGUMENTS: Final = 16
_SHOWN_BYTES: Final = 64

UNLIMITED_TIMES: Final = -1

_DROPPED: Final = Verdict(CLIENT_GONE)
_DELAYED: Final = Verdict(POSTPONED)


class Call:
    """A request as the faults see it; ``flags`` include those of queued commands, or of the script that it runs."""

    def __init__(self, session: Session, command: Command, argv: list[bytes], flags: i64) -> None:
        self.session = session
        self.command = command
        self.argv = argv
        self.flags: i64 = flags
        self._keys: list[bytes] | None = None

    def find_keys(self) -> list[bytes]:
        """The keys of the command."""
        keys = self._keys
        if keys is None:
            keys = keys_of(self.command.spec, self.argv)
            self._keys = keys
        return keys


class Scope:
    """The commands that a fault may hit. What is None does not matter."""

    def __init__(
        self, commands: set[int] | None, key: bytes | None, client_name: bytes | None, address: bytes | None
    ) -> None:
        self._commands = commands  # by their indexes
        self._key = None if key is None else Glob(key)
        self._client_name = None if client_name is None else Glob(client_name)
        self._address = None if address is None else Glob(address)

    def covers(self, call: Call) -> bool:
        """Whether a request is within the scope."""
        if self._commands is not None and int(call.command.index) not in self._commands:
            return False
        if self._client_name is not None and not self._client_name.matches(call.session.name):
            return False
        if self._address is not None and not self._address.matches(call.session.address.encode()):
            return False
        pattern = self._key
        return pattern is None or any(pattern.matches(key) for key in call.find_keys())


class Schedule:
    """Which of the commands in its scope a fault hits: at most ``times``, after the first ``skip``.

    ``every``: only each so-manieth of them; ``probability``: only as chance has it.
    """

    def __init__(self, times: i64, skip: i64, every: i64, probability: float) -> None:
        self._times: i64 = times
        self._skip: i64 = skip
        self._every: i64 = every
        self._probability: float = probability
        self._seen: i64 = 0
        self.fired: i64 = 0

    def hits(self, rng: Random) -> bool:
        """Whether the fault hits a command that it may hit, which is counted."""
        self._seen += 1
        if self._seen <= self._skip or (self._seen - self._skip) % self._every != 0:
            return False
        if self._probability < 1.0 and rng.unit() >= self._probability:
            return False
        self.fired += 1
        return True

    def is_over(self) -> bool:
        return 0 <= self._times <= self.fired


class Fault(ABC):
    """One thing that goes wrong; ``title`` is its name in reports."""

    def __init__(self, title: str, scope: Scope, schedule: Schedule) -> None:
        self.title = title
        self.scope = scope
        self.schedule = schedule
        self.number: i64 = 0  # the later it was added, the higher
        self.is_active = False

    def concerns(self, call: Call) -> bool:
        """Whether it can hit a request in its scope at all."""
        return True

    @abstractmethod
    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        """Do to a request what this fault does; None: the request goes on."""


class ErrorFault(Fault):
    """An error reply, sent instead of running the command."""

    def __init__(self, title: str, scope: Scope, schedule: Schedule, message: bytes) -> None:
        super().__init__(title, scope, schedule)
        self._verdict = Verdict(REFUSED, message)

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        return self._verdict


class DropFault(Fault):
    """The connection is closed before the command runs."""

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        call.session.close()
        call.session.write_soon()
        return _DROPPED


class CutFault(Fault):
    """The connection is closed when the command has run, after ``sent`` bytes of its reply, which is never complete."""

    def __init__(self, title: str, scope: Scope, schedule: Schedule, sent: i64) -> None:
        super().__init__(title, scope, schedule)
        self._sent: i64 = sent

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        faults.cut_reply(call.session, self._sent)
        return None


class DelayFault(Fault):
    """The client is held before the command runs, while other clients are served."""

    def __init__(self, title: str, scope: Scope, schedule: Schedule, delay_us: i64) -> None:
        super().__init__(title, scope, schedule)
        self._delay_us: i64 = delay_us

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        faults.hold(call, self, self._delay_us)
        return _DELAYED


class UnreadFault(Fault):
    """The client reads nothing from now on, so its output grows until the fault is removed."""

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        faults.stop_reading(call.session, self)
        return None


class ConnectionFault:
    """Clients that connect are refused: with the error that there are too many, or without a word."""

    def __init__(self, title: str, schedule: Schedule, says_why: bool) -> None:
        self.title = title
        self.schedule = schedule
        self.says_why = says_why
        self.is_active = False


class Hit:
    """A fault has hit something: a line of the report."""

    def __init__(self, title: str, time_us: i64, client_id: i64, address: str, words: list[bytes]) -> None:
        self.title = title
        self.time_us: i64 = time_us
        self.client_id: i64 = client_id  # 0: a client that connected
        self.address = address
        self.words = words  # the command; empty for a client that connected

    def __str__(self) -> str:
        what = " ".join([word.decode("utf-8", "backslashreplace") for word in self.words])
        return f"{self.title}: client {self.client_id} at {self.address}: {what}" if what else self.title


class _Held:
    """A session that is held, the request that waits, and the delay that holds it."""

    def __init__(self, session: Session, argv: list[bytes], fault: Fault, due_us: int) -> None:
        self.session = session
        self.argv = argv
        self.fault = fault
        self.due_us = due_us


class _Cut:
    """A reply that will be cut off."""

    def __init__(self, begin: i64, sent: i64) -> None:
        self.begin: i64 = begin  # where in the output it begins
        self.sent: i64 = sent  # how many of its bytes are sent
        self.sink: RespSink | None = None  # what a blocked client's reply goes to


class Faults:
    """The faults of one engine."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._task = core.tasks.create(self._let_go_on)
        self._faults: list[Fault] = []  # those that may still hit something
        self._of_connections: list[ConnectionFault] = []
        self._added: i64 = 0
        self._held: dict[int, _Held] = {}  # by session
        self._due: list[tuple[int, int]] = []  # (when, session), the next one first
        self._resumed: dict[int, _Held] = {}  # their requests come again now
        self._cuts: dict[int, _Cut] = {}  # by session
        self._unread: dict[int, tuple[Session, Fault]] = {}  # clients that read nothing, and why
        self.hits: deque[Hit] = deque(maxlen=MOST_HITS)

    def check(self) -> None:
        """Assert the invariants."""
        assert self._due == sorted([(held.due_us, number) for number, held in self._held.items()])
        assert all(held.session.holds & HOLD_DELAYED for held in self._held.values())
        assert all(fault.is_active and not fault.schedule.is_over() for fault in self._faults)

    # What there is.

    def add(self, fault: Fault) -> None:
        """Let a fault hit commands from now on."""
        self._added += 1
        fault.number = self._added
        fault.is_active = True
        self._faults.append(fault)
        self._set_gate()

    def remove(self, fault: Fault) -> None:
        """Let a fault hit nothing any more. The clients that it delays go on now."""
        if fault.is_active:
            self._deactivate(fault)
        for held in [held for held in self._held.values() if held.fault is fault]:
            self._release(held)
        for session in [session for session, cause in self._unread.values() if cause is fault]:
            del self._unread[int(session.id)]
            session.is_unread = False
            session.output_ready()
        self._set_gate()

    def add_to_connections(self, fault: ConnectionFault) -> None:
        """Let a fault hit clients that connect from now on."""
        fault.is_active = True
        self._of_connections.append(fault)
        self._set_gate()

    def remove_from_connections(self, fault: ConnectionFault) -> None:
        """Let a fault hit no more clients that connect."""
        if fault.is_active:
            fault.is_active = False
            self._of_connections.remove(fault)
            self._set_gate()

    def _deactivate(self, fault: Fault) -> None:
        fault.is_active = False
        self._faults.remove(fault)

    def _set_gate(self) -> None:
        is_needed = self._faults or self._of_connections or self._held or self._resumed or self._cuts
        self._core.gates.set(GATE_FAULTY, bool(is_needed))

    def held(self) -> int:
        """How many clients are being delayed."""
        return len(self._held)

    # Commands.

    def meet(self, session: Session, command: Command, argv: list[bytes], flags: i64) -> Verdict | None:
        """Let the first fault that hits a request act; None: the request goes on."""
        if session.kind == "local":  # the test itself: `load`, `dump`
            return None
        resumed = self._resumed.pop(int(session.id), None)
        after: i64 = 0
        if resumed is not None and resumed.argv is argv:
            after = resumed.fault.number
        call = Call(session, command, argv, flags)
        verdict: Verdict | None = None
        for fault in self._faults:
            if (
                fault.number > after
                and fault.scope.covers(call)
                and fault.concerns(call)
                and fault.schedule.hits(self._core.rng)
            ):
                self._note(fault, call)
                if fault.schedule.is_over():
                    self._deactivate(fault)
                verdict = fault.strike(self, call)
                break
        self._set_gate()
        return verdict

    def _note(self, fault: Fault, call: Call) -> None:
        argv = without_secrets(call.command, call.argv, self._core.settings)
        words = [argument[:_SHOWN_BYTES] for argument in argv[:_SHOWN_ARGUMENTS]]
        session = call.session
        self.hits.append(Hit(fault.title, self._core.clock.now_us(), session.id, session.address, words))

    def stop_reading(self, session: Session, fault: Fault) -> None:
        """Let the shell leave the output of a client where it is, until the fault is removed."""
        session.is_unread = True
        self._unread[int(session.id)] = (session, fault)

    # Cut replies.

    def cut_reply(self, session: Session, sent: i64) -> None:
        """Send only ``sent`` bytes of the reply to the request that is about to run."""
        self._cuts[int(session.id)] = _Cut(session.output.size(), sent)

    def end_call(self, session: Session) -> None:
        """At the end of a request: cut its reply off if a fault wants that, unless the client is blocked."""
        cut = self._cuts.get(int(session.id))
        if cut is None or session.holds & HOLD_BLOCKED:
            return
        output = session.output.take()
        session.output.raw(output[: cut.begin + _sent_of(len(output) - cut.begin, cut.sent)])
        self._end(session)

    def sink_of_blocked(self, session: Session, reply: ReplySink) -> ReplySink:
        """What the reply to a client that blocks goes to: a sink of its own if it will be cut off."""
        cut = self._cuts.get(int(session.id))
        if cut is None or not session.wants_replies():
            return reply
        cut.sink = RespSink() if reply.protocol == 2 else Resp3Sink()
        return cut.sink

    def end_blocked(self, session: Session) -> None:
        """A blocked client has its reply: cut it off if a fault wants that."""
        cut = self._cuts.get(int(session.id))
        if cut is None:
            return
        if cut.sink is not None:
            reply = cut.sink.take()
            session.output.raw(reply[: _sent_of(len(reply), cut.sent)])
        self._end(session)

    def _end(self, session: Session) -> None:
        del self._cuts[int(session.id)]
        self._set_gate()
        session.close()
        session.write_soon()

    # Delays.

    def hold(self, call: Call, fault: Fault, delay_us: i64) -> None:
        """Hold a session before the request that is about to run, which comes again after ``delay_us``."""
        session = call.session
        number = int(session.id)
        held = _Held(session, call.argv, fault, int(self._core.clock.now_us() + delay_us))
        session.postpone(HOLD_DELAYED)
        self._held[number] = held
        insort(self._due, (held.due_us, number))
        self._task.wake(delay_us)

    def _let_go_on(self) -> int:
        """Let the sessions go on whose time has come."""
        now_us = int(self._core.clock.now_us())
        while self._due and self._due[0][0] <= now_us:
            self._release(self._held[self._due[0][1]])
        return self._due[0][0] - now_us if self._due else DONE

    def _release(self, held: _Held) -> None:
        number = self._forget_held(held)
        self._resumed[number] = held
        held.session.resume_soon(HOLD_DELAYED)

    def _forget_held(self, held: _Held) -> int:
        number = int(held.session.id)
        del self._held[number]
        del self._due[bisect_left(self._due, (held.due_us, number))]
        return number

    # Clients.

    def forget(self, session: Session) -> None:
        """Forget a session that has disconnected."""
        number = int(session.id)
        self._unread.pop(number, None)
        session.is_unread = False
        held = self._held.get(number)
        if held is not None:
            self._forget_held(held)
        resumed = self._resumed.pop(number, None)
        cut = self._cuts.pop(number, None)
        if held is not None or resumed is not None or cut is not None:
            self._set_gate()

    def refuses_connection(self) -> bool:
        """Whether the client that is connecting must be refused without a word."""
        return self._hits_connection(says_why=False)

    def limits_clients(self) -> bool:
        """Whether the client that is connecting must be told that there are too many."""
        return self._hits_connection(says_why=True)

    def _hits_connection(self, says_why: bool) -> bool:
        for fault in self._of_connections:
            if fault.says_why == says_why and fault.schedule.hits(self._core.rng):
                self.hits.append(Hit(fault.title, self._core.clock.now_us(), 0, "", []))
                if fault.schedule.is_over():
                    self.remove_from_connections(fault)
                return True
        return False


def _sent_of(size: i64, wanted: i64) -> i64:
    """How many bytes of a reply of ``size`` are sent: all that are wanted, but never the whole reply."""
    if wanted < size:
        return wanted
    return size - 1 if size > 0 else 0
