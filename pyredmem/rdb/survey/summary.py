"""Puts the report together."""

from __future__ import annotations

from dataclasses import dataclass

from pyredmem.rdb.memory import moment
from pyredmem.rdb.survey import findings, sections
from pyredmem.rdb.survey.blocks import Blocks
from pyredmem.rdb.survey.document import Cell, Document, Section, Table, count_of, size_of
from pyredmem.rdb.survey.options import SurveyOptions
from pyredmem.rdb.survey.tally import Tally
from pyredmem.rdb.survey.version_sections import by_version
from pyredmem.rdb.text import readable


@dataclass(frozen=True)
class Origin:
    """Where the keys come from, and what is missing of them."""

    name: str  # of the file, or the address of the server
    fields: dict[bytes, bytes]  # that describe the file
    modules: int  # keys that were left out
    unreadable: int  # keys that were left out, because the format of their values is not known
    damage: str = ""  # where the file is damaged, and how; empty if it is not


def document_of(tally: Tally, options: SurveyOptions, origin: Origin) -> Document:
    """The whole report."""
    blocks = tally.blocks()
    return Document(
        title=f"Memory of {readable(origin.name.encode('utf-8', 'surrogateescape'))}",
        about=_about(tally, origin),
        sections=[
            _totals(tally, blocks, origin),
            *by_version(tally),
            *sections.by_kind(tally),
            sections.by_prefix(tally, options.separators),
            sections.by_time_left(tally),
            sections.by_time(tally),
            sections.by_size(tally),
            sections.largest_keys(tally),
            sections.largest_elements(tally),
            findings.other_limits(tally),
            findings.duplicates(tally),
            findings.overhead(tally),
            findings.allocator(blocks, options.allocator),
        ],
    )


def _about(tally: Tally, origin: Origin) -> str:
    """Who wrote the file, and when."""
    version = origin.fields.get(b"redis-ver", origin.fields.get(b"valkey-ver", b""))
    parts = [f"version {readable(version)}"] if version else []
    if b"ctime" in origin.fields:
        parts.append(f"saved {moment(tally.times.now_ms)[:19].replace('T', ' ')} UTC")
    return ", ".join(parts)


def _totals(tally: Tally, blocks: Blocks, origin: Origin) -> Section:
    total = tally.total()
    rows: list[tuple[Cell, ...]] = [
        ("keys", count_of(total.keys)),
        ("keys that expire", count_of(sum(tally.expiring.values()))),
        ("memory of the keys", size_of(total.size, tally.averages > 0)),
        ("average per key", size_of(total.size / total.keys if total.keys else 0)),
        ("memory that loading adds to a server", size_of(blocks.allocated_bytes(), tally.averages > 0)),
    ]
    if tally.libraries:
        rows.append(("libraries of functions, not measured", count_of(tally.libraries)))
    if origin.modules:
        rows.append(("keys left out: values of modules", count_of(origin.modules)))
    if origin.unreadable:
        rows.append(("keys left out: values in an unknown format", count_of(origin.unreadable)))
    if origin.damage:
        rows.append(("damaged; nothing is known of what follows", origin.damage))
    notes = ("The memory of a key is that of MEMORY USAGE, with SAMPLES 0, on a server that has loaded it.",)
    return Section("Total", Table(("", ""), rows), notes)
