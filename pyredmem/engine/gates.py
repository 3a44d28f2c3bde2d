"""Gates: conditions under which the dispatcher must look more closely at a command before it runs.

Usually no gate is set, and then the rarer checks cost nothing. A gate is a bit, either of a session (its client must
authenticate, it is in MULTI ...) or of the whole engine (clients are paused, a client is in MONITOR ...).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.limits import UNLIMITED

# Gates of a session.
GATE_NEEDS_AUTH: Final = 1 << 0
GATE_IN_MULTI: Final = 1 << 1
GATE_SUBSCRIBED: Final = 1 << 2
GATE_REPLY_SKIP: Final = 1 << 3  # the reply of the next command is dropped: CLIENT REPLY SKIP
GATE_NO_TOUCH: Final = 1 << 4
GATE_TRACKING: Final = 1 << 5
GATE_MONITOR: Final = 1 << 6
GATE_ACL: Final = 1 << 7  # its user may not do everything

# Gates of the engine.
GATE_PAUSED: Final = 1 << 16  # CLIENT PAUSE is in force
GATE_MONITORED: Final = 1 << 17  # a client is in MONITOR
GATE_TRACKED: Final = 1 << 18  # a client tracks keys
GATE_CLIENTS_LIMITED: Final = 1 << 19  # maxmemory-clients is set
GATE_KEYS_AWAITED: Final = 1 << 20  # a client is blocked on a key
GATE_RECORDED: Final = 1 << 21  # the writes are being recorded
GATE_BUSY: Final = 1 << 22  # a script has been running for long, and is suspended
GATE_LOGGED: Final = 1 << 23  # the commands that clients send are being recorded, see command_log.py
GATE_FAULTY: Final = 1 << 24  # a test has asked for faults, see faults.py
GATE_LOADING: Final = 1 << 25  # the dataset is being loaded from a file
GATE_CANNOT_SAVE: Final = 1 << 26  # the last save has failed, and writes are refused until one succeeds
GATE_CANNOT_APPEND: Final = 1 << 27  # the append-only file cannot be written, and writes are refused

#: While one of these is set, only the suspended script, or the loading of the file, may change the dataset.
GATES_STANDSTILL: Final = GATE_BUSY | GATE_LOADING


class Gates:
    """The gates of the engine, and the bytes in use above which each command first consults the memory limit."""

    def __init__(self) -> None:
        self.bits: i64 = 0
        self.memory_alarm_bytes: i64 = UNLIMITED
        self.append_error = b""  # why the append-only file cannot be written

    def set(self, gate: i64, on: bool) -> None:
        self.bits = self.bits | gate if on else self.bits & ~gate

    def disk_error(self) -> bytes | None:
        """The error for a write while the disk lets no file be written; None while it does."""
        if self.bits & GATE_CANNOT_SAVE:
            return errors.CANNOT_SAVE
        return errors.cannot_append(self.append_error) if self.bits & GATE_CANNOT_APPEND else None
