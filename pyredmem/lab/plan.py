"""What each operation of a trace would write: the value, the time to live and the type of a key at that moment.

A read that misses is filled with the size that the key had last, so these are known before anything is replayed. A key
whose size is told only later has that size from the beginning; one whose size is never told has the usual size of the
trace, which is the median.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pyredmem.lab.operations import KEEP_TTL, NO_TTL, READ, STRING
from pyredmem.lab.trace import Numbers, Trace

#: The size of values in a trace that tells none (bytes).
_ANY_SIZE: Final = 100
#: The next read of a key that is not read again before it is written or deleted.
NEVER: Final = 1 << 62


@dataclass
class Plan:
    """A trace with nothing unknown in it. The arrays have a place for each operation.

    ``sizes``, ``types`` and ``fill_ttls`` are those of the key if it is written or filled there. A write that tells no
    time to live keeps the expire time; a fill takes the last time to live that the key was given.
    """

    trace: Trace
    sizes: Numbers
    fill_ttls: Numbers
    types: Numbers

    def next_reads(self) -> Numbers:
        """For each operation the place of the next one on its key if that is a read, else NEVER."""
        keys = self.trace.keys
        order = np.argsort(keys, kind="stable")
        following = np.full(len(order), NEVER, dtype=np.int64)
        same = keys[order[1:]] == keys[order[:-1]]
        reads = self.trace.operations[order[1:]] == READ
        following[:-1][same & reads] = order[1:][same & reads]
        found = np.empty_like(following)
        found[order] = following
        return found


def plan_of(trace: Trace) -> Plan:
    """The plan of a trace."""
    known = trace.sizes[trace.sizes >= 0]
    usual = int(np.median(known)) if len(known) else _ANY_SIZE
    order = np.argsort(trace.keys, kind="stable")
    starts = _group_starts(trace.keys[order])
    sizes = _last_known(trace.sizes, trace.sizes >= 0, order, starts, usual)
    fill_ttls = _last_known(trace.ttls, trace.ttls != KEEP_TTL, order, starts, NO_TTL)
    types = _last_known(trace.types, trace.types > 0, order, starts, STRING)
    return Plan(trace, sizes, fill_ttls, types)


def _group_starts(keys: Numbers) -> Numbers:
    """For each place in sorted keys the place where its key begins."""
    places = np.arange(len(keys))
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = keys[1:] != keys[:-1]
    return np.maximum.accumulate(np.where(begins, places, 0))


def _last_known(values: Numbers, is_known: Numbers, order: Numbers, starts: Numbers, default: int) -> Numbers:
    """The value of each key that was known last, or else the one that is known next, or else the default."""
    count = len(order)
    places = np.arange(count)
    known = is_known[order]
    ordered = values[order].astype(np.int64)
    last = np.maximum.accumulate(np.where(known, places, -1))
    following = np.minimum.accumulate(np.where(known, places, count)[::-1])[::-1]
    belongs = np.append(starts, -1)  # a place past the end belongs to no key
    has_next = belongs[following] == starts
    chosen = np.where(last >= starts, last, np.where(has_next, following, -1))
    filled = np.where(chosen >= 0, ordered[chosen], default)
    found = np.empty(count, dtype=np.int64)
    found[order] = filled
    return found
