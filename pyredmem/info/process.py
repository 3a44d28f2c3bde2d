"""INFO process: the profile, the heap of the interpreter, which holds the data set, and what its compaction has done.

Redis has no such section. It is shown when a client asks for it, and with ``all``. Its fields:

``profile``                    the server that this one is like (``redis-version``)
``profile_judged``             whether it was compared with such a server: ``yes``, or ``no: `` and what it follows
``process_allocator``          the allocator of small objects: ``pymalloc`` or ``other``
``process_compaction``         whether the heap can be compacted: ``possible``, or ``impossible: `` and the reason
``process_arenas``             the arenas of 1 MiB that the interpreter holds
``process_arena_bytes``        the size of these arenas
``process_live_bytes``         the size of the live blocks in them
``process_releasable_bytes``   what could go back to the operating system if the live blocks lay close together
``process_heap_ratio``         bytes of arenas for each live byte
``process_rss_bytes``          the resident set size of the process when it was sampled last
``process_ledger_ratio``       resident bytes for each byte in the ledger (``used_memory``)
``compaction_state``           the phase of the run in progress: ``idle``, ``census``, ``moving`` or ``releasing``
``compaction_effort``          the percentage of a processor that it may use
``compaction_plugs``           the objects that exist now only to fill holes
``compaction_runs``            the runs so far
``compaction_passes``          the passes of all runs
``compaction_moved_objects``   the Python objects that were replaced by new ones elsewhere
``compaction_plugs_made``      the objects that were created to fill holes
``compaction_emptied_arenas``  the arenas that went back to the operating system
``compaction_returned_bytes``  by how much the resident set shrank during the last run, until its arenas were freed
``compaction_run_ms``          how long the last run took
``compaction_busy_ms``         how much processor time it used
``compaction_longest_us``      how long its longest slice was
"""

from __future__ import annotations

from pyredmem.info.report import Report
from pyredmem.memory.snapshot import ratio


def process(report: Report) -> None:
    profile = report.engine.profile
    report.text("profile", profile.name)
    report.text("profile_judged", f"no: {profile.not_judged}" if profile.not_judged else "yes")
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
