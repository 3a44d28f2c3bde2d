"""INFO process: the interpreter's heap under the data set, and what defragmentation of it has done.

A section of this server alone; it is shown when it is asked for, and with ``all``. Its fields:

``process_allocator``          what the small objects come from: ``pymalloc``, or ``other``
``process_compaction``         whether the heap can be compacted: ``possible``, or ``impossible: `` and the reason
``process_arenas``             arenas of 1 MiB that the interpreter holds
``process_arena_bytes``        what they take
``process_live_bytes``         what the live blocks in them take
``process_releasable_bytes``   what could go back to the system if the live blocks lay closely together
``process_heap_ratio``         arena bytes for each live byte
``process_rss_bytes``          resident set size of the process, as it was sampled last
``process_ledger_ratio``       resident bytes for each byte of the ledger (``used_memory``)
``compaction_state``           what a run does now: ``idle``, ``census``, ``moving`` or ``releasing``
``compaction_effort``          its share of a processor, percent
``compaction_plugs``           objects that are kept now only to fill holes
``compaction_runs``            runs so far
``compaction_passes``          their passes
``compaction_moved_objects``   Python objects that were made anew elsewhere
``compaction_plugs_made``      objects that filled holes
``compaction_emptied_arenas``  arenas that went back to the system by it
``compaction_returned_bytes``  by how much the resident set shrank during the last run, until the arenas were gone
``compaction_run_ms``          how long the last run took
``compaction_busy_ms``         what it took of the processor
``compaction_longest_us``      its longest slice
"""

from __future__ import annotations

from pyredmem.info.report import Report
from pyredmem.memory.snapshot import ratio


def process(report: Report) -> None:
    """Write the section."""
    _heap(report)
    _compaction(report)


def _heap(report: Report) -> None:
    engine = report.engine
    defrag = engine.process_defrag
    obstacle = defrag.obstacle()
    figures = defrag.figures()
    report.text("process_allocator", "other" if figures is None else "pymalloc")
    report.text("process_compaction", f"impossible: {obstacle}" if obstacle else "possible")
    report.number("process_arenas", 0 if figures is None else figures.arenas)
    report.number("process_arena_bytes", 0 if figures is None else figures.arena_bytes())
    report.number("process_live_bytes", 0 if figures is None else figures.live_bytes)
    report.number("process_releasable_bytes", 0 if figures is None else figures.releasable_bytes())
    report.decimal("process_heap_ratio", 0.0 if figures is None else figures.ratio())
    resident = engine.sampler.allocator_sample.process_rss
    report.number("process_rss_bytes", resident)
    report.decimal("process_ledger_ratio", ratio(resident, engine.allocator.used_memory))


def _compaction(report: Report) -> None:
    defrag = report.engine.process_defrag
    report.text("compaction_state", defrag.state_name())
    report.number("compaction_effort", defrag.effort())
    report.number("compaction_plugs", defrag.held_plugs())
    report.number("compaction_runs", defrag.runs)
    report.number("compaction_passes", defrag.passes)
    report.number("compaction_moved_objects", defrag.moved)
    report.number("compaction_plugs_made", defrag.plugs)
    report.number("compaction_emptied_arenas", defrag.emptied)
    report.number("compaction_returned_bytes", defrag.returned_bytes)
    report.number("compaction_run_ms", defrag.run_us // 1000)
    report.number("compaction_busy_ms", defrag.busy_us // 1000)
    report.number("compaction_longest_us", defrag.longest_us)
