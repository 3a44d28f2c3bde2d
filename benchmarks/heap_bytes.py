"""The cost of strings as bytes in the heap, beside Python's bytes objects in a list.

Run ``python -m benchmarks.heap_bytes [implementation [count]]``, where the implementation is ``words`` or ``buffers``.
To see the compiled figures, compile this file together with the package, so that the loops are compiled too::

    mypyc pyredmem/memory benchmarks/heap_bytes.py

Strings of one length lie in blocks of their own, and are used in random order: nanoseconds of CPU time per operation,
the loop and the choice of the block included (the last column but one is what these take alone). Memory is by how many
bytes the resident set grows per string, without what it takes to keep the addresses.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from time import process_time_ns

from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.heap_choice import create_heap_bytes
from pyredmem.memory.process import resident_bytes

#: How many rounds there are, of which the shortest counts.
ROUNDS = 3
#: A writer is emptied when it has this many bytes.
WRITER_BYTES = 16384


def random_places(count: i64, operations: i64) -> vec[i64]:
    """Which string each operation uses."""
    places = vec[i64]([0] * operations)
    state: i64 = 12345
    for index in range(operations):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        places[index] = (state >> 8) % count
    return places


def loop(addresses: vec[i64], places: vec[i64]) -> i64:
    total: i64 = 0
    for place in places:
        total += addresses[place]
    return total


def heap_store(heap: HeapBytes, addresses: vec[i64], places: vec[i64], data: bytes) -> None:
    length: i64 = len(data)
    for place in places:
        heap.store(addresses[place], data, length)


def heap_load(heap: HeapBytes, addresses: vec[i64], places: vec[i64], length: i64) -> i64:
    total: i64 = 0
    for place in places:
        total += len(heap.load(addresses[place], length))
    return total


def heap_equals(heap: HeapBytes, addresses: vec[i64], places: vec[i64], data: bytes) -> i64:
    length: i64 = len(data)
    total: i64 = 0
    for place in places:
        if heap.equals(addresses[place], data, length):
            total += 1
    return total


def heap_reply(heap: HeapBytes, addresses: vec[i64], places: vec[i64], length: i64) -> None:
    writer = BytesWriter()
    for place in places:
        heap.reply(addresses[place], length, writer)
        if len(writer) > WRITER_BYTES:
            writer.truncate(0)


def list_store(strings: list[bytes], places: vec[i64], data: bytes) -> None:
    view = memoryview(b"-" + data)
    for place in places:
        strings[place] = bytes(view[1:])


def list_load(strings: list[bytes], places: vec[i64]) -> i64:
    total: i64 = 0
    for place in places:
        total += len(strings[place])
    return total


def list_equals(strings: list[bytes], places: vec[i64], data: bytes) -> i64:
    total: i64 = 0
    for place in places:
        if strings[place] == data:
            total += 1
    return total


def list_reply(strings: list[bytes], places: vec[i64]) -> None:
    writer = BytesWriter()
    for place in places:
        writer.write(strings[place])
        if len(writer) > WRITER_BYTES:
            writer.truncate(0)


def fill_heap(allocator: Allocator, heap: HeapBytes, addresses: vec[i64], length: i64) -> None:
    for index in range(len(addresses)):
        address: i64 = allocator.alloc(length)
        heap.store(address, b"%0*d" % (length, index), length)
        addresses[index] = address


class Least:
    """The least nanoseconds per operation of several rounds, by column."""

    def __init__(self, operations: int) -> None:
        self._operations = operations
        self._started = 0
        self._least: dict[str, float] = {}

    def start(self) -> None:
        self._started = process_time_ns()

    def stop(self, name: str) -> None:
        elapsed = (process_time_ns() - self._started) / self._operations
        self._least[name] = min(elapsed, self._least.get(name, elapsed))

    def line(self) -> str:
        return "".join([f"{value:9.1f}" for value in self._least.values()])


def measure_heap(compiled: bool, count: i64, length: i64, operations: i64) -> None:
    places = random_places(count, operations)
    addresses = vec[i64]([0] * count)
    least = Least(operations)
    data = b"%0*d" % (length, 7)
    gc.collect()
    before = resident_bytes()
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    fill_heap(allocator, heap, addresses, length)
    memory = (resident_bytes() - before) / count
    for _ in range(ROUNDS):
        least.start()
        heap_load(heap, addresses, places, length)
        least.stop("load")
        least.start()
        heap_equals(heap, addresses, places, data)
        least.stop("equals")
        least.start()
        heap_reply(heap, addresses, places, length)
        least.stop("reply")
    for _ in range(ROUNDS):
        least.start()
        heap_store(heap, addresses, places, data)
        least.stop("store")
        least.start()
        loop(addresses, places)
        least.stop("loop")
    print(f"heap {count:>9} x {length:<5}{least.line()}{memory:9.1f}")


def measure_list(count: i64, length: i64, operations: i64) -> None:
    places = random_places(count, operations)
    numbers = vec[i64]([0] * count)
    strings: list[bytes] = [b""] * count
    least = Least(operations)
    data = b"%0*d" % (length, 7)
    gc.collect()
    before = resident_bytes()
    for index in range(count):
        strings[index] = b"%0*d" % (length, index)
    memory = (resident_bytes() - before) / count
    for _ in range(ROUNDS):
        least.start()
        list_load(strings, places)
        least.stop("load")
        least.start()
        list_equals(strings, places, data)
        least.stop("equals")
        least.start()
        list_reply(strings, places)
        least.stop("reply")
    for _ in range(ROUNDS):
        least.start()
        list_store(strings, places, data)
        least.stop("store")
        least.start()
        loop(numbers, places)
        least.stop("loop")
    print(f"list {count:>9} x {length:<5}{least.line()}{memory:9.1f}")


def in_own_process(measure: Callable[[], None]) -> None:
    """Measure in a copy of this process, so that no memory is left from an earlier one."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        measure()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main(compiled: bool, most: int) -> None:
    print(" " * 22 + "".join([f"{name:>9}" for name in ("load", "equals", "reply", "store", "loop", "RSS")]))
    for length in (10, 100, 500, 1000):
        for count in (1000, most):
            operations = min(max(count, 100_000), 300_000)
            in_own_process(partial(measure_list, count, length, operations))
            in_own_process(partial(measure_heap, compiled, count, length, operations))


if __name__ == "__main__":
    main(sys.argv[1:2] != ["buffers"], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
