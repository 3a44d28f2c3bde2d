"""How long `Server.snapshot` and `Server.restore` take, in nanoseconds of CPU time for each key.

    python benchmarks/snapshots.py                # 100,000 keys
    python benchmarks/snapshots.py --keys 1000000

`restore` is measured after 20 keys have changed, as after a test, and after FLUSHALL.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import thread_time_ns
from typing import Any

from pyredmem.base.build import COMPILED
from pyredmem.client.server import Server

ROUNDS = 5
BATCH = 1000
CHANGED = 20


def strings(number: int) -> Any:
    """A string for each key."""
    return f"value {number}"


def six_types(number: int) -> Any:
    """All kinds of values in turn."""
    kinds: tuple[Any, ...] = (f"value {number}", number, ["a", "b"], {"x", "y"}, {"field": "value"}, "1" * 100)
    return kinds[number % len(kinds)]


def measure(count: int, make: Callable[[int], Any]) -> tuple[float, float, float]:
    """The best of some rounds (ns per key): to take, to restore after changes, to restore after FLUSHALL."""
    with Server() as server:
        for start in range(0, count, BATCH):
            server.load({f"key:{number}": make(number) for number in range(start, min(start + BATCH, count))})
        client = server.client()
        rounds = []
        for _ in range(ROUNDS):
            started = thread_time_ns()
            snapshot = server.snapshot()
            taken = thread_time_ns()
            for number in range(CHANGED):
                client.append(f"key:{number * 6}", "!")
            changed = thread_time_ns()
            server.restore(snapshot)
            restored = thread_time_ns()
            client.flushall()
            flushed = thread_time_ns()
            server.restore(snapshot)
            rounds.append((taken - started, restored - changed, thread_time_ns() - flushed))
            snapshot.close()
    taking, restoring, rebuilding = (min(times) / count for times in zip(*rounds, strict=True))
    return taking, restoring, rebuilding


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=100_000)
    count = parser.parse_args().keys
    print(f"{count:,} keys, {'compiled' if COMPILED else 'interpreted'}; CPU time for each key (ns)")
    print(f"{'':12}{'snapshot':>10}{'restore':>10}{'after FLUSHALL':>16}")
    for make in (strings, six_types):
        taking, restoring, rebuilding = measure(count, make)
        print(f"{make.__name__.replace('_', ' '):12}{taking:10.0f}{restoring:10.0f}{rebuilding:16.0f}")


if __name__ == "__main__":
    main()
