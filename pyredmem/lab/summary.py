"""What is in a trace, in a few lines."""

from __future__ import annotations

import numpy as np

from pyredmem.lab.operations import OPERATIONS, TYPES
from pyredmem.lab.trace import Trace
from pyredmem.rdb.survey.document import size_text


def summary(trace: Trace) -> list[str]:
    """The lines."""
    count = len(trace)
    lines = [f"{count:,} operations on {len(trace.names):,} keys in {trace.seconds:,.1f} s"]
    if count == 0:
        return lines
    lines.append(_shares("operations", OPERATIONS, np.bincount(trace.operations, minlength=len(OPERATIONS))))
    lines.append(_shares("types", TYPES, np.bincount(trace.types, minlength=len(TYPES))))
    sizes = trace.sizes[trace.sizes >= 0]
    if len(sizes):
        low, middle, high = (size_text(float(size)) for size in np.percentile(sizes, (0, 50, 100)))
        lines.append(f"values: {low} to {high}, median {middle}; {len(sizes) / count:.1%} of the operations tell")
    ttls = trace.ttls[trace.ttls > 0] / 1000
    if len(ttls):
        low, middle, high = np.percentile(ttls, (0, 50, 100))
        lines.append(f"times to live: {low:,.0f} s to {high:,.0f} s, median {middle:,.0f} s")
    databases = np.unique(trace.databases)
    if len(databases) > 1:
        lines.append(f"databases: {', '.join(map(str, databases.tolist()))}")
    return lines


def _shares(title: str, names: tuple[str, ...], counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    total = int(counts.sum())
    parts = [f"{name} {number / total:.1%}" for name, number in zip(names, counts.tolist(), strict=True) if number]
    return f"{title}: {', '.join(parts)}"
