"""Admission: the checks that a command passes before it runs, in Redis's order (Redis 7.2 processCommand).

Only commands for which a gate is set come here (see `gates`). The methods named `_refusal...` only ask; the others
act: making room may disconnect clients and evict keys. Invalidation messages that this causes precede the reply. A
command that no check refuses may still have to wait: for the end of a pause, or for EXEC. Before EXEC, and after all
other checks, the faults of a test have their turn (see `faults`).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.engine.access_control import AccessControl
from pyredmem.engine.clients import Clients
from pyredmem.engine.core import Core
from pyredmem.engine.faults import Faults
from pyredmem.engine.gates import (
    GATE_ACL,
    GATE_BUSY,
    GATE_CLIENTS_LIMITED,
    GATE_FAULTY,
    GATE_IN_MULTI,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_NEEDS_AUTH,
    GATE_PAUSED,
    GATE_SUBSCRIBED,
    GATE_TRACKED,
)
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.pause import Pause
from pyredmem.engine.script_run import ScriptRun
from pyredmem.engine.session import Session
from pyredmem.engine.spec import (
    ALLOW_BUSY,
    ALLOWED_SUBSCRIBED,
    DENYOOM,
    IMMEDIATE_IN_MULTI,
    LOADING,
    MAY_REPLICATE,
    NO_AUTH,
    NO_MULTI,
    PROTECTED,
    QUEUED_OUT_OF_MEMORY,
    READONLY,
    RUNS_SCRIPT,
    WRITE,
    Command,
)
from pyredmem.engine.tracking import Tracking
from pyredmem.engine.verdict import ADMITTED, CLIENT_GONE, POSTPONED, QUEUED, Verdict, refused

_ADMITTED: Final = Verdict(ADMITTED)
_QUEUED: Final = Verdict(QUEUED)
_POSTPONED: Final = Verdict(POSTPONED)
_CLIENT_GONE: Final = Verdict(CLIENT_GONE)


class Admission:
    """Decides whether a command runs now."""

    def __init__(
        self,
        core: Core,
        access: AccessControl,
        clients: Clients,
        faults: Faults,
        memory_limit: MemoryLimit,
        pause: Pause,
        script_run: ScriptRun,
        tracking: Tracking,
    ) -> None:
        self._gates = core.gates
        self._profile = core.profile
        self._allocator = core.allocator
        self._access = access
        self._clients = clients
        self._faults = faults
        self._memory_limit = memory_limit
        self._pause = pause
        self._script_run = script_run
        self._tracking = tracking

    def admit(self, session: Session, command: Command, argv: list[bytes]) -> Verdict:
        """Make room for a client's command if memory is short, then admit, refuse, queue or postpone it."""
        message = self._refusal(session, command, argv)
        if message is not None:
            return refused(command, message)
        if self._gates.bits & GATE_CLIENTS_LIMITED and not self._clients.eviction.make_room(session):
            return _CLIENT_GONE
        message = self._make_room(session, command, argv)
        if message is None:
            if self._gates.bits & GATE_TRACKED:
                self._tracking.limit_table()
            message = self._refusal_of_state(session, command, argv)
        if message is not None:
            return refused(command, message)
        if self._gates.bits & GATE_PAUSED and self._pause.postpone(session, self._flags(session, command, argv)):
            return _POSTPONED
        if self._gates.bits & GATE_FAULTY:
            verdict = self._faults.meet(session, command, argv, self._flags(session, command, argv))
            if verdict is not None:
                return verdict
        if session.gates & GATE_IN_MULTI and not command.flags & IMMEDIATE_IN_MULTI:
            session.transaction.enqueue(command, argv)
            return _QUEUED
        return _ADMITTED

    def admit_retry(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """Make room for the command of a blocked client; returns the error if the client may not run it again.

        Memory may be too short, or the rules of its user may have changed meanwhile.
        """
        message = self._refusal(session, command, argv)
        if message is not None:
            return message
        if not self._is_near_limit() or self._memory_limit.make_room(argv):
            return None
        return errors.OUT_OF_MEMORY if command.flags & DENYOOM else None

    def _refusal(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if this client may not send the command, or may not send it now; None if it may."""
        if command.flags & PROTECTED and not self._clients.may_debug(session):
            return errors.DEBUG_NOT_ALLOWED
        if session.gates & GATE_NEEDS_AUTH and not command.flags & NO_AUTH:
            return errors.NOT_AUTHENTICATED
        if session.gates & GATE_IN_MULTI and command.flags & NO_MULTI:
            return errors.not_in_transaction(command.full_name if self._profile.names_refused_command else b"")
        if session.gates & GATE_ACL:
            return self._access.refusal(session, command, argv)
        return None

    def _is_near_limit(self) -> bool:
        return self._allocator.used_memory > self._gates.memory_alarm_bytes

    def _make_room(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """Evict keys if memory is short; returns the error if there still is no room for the command."""
        if not self._is_near_limit() or self._gates.bits & (GATE_BUSY | GATE_LOADING):
            return None  # nothing may be evicted now
        if self._memory_limit.make_room(argv):
            return None
        if session.gates & GATE_IN_MULTI and not command.flags & QUEUED_OUT_OF_MEMORY:
            return errors.OUT_OF_MEMORY
        return errors.OUT_OF_MEMORY if self._flags(session, command, argv) & DENYOOM else None

    def _flags(self, session: Session, command: Command, argv: list[bytes]) -> i64:
        """The flags of a call: of the command, or of the queued commands or the script that it runs."""
        find_flags = self._script_run.find_flags
        if command.flags & RUNS_SCRIPT and find_flags is not None:
            return find_flags(command, argv)
        return session.transaction.flags_of_call(command)

    def _refusal_of_state(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if the command cannot run in the state that its client or the server is in; None if it can."""
        gates = session.gates
        disk_error = self._gates.disk_error()
        if disk_error is not None and (self._flags(session, command, argv) & WRITE or command.full_name == b"ping"):
            return disk_error
        if gates & GATE_SUBSCRIBED and session.output.protocol == 2 and not command.flags & ALLOWED_SUBSCRIBED:
            return errors.not_while_subscribed(command.full_name)
        if gates & GATE_MONITOR and command.flags & (WRITE | READONLY | MAY_REPLICATE):
            return errors.MONITORS_CANNOT_ACCESS_KEYS
        if self._gates.bits & GATE_LOADING and not command.flags & LOADING:
            return errors.LOADING
        if self._gates.bits & GATE_BUSY and not command.flags & ALLOW_BUSY:
            return self._script_run.busy_error()
        return None
