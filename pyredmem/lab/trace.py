"""A trace: what clients asked a server for, one operation after another, without the values.

It is held in columns, with one place for each operation. An operation is on one key; a command with several keys is as
many operations. Columns are arrays of numpy.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from pyredmem.lab.operations import KEEP_TTL, READ, UNKNOWN_SIZE

#: Said to be an alias: otherwise it is none where numpy is not installed, as while the package is compiled.
Numbers: TypeAlias = npt.NDArray[Any]

#: The columns of a trace, with the type of their numbers. The time is in microseconds since the beginning of the trace.
COLUMNS: Final = {
    "times": "<i8",
    "operations": "u1",
    "keys": "<u4",
    "sizes": "<i4",
    "ttls": "<i8",
    "types": "u1",
}


@dataclass
class Trace:
    """Operations, in the order of their times.

    ``keys`` are places in ``names`` and ``databases``: the name of the key, and the number of its database. ``sizes``
    are lengths of values in bytes, -1 where they are not known. ``ttls`` are in milliseconds, -1 for none, -2 where the
    expire time does not change.
    """

    times: Numbers
    operations: Numbers
    keys: Numbers
    sizes: Numbers
    ttls: Numbers
    types: Numbers
    names: list[bytes]
    databases: Numbers
    start_us: int = 0  # unix time of the beginning; 0 if it is not known

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def reads(self) -> int:
        """How many operations are reads."""
        return int(np.count_nonzero(self.operations == READ))

    @property
    def seconds(self) -> float:
        """From the first operation to the last one."""
        return float(self.times[-1] - self.times[0]) / 1e6 if len(self) else 0.0

    @property
    def key_lengths(self) -> Numbers:
        """The length of the key of each operation, in bytes."""
        lengths = np.fromiter(map(len, self.names), dtype=np.int64, count=len(self.names))
        return lengths[self.keys]

    def columns(self) -> dict[str, Numbers]:
        """The columns by their names."""
        return {name: getattr(self, name) for name in COLUMNS}


class TraceBuilder:
    """Collects operations one by one. Their times may be any, but must not fall."""

    def __init__(self) -> None:
        self._columns = {
            "times": array("q"),
            "operations": array("B"),
            "keys": array("L" if array("L").itemsize == 4 else "I"),
            "sizes": array("i"),
            "ttls": array("q"),
            "types": array("B"),
        }
        self._ids: dict[tuple[int, bytes], int] = {}
        self.names: list[bytes] = []
        self.databases = array("H")

    def __len__(self) -> int:
        return len(self._columns["operations"])

    def add(
        self,
        time_us: int,
        operation: int,
        name: bytes,
        size: int = UNKNOWN_SIZE,
        ttl_ms: int = KEEP_TTL,
        kind: int = 0,
        database: int = 0,
    ) -> None:
        """Add an operation."""
        number = self._ids.get((database, name))
        if number is None:
            number = self._ids[database, name] = len(self.names)
            self.names.append(name)
            self.databases.append(database)
        columns = self._columns
        columns["times"].append(time_us)
        columns["operations"].append(operation)
        columns["keys"].append(number)
        columns["sizes"].append(size)
        columns["ttls"].append(ttl_ms)
        columns["types"].append(kind)

    def take_columns(self) -> dict[str, Numbers]:
        """The operations since the last call, as arrays; they are forgotten here, but their keys are not."""
        found = {name: np.array(self._columns[name], dtype=dtype) for name, dtype in COLUMNS.items()}
        for column in self._columns.values():
            del column[:]
        return found

    def trace(self) -> Trace:
        """All operations as a trace that begins at the time 0. They are forgotten here."""
        columns = self.take_columns()
        start_us = int(columns["times"][0]) if len(columns["times"]) else 0
        columns["times"] -= start_us
        return Trace(**columns, names=self.names, databases=np.array(self.databases, dtype="<u2"), start_us=start_us)


def sorted_by_time(trace: Trace) -> Trace:
    """The same trace with its operations in the order of their times; those of one time keep their order."""
    if bool(np.all(trace.times[1:] >= trace.times[:-1])):
        return trace
    order = np.argsort(trace.times, kind="stable")
    columns = {name: column[order] for name, column in trace.columns().items()}
    return Trace(**columns, names=trace.names, databases=trace.databases, start_us=trace.start_us)
