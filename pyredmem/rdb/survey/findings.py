"""Makes the sections about what could be better: other limits, copies, overhead, and the allocator."""

from __future__ import annotations

from typing import Final

from pyredmem.rdb.survey.blocks import Blocks
from pyredmem.rdb.survey.document import (
    RATIO,
    Bar,
    Cell,
    Change,
    Name,
    Number,
    Section,
    Table,
    count_of,
    share_of,
    size_of,
    size_text,
)
from pyredmem.rdb.survey.outcomes import COMPRESS_DEPTH, LIST_SIZE
from pyredmem.rdb.survey.tally import Tally
from pyredmem.rdb.text import shortened

_WORST: Final = 10
_CLASSES: Final = 12


def other_limits(tally: Tally) -> Section:
    """What other limits of the encodings would change."""
    whole = tally.total().size
    rows: list[tuple[Cell, ...]] = []
    for name, limit, values, size in tally.study.changes():
        now = str(tally.study.present[name])
        share = share_of(abs(size), whole)
        rows.append((Name(f"{name} {limit}"), now, count_of(values), Change(size), share))
    notes = [
        "Each value was measured under each limit, as a server would have it after loading. Limits that change nothing"
        " are not shown. High limits cost time: a command on a listpack looks at its elements one by one.",
    ]
    if any(row[0] in {LIST_SIZE, COMPRESS_DEPTH} for row in tally.study.changes()):
        notes.append("Loading keeps the nodes of a list; for list-max-listpack-size its elements are pushed anew.")
    return Section(
        "Other limits of the encodings", Table(("limit", "now", "values", "memory", "share"), rows), tuple(notes)
    )


def duplicates(tally: Tally) -> Section:
    """Equal string values."""
    found = tally.duplicates.result(_WORST)
    about = tally.duplicates.is_estimate()
    rows: list[tuple[Cell, ...]] = [
        ("values that occur more than once", count_of(found.values.number, about), _error(f"{found.values.error:,}")),
        ("their copies", count_of(found.copies.number, about), _error(f"{found.copies.error:,}")),
        ("memory of the copies", size_of(found.size.number, about), _error(size_text(found.size.error))),
    ]
    if not about:
        rows = [(*row[:-1], "exact") for row in rows]
    for value in found.worst:
        what = f"{value.copies + 1:,} times {size_text(value.size)}, one of them: db{value.database}"
        rows.append((Name(f"{what} {shortened(value.key)}"), size_of(value.wasted_bytes(), about), ""))
    notes = ["String values that are no integers. Of equal values one is no copy."]
    if about:
        notes.append(
            "There were too many values to keep a digest of each, so these are estimates from a sample. The error is"
            " that of 19 cases in 20; --exact counts all."
        )
    return Section("Duplicate values", Table(("", "number", "error"), rows), tuple(notes))


def _error(text: str) -> str:
    return f"\N{PLUS-MINUS SIGN}{text}"


def overhead(tally: Tally) -> Section:
    """Payload, and everything else."""
    total = tally.total()
    tables = sum([request * number for request, number in tally.tables().items()])
    whole = total.size + tables
    values = total.size - tally.key_sizes()
    parts = [
        ("payload: names of keys", tally.key_bytes()),
        ("payload: strings, elements, scores and ids", total.content_bytes),
        ("overhead of keys: entry, header and rounding of the name", tally.key_sizes() - tally.key_bytes()),
        ("overhead of values: objects, tables, nodes and rounding", values - total.content_bytes),
        ("overhead of databases: hash tables of keys and of expire times", tables),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            size_of(size) if size >= 0 else Change(size),
            share_of(size, whole),
            Bar(max(size, 0) / whole if whole else 0),
        )
        for name, size in parts
    ]
    notes = (
        "The payload is what clients have written. Integers take less than their digits, so overhead can be negative.",
    )
    return Section("Overhead and payload", Table(("part", "memory", "share", ""), rows), notes)


def allocator(blocks: Blocks, name: str) -> Section:
    """What the allocator makes of it on a server that has just loaded the file."""
    classes = blocks.classes()
    allocated = blocks.allocated_bytes()
    active = sum([item.active_bytes for item in classes])
    rows: list[tuple[Cell, ...]] = [
        ("asked for", "", size_of(allocated - blocks.rounding_bytes), ""),
        (
            "allocated, rounded up to size classes",
            "",
            size_of(allocated),
            _ratio(allocated, allocated - blocks.rounding_bytes),
        ),
        ("active: pages of slabs and of large blocks", "", size_of(active), _ratio(active, allocated)),
    ]
    for item in sorted(classes, key=lambda item: -item.active_bytes)[:_CLASSES]:
        used = item.used_bytes()
        rows.append(
            (
                f"blocks of {item.size:,} bytes",
                count_of(item.blocks),
                size_of(item.active_bytes),
                _ratio(item.active_bytes, used),
            )
        )
    notes = (
        f"{name} after a fresh load, without the memory of an empty server and of its clients. A ratio is that to the"
        " line above it or, for blocks of one size, that of pages to blocks. A server that has run for long has more.",
    )
    return Section("Fragmentation of a fresh load", Table(("", "blocks", "memory", "ratio"), rows), notes)


def _ratio(whole: int, part: int) -> Cell:
    return Number(whole / part, RATIO) if part else ""
