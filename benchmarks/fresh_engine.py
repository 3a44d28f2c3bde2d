"""How long it takes to make an engine, and how much memory each further idle engine takes.

    python benchmarks/fresh_engine.py              # the package of this interpreter
    python benchmarks/fresh_engine.py --engines 500

An engine is what a test gets: settings, keyspace, all parts and the dispatcher, without and with a connected client.
The time is the CPU time of this process, the least and the median of several rounds. Memory is by how much the resident
set grows for each of many idle engines that stay alive.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time

from pyredmem.assembly import create_engine
from pyredmem.base.build import COMPILED
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.memory.process import resident_bytes


def fresh_engine() -> Engine:
    """An empty engine with the default settings."""
    return create_engine(Settings(), ManualClock(), Random(1))


def cpu_ms(engines: int) -> float:
    """Milliseconds of CPU time per engine; each engine is dropped at once."""
    start = time.process_time()
    for _ in range(engines):
        fresh_engine()
    return (time.process_time() - start) * 1000 / engines


def resident_bytes_per_engine(engines: int) -> float:
    """By how many bytes the resident set grows per engine, while all stay alive."""
    kept = [fresh_engine()]
    gc.collect()
    before = resident_bytes()
    kept += [fresh_engine() for _ in range(engines)]
    gc.collect()
    return (resident_bytes() - before) / engines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--engines", type=int, default=200, help="number of engines in each round (default 200)")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cpu_ms(20)
    rounds = [cpu_ms(options.engines) for _ in range(options.rounds)]
    print(f"package                         {'compiled' if COMPILED else 'interpreted'}")
    print(f"a fresh engine, CPU             {min(rounds):.3f} ms (median {statistics.median(rounds):.3f})")
    print(f"with one client connected, CPU  {_connected_ms(options.engines):.3f} ms")
    print(f"a further idle engine, RSS      {resident_bytes_per_engine(options.engines) / 1024:.1f} KiB")
    print(f"used_memory of a fresh engine   {int(fresh_engine().allocator.used_memory)} bytes")


def _connected_ms(engines: int) -> float:
    start = time.process_time()
    for _ in range(engines):
        fresh_engine().connect("local", "", "")
    return (time.process_time() - start) * 1000 / engines


if __name__ == "__main__":
    main()
