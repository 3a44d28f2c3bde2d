"""A laboratory for eviction: record or make a trace, replay it under other policies and sizes, and compare.

    from pyredmem import lab

    trace = lab.make(operations=100_000, part=[{"kind": "zipf", "keys": 20_000}])
    results = lab.replay(trace, policies="allkeys-lru,allkeys-lfu", maxmemory="2mb..8mb:4", fill_misses=True)
    sizes, hit_ratios = results.curve("allkeys-lfu")

Traces and results are arrays of numpy. The command `pyredmem lab` does the same.
"""

from pyredmem.lab.api import import_aof, import_csv, make, record, replay
from pyredmem.lab.errors import LabError
from pyredmem.lab.fragment import Run, run_pattern, try_pattern
from pyredmem.lab.fragment_spec import Pattern, parsed_pattern
from pyredmem.lab.results import Curve, Results
from pyredmem.lab.trace import Trace
from pyredmem.lab.trace_file import load, save

__all__ = [
    "Curve",
    "LabError",
    "Pattern",
    "Results",
    "Run",
    "Trace",
    "import_aof",
    "import_csv",
    "load",
    "make",
    "parsed_pattern",
    "record",
    "replay",
    "run_pattern",
    "save",
    "try_pattern",
]
