"""The cost of the ledger: nanoseconds per operation of the allocator, in typical situations.

Run ``python -m benchmarks.ledger [profile [count]]``. To see the compiled figures, compile this file
together with the package, so that the loop around the calls is compiled too::

    mypyc pyredmem/memory benchmarks/ledger.py
"""

from __future__ import annotations

import sys
from time import perf_counter_ns

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator


def report(name: str, started_ns: int, count: int) -> None:
    print(f"{name:<46}{(perf_counter_ns() - started_ns) / count:9.1f} ns")


def pairs(allocator: Allocator, size: i64, count: i64) -> None:
    """Allocate and free one block again and again, while another block of its class is in use."""
    other: i64 = allocator.alloc(size)
    started = perf_counter_ns()
    for _ in range(count):
        address: i64 = allocator.alloc(size)
        allocator.free(address)
    report(f"alloc + free of {size} bytes", started, count)
    allocator.free(other)


def lone_pairs(allocator: Allocator, size: i64, count: i64) -> None:
    """Allocate and free the only block of its class, so that its slab is created and freed each time."""
    started = perf_counter_ns()
    for _ in range(count):
        address: i64 = allocator.alloc(size)
        allocator.free(address)
    report(f"alloc + free of {size} bytes, alone", started, count)


def fill_and_empty(allocator: Allocator, size: i64, count: i64) -> None:
    """Fill the heap, free every other block, fill the holes, free all."""
    addresses = vec[i64]([0] * count)
    started = perf_counter_ns()
    for index in range(count):
        addresses[index] = allocator.alloc(size)
    report(f"alloc of {count} x {size} bytes", started, count)
    started = perf_counter_ns()
    for index in range(0, count, 2):
        allocator.free(addresses[index])
    report("  free of every other one", started, count // 2)
    started = perf_counter_ns()
    for index in range(0, count, 2):
        addresses[index] = allocator.alloc(size)
    report("  alloc into the holes", started, count // 2)
    started = perf_counter_ns()
    for index in range(count):
        allocator.free(addresses[index])
    report("  free of all", started, count)


def random_churn(allocator: Allocator, size: i64, count: i64) -> None:
    """Replace random blocks of a full heap: allocate the new one, free the old one."""
    addresses = vec[i64]([0] * count)
    for index in range(count):
        addresses[index] = allocator.alloc(size)
    state: i64 = 12345
    started = perf_counter_ns()
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        victim: i64 = state % count
        address: i64 = allocator.alloc(size)
        allocator.free(addresses[victim])
        addresses[victim] = address
    report(f"random churn among {count} x {size} bytes", started, count)
    started = perf_counter_ns()
    for index in range(count):
        addresses[index] = allocator.replace(addresses[index], size)
    report("  replace by the same size", started, count)
    for index in range(count):
        allocator.free(addresses[index])


def main(profile: str, count: int) -> None:
    allocator = Allocator(profile)
    for size in (24, 64, 1024):
        pairs(allocator, size, count)
    lone_pairs(allocator, 24, count // 10)
    lone_pairs(allocator, 4096, count // 10)
    lone_pairs(allocator, 20480, count // 10)
    fill_and_empty(allocator, 32, count)
    random_churn(allocator, 32, count)
    random_churn(allocator, 2048, count // 10)
    random_churn(allocator, 20480, count // 100)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "jemalloc", int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
