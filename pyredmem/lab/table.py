"""The outcomes of a replay as a table, which the terminal and the HTML page show, and as text."""

from __future__ import annotations

from typing import Final

from pyredmem.lab.engine_run import Outcome
from pyredmem.lab.results import Results, label_of
from pyredmem.rdb.survey.document import (
    RATIO,
    SHARE,
    Cell,
    Document,
    Number,
    Section,
    Table,
    count_of,
    size_of,
    size_text,
)
from pyredmem.rdb.survey.terminal import text_of as text_of_document

COLUMNS: Final = ("policy", "maxmemory", "hits", "evicted", "keys", "memory by type", "s over limit", "refused")


def table_of(results: Results) -> Table:
    """A row for each configuration."""
    return Table(COLUMNS, [_row(outcome) for outcome in results.outcomes])


def _row(outcome: Outcome) -> tuple[Cell, ...]:
    by_type = sorted(outcome.memory_by_type.items())
    return (
        label_of(outcome),
        size_of(outcome.configuration.maxmemory),
        Number(outcome.hit_ratio, SHARE),
        count_of(outcome.evicted),
        count_of(outcome.keys),
        ", ".join(f"{kind} {size_text(size)}" for kind, size in by_type),
        Number(outcome.over_limit_seconds, RATIO),
        count_of(outcome.refused),
    )


def text_of(results: Results, is_terminal: bool) -> str:
    """The table, and the last line in words."""
    about = f"{results.operations:,} operations on {results.distinct_keys:,} keys"
    section = Section("Hit ratios", table_of(results), tuple(results.notes()))
    report = text_of_document(Document("Replay", about, [section]), is_terminal)
    return f"{report.rstrip()}\n\n{results.conclusion()}"
