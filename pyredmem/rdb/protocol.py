"""The commands that make the dataset of a file: ``pyredmem rdb protocol FILE | redis-cli --pipe``.

They are for a server without these keys. Idle times and LFU counters cannot be had by commands, nor can what
`value_commands` leaves out.
"""

from __future__ import annotations

from pyredmem.persistence.value_commands import commands
from pyredmem.protocol.request_writer import request
from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.report import Report, Write
from pyredmem.rdb.values import Workbench


class ProtocolReport(Report):
    """The commands as a client sends them."""

    def __init__(self, write: Write, workbench: Workbench) -> None:
        super().__init__(write)
        self._workbench = workbench
        self._database: int | None = None

    def add(self, entry: Entry) -> None:
        if entry.image is None:
            return
        if entry.database != self._database:
            self._database = entry.database
            self._send([b"SELECT", b"%d" % entry.database])
        with self._workbench.built(entry.image) as value:
            for command in commands(value, entry.key):
                self._send(command)
        if entry.expire_ms is not None:
            self._send([b"PEXPIREAT", entry.key, b"%d" % entry.expire_ms])

    def add_library(self, code: bytes) -> None:
        self._send([b"FUNCTION", b"LOAD", b"REPLACE", code])

    def _send(self, command: list[bytes]) -> None:
        self._write(request(command))
