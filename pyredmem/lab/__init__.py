"""A laboratory for eviction: record or make a trace, replay it under other policies and sizes, and compare.

    from pyredmem import lab

    trace = lab.make(operations=100_000, part=[{"kind": "zipf", "keys": 20_000}])
    results = lab.replay(trace, policies="allkeys-lru,allkeys-lfu", maxmemory="2mb..8mb:4", fill_misses=True)
    sizes, hit_ratios = results.curve("allkeys-lfu")

Traces and results are arrays of numpy. The command `pyredmem lab` does the same.
"""

from pyredmem.lab.api import import_aof, import_csv, make, record, replay
from pyredmem.lab.errors import LabError
from pyredmem.lab.results import Curve, Results
from pyredmem.lab.trace import Trace
from pyredmem.lab.trace_file import load, save

__all__ = [
    "Curve",
    "LabError",
    "Results",
    "Trace",
    "import_aof",
    "import_csv",
    "load",
    "make",
    "record",
    "replay",
    "save",
]
