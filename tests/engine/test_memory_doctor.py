"""MEMORY DOCTOR: under which conditions it reports which findings."""

from __future__ import annotations

import re

from pyredmem.engine import figures
from pyredmem.memory.process_heap import HeapFigures
from tests.support.hosted import Hosted


def doctor(hosted: Hosted) -> str:
    """The diagnosis after a fresh sample."""
    hosted.tick()
    reply = hosted.do("MEMORY", "DOCTOR")
    assert isinstance(reply, bytes)
    return reply.decode()


def titles(hosted: Hosted) -> list[str]:
    """The titles of the findings."""
    return re.findall(r"^ \* ([^:]+):", doctor(hosted), re.MULTILINE)


def loaded(megabytes: int = 20) -> Hosted:
    """An engine with data, in a process that takes exactly the memory that the allocator has taken."""
    hosted = Hosted()
    heap(hosted, arenas=megabytes, live_bytes=megabytes << 20)
    hosted.do("DEBUG", "POPULATE", str(megabytes), "k", "1000000")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    return hosted


def heap(hosted: Hosted, arenas: int, live_bytes: int, obstacle: str = "") -> None:
    """Let the interpreter's heap look like this, whatever the heap of the test process looks like."""
    defrag = hosted.engine.process_defrag
    defrag._figures = HeapFigures(arenas, live_bytes)
    defrag._figures_due_us = 1 << 60
    defrag._obstacle = obstacle


def test_an_almost_empty_server_cannot_be_judged() -> None:
    text = doctor(Hosted())
    assert text.startswith("Hi Sam, this instance is empty or is using very little memory")


def test_nothing_is_wrong_with_a_server_that_only_holds_data() -> None:
    assert doctor(loaded()).startswith("Hi Sam, I can't find any memory issue in your instance.")


def test_findings_stand_between_greeting_and_farewell() -> None:
    hosted = loaded()
    hosted.host.rss *= 2
    text = doctor(hosted)
    assert text.startswith("Sam, I detected a few issues in this Redis instance memory implants:\n\n * ")
    assert text.splitlines()[-1].startswith("I'm here to keep you safe, Sam.")


def test_a_past_peak() -> None:
    hosted = loaded()
    for number in range(15):
        hosted.do("SET", f"k:{number}", "x")
    hosted.do("MEMORY", "PURGE")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    assert titles(hosted) == ["Peak memory"]


def test_a_process_much_bigger_than_its_data() -> None:
    hosted = loaded()
    hosted.host.rss *= 2
    assert titles(hosted) == ["High total RSS", "High process RSS overhead"]
    assert '"jemalloc-5.3.0"' in doctor(hosted)


def test_pages_that_the_allocator_keeps() -> None:
    hosted = loaded(60)
    for number in range(12):
        hosted.do("SET", f"k:{number}", "x")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    assert "High allocator RSS overhead" in titles(hosted)


def test_room_between_the_blocks() -> None:
    hosted = fragmented()
    assert "High allocator fragmentation" in titles(hosted)


def fragmented() -> Hosted:
    """An engine with 40,000 values in slabs, of which every second one has been deleted."""
    hosted = Hosted()
    heap(hosted, 10, 10 << 20)
    for number in range(40_000):
        hosted.do("SET", f"k{number}", "x" * 900)
    for number in range(40_000):
        if number % 2:
            hosted.do("SET", f"k{number}", "x")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    return hosted


def test_clients_with_big_buffers() -> None:
    hosted = loaded()
    hosted.do(
        "SET", "big", "x" * 1_000_000
    )  # the query buffer keeps its size until the client has been idle for a while
    assert titles(hosted) == ["Big client buffers"]


def test_many_scripts() -> None:
    hosted = loaded()
    for number in range(1001):
        hosted.do("SCRIPT", "LOAD", f"return {number}")
    assert titles(hosted) == ["Many scripts"]


def test_replicas_that_are_far_behind() -> None:
    hosted = loaded()
    hosted.engine.figures.provide(figures.REPLICA_BUFFERS_BYTES, lambda: 11 << 20)
    assert titles(hosted) == []
    hosted.engine.figures.provide(figures.REPLICAS, lambda: 1)
    assert titles(hosted) == ["Big replica buffers"]


def test_fragmentation_while_active_defragmentation_is_possible_but_off() -> None:
    hosted = fragmented()
    hosted.engine.settings.set_many([("active-defrag-ignore-bytes", "10mb")])
    assert "Defragmentation is off" in titles(hosted)
    hosted.engine.settings.set_many([("active-defrag-ignore-bytes", "100mb")])
    assert "Defragmentation is off" not in titles(hosted)


def test_memory_that_stays_above_its_limit() -> None:
    hosted = loaded()
    hosted.do("CONFIG", "SET", "maxmemory", "1mb")
    hosted.do("SET", "refused", "v")
    hosted.tick(5000)
    text = doctor(hosted)
    assert " * Eviction too slow: memory has exceeded maxmemory for 5.1 seconds. The policy is noeviction" in text


def test_much_memory_that_is_waiting_to_be_freed() -> None:
    hosted = loaded()
    lazyfree = hosted.engine.keyspace.lazyfree
    lazyfree.pending += 100_001
    assert titles(hosted) == ["Long backlog of lazy free"]
    lazyfree.pending -= 100_001


def test_an_interpreter_with_sparse_arenas() -> None:
    hosted = loaded()
    heap(hosted, arenas=100, live_bytes=50 << 20)
    text = doctor(hosted)
    assert titles(hosted) == ["Sparse process heap"]
    assert "100 arenas of 1 MiB for 50 MiB" in text
    assert "CONFIG SET activedefrag yes" in text


def test_the_finding_on_a_sparse_heap_says_whether_defragmentation_works_on_it() -> None:
    hosted = loaded()
    heap(hosted, arenas=100, live_bytes=50 << 20)
    hosted.engine.defrag.settings.enabled = True
    assert "below its thresholds" in doctor(hosted)
    hosted.engine.defrag.settings.ignore_bytes = 1 << 20
    assert "works on it" in doctor(hosted)


def test_a_sparse_heap_that_cannot_be_compacted() -> None:
    hosted = loaded()
    heap(hosted, 100, 50 << 20, obstacle="the interpreter is snake, not CPython")
    assert "cannot be compacted: the interpreter is snake, not CPython." in doctor(hosted)


def test_a_little_room_in_the_heap_is_no_finding() -> None:
    hosted = loaded()
    heap(hosted, arenas=100, live_bytes=85 << 20)
    assert titles(hosted) == []
