"""What each operation of a trace would write."""

from __future__ import annotations

from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, WRITE
from pyredmem.lab.plan import NEVER, plan_of
from pyredmem.lab.trace import TraceBuilder


def test_a_fill_has_the_size_and_the_time_to_live_seen_last() -> None:
    builder = TraceBuilder()
    builder.add(1, READ, b"a")
    builder.add(2, WRITE, b"a", 10, 500, 3)
    builder.add(3, READ, b"b")
    builder.add(4, READ, b"a")
    builder.add(5, WRITE, b"a", ttl_ms=KEEP_TTL)
    builder.add(6, WRITE, b"a", 30, NO_TTL)
    builder.add(7, EXPIRE, b"a", ttl_ms=9)
    builder.add(8, READ, b"a")
    plan = plan_of(builder.trace())
    # The one key without any size has the median of all that are told.
    assert plan.sizes.tolist() == [10, 10, 20, 10, 10, 30, 30, 30]
    assert plan.fill_ttls.tolist() == [500, 500, NO_TTL, 500, 500, NO_TTL, 9, 9]
    assert plan.types.tolist() == [3, 3, 1, 3, 3, 3, 3, 3]


def test_the_next_read_counts_only_before_the_next_write() -> None:
    builder = TraceBuilder()
    for operation, key in [(READ, b"a"), (READ, b"b"), (READ, b"a"), (WRITE, b"a"), (READ, b"a"), (DELETE, b"b")]:
        builder.add(0, operation, key)
    assert plan_of(builder.trace()).next_reads().tolist() == [2, NEVER, NEVER, 4, NEVER, NEVER]


def test_an_empty_trace_has_an_empty_plan() -> None:
    plan = plan_of(TraceBuilder().trace())
    assert len(plan.sizes) == len(plan.next_reads()) == 0
