"""Miniature simulation, as in SHARDS (Waldspurger and others, FAST 2015): some keys stand for all of them.

A key is chosen by a hash of its name, so all of its operations are kept or none is. With a hundredth of the keys a
hundredth of the memory gives nearly the same hit ratio.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

from pyredmem.lab.trace import Trace

_HASH_BYTES: Final = 8
_HASHES: Final = float(1 << (8 * _HASH_BYTES))


def is_sampled(name: bytes, rate: float) -> bool:
    """Whether a key belongs to a sample of this share of all keys."""
    return int.from_bytes(blake2b(name, digest_size=_HASH_BYTES).digest(), "big") / _HASHES < rate


def sampled(trace: Trace, rate: float) -> Trace:
    """The operations on a share of the keys."""
    if rate >= 1:
        return trace
    chosen = np.fromiter((is_sampled(name, rate) for name in trace.names), dtype=bool, count=len(trace.names))
    numbers = np.cumsum(chosen) - 1
    kept = chosen[trace.keys]
    columns = {name: column[kept] for name, column in trace.columns().items()}
    columns["keys"] = numbers[columns["keys"]].astype("<u4")
    names = [name for name, is_chosen in zip(trace.names, chosen.tolist(), strict=True) if is_chosen]
    return Trace(**columns, names=names, databases=trace.databases[chosen], start_us=trace.start_us)
