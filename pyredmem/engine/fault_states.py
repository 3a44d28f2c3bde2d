"""States of a whole server that a test pretends: it is loading, a replica, out of memory, a node of a cluster ...

A state is a fault like the others, with the error text of Redis 7.2. It refuses the commands that Redis refuses in that
state, which their flags tell (Redis 7.2 processCommand).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.hash_slot import hash_slot
from pyredmem.engine.faults import Call, Fault, Faults, Schedule, Scope
from pyredmem.engine.gates import GATE_IN_MULTI
from pyredmem.engine.key_extraction import keys_of
from pyredmem.engine.spec import (
    ALLOW_BUSY,
    DENYOOM,
    LOADING,
    NO_AUTH,
    QUEUED_OUT_OF_MEMORY,
    RUNS_QUEUE,
    RUNS_SCRIPT,
    STALE,
    WRITE,
)
from pyredmem.engine.verdict import REFUSED, Verdict, refused
from pyredmem.keyspace.database import Database


class State:
    """An error, and who gets it: commands with one of the flags ``refuses``, or those without the flag ``spares``."""

    def __init__(self, message: bytes, *, refuses: i64 = 0, spares: i64 = 0) -> None:
        self.message = message
        self.refuses: i64 = refuses
        self.spares: i64 = spares

    def concerns(self, call: Call) -> bool:
        """Whether Redis refuses a request in this state."""
        if self.refuses:
            return call.flags & self.refuses != 0
        if call.command.flags & RUNS_QUEUE:
            return _lacks(call.command.flags, self.spares) or any(
                _lacks(queued.command.flags, self.spares) for queued in call.session.transaction.queue
            )
        return _lacks(call.flags, self.spares)

    def message_for(self, call: Call) -> bytes:
        """The error for a request that is refused."""
        return self.message


class NotAuthenticated(State):
    """The server has a password. HELLO is refused too unless it comes with one."""

    def concerns(self, call: Call) -> bool:
        return super().concerns(call) or _is_hello_without_password(call)

    def message_for(self, call: Call) -> bytes:
        return errors.HELLO_WITHOUT_AUTH if _is_hello_without_password(call) else self.message


class MasterDown(State):
    """A replica has lost its master. What a replica refuses anyway it refuses as ever: commands that write.

    Of scripts it runs only those that say that old data will do (``allow-stale``).
    """

    def concerns(self, call: Call) -> bool:
        declares_nothing = call.command.flags & RUNS_SCRIPT != 0 and call.flags == call.command.flags
        return declares_nothing or super().concerns(call)

    def message_for(self, call: Call) -> bytes:
        return errors.READ_ONLY_REPLICA if call.flags & WRITE else self.message


class FailedSave(State):
    """The last snapshot could not be saved. PING is refused too, so that whoever watches the server gets to know."""

    def concerns(self, call: Call) -> bool:
        return super().concerns(call) or call.command.full_name == b"ping"


class OutOfMemory(State):
    """There is no memory. A transaction must not grow either, whatever command is to be queued."""

    def concerns(self, call: Call) -> bool:
        if call.session.gates & GATE_IN_MULTI and not call.command.flags & QUEUED_OUT_OF_MEMORY:
            return True
        return super().concerns(call)


STATES: Final = {
    "busy": State(errors.BUSY_SCRIPT, spares=ALLOW_BUSY),
    "loading": State(errors.LOADING, spares=LOADING),
    "masterdown": MasterDown(errors.MASTER_DOWN, spares=STALE),
    "misconf": FailedSave(errors.CANNOT_SAVE, refuses=WRITE),
    "noauth": NotAuthenticated(errors.NOT_AUTHENTICATED, spares=NO_AUTH),
    "noreplicas": State(errors.NO_REPLICAS, refuses=WRITE),
    "oom": OutOfMemory(errors.OUT_OF_MEMORY, refuses=DENYOOM),
    "readonly": State(errors.READ_ONLY_REPLICA, refuses=WRITE),
}


def _lacks(flags: i64, flag: i64) -> bool:
    return flags & flag == 0


def _is_hello_without_password(call: Call) -> bool:
    return call.command.full_name == b"hello" and not any(word.lower() == b"auth" for word in call.argv[2:])


class StateFault(Fault):
    """The server is in a state."""

    def __init__(self, title: str, scope: Scope, schedule: Schedule, state: State) -> None:
        super().__init__(title, scope, schedule)
        self._state: State = state

    def concerns(self, call: Call) -> bool:
        return self._state.concerns(call)

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        return refused(call.command, self._state.message_for(call))


class RedirectFault(Fault):
    """A node of a cluster has given a slot away, or all of them (``slot`` -1), or is ``giving`` them away right now.

    In the first case clients must go to the new node for good (MOVED). In the second, keys that are here are served
    here, and clients must ask the new node for the others (ASK).
    """

    def __init__(self, title: str, scope: Scope, schedule: Schedule, address: bytes, slot: i64, giving: bool) -> None:
        super().__init__(title, scope, schedule)
        self._address = address
        self._slot: i64 = slot
        self._giving = giving

    def concerns(self, call: Call) -> bool:
        keys = _all_keys(call)
        if self._slot >= 0 and all(hash_slot(key) != self._slot for key in keys):
            return False
        return len(keys) > 0 and not (self._giving and _count_missing(call.session.db, keys) == 0)

    def strike(self, faults: Faults, call: Call) -> Verdict | None:
        keys = _all_keys(call)
        if call.command.flags & RUNS_QUEUE:
            call.session.end_transaction()
        return Verdict(REFUSED, self._redirection(call.session.db, keys, hash_slot(keys[0])))

    def _redirection(self, database: Database, keys: list[bytes], slot: int) -> bytes:
        if any(hash_slot(key) != slot for key in keys):
            return errors.DIFFERENT_SLOTS
        if not self._giving:
            return b"MOVED %d %s" % (slot, self._address)
        if _count_missing(database, keys) < len(keys):
            return errors.SLOT_IS_MOVING
        return b"ASK %d %s" % (slot, self._address)


def _all_keys(call: Call) -> list[bytes]:
    """The keys of a request, and of the queued commands if it is EXEC."""
    keys = list(call.find_keys())
    if call.command.flags & RUNS_QUEUE:
        for queued in call.session.transaction.queue:
            keys += keys_of(queued.command.spec, queued.argv)
    return keys


def _count_missing(database: Database, keys: list[bytes]) -> int:
    return len([key for key in keys if not database.exists(key)])
