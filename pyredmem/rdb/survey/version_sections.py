"""The part of a report that compares versions and allocators."""

from __future__ import annotations

from typing import Final

from pyredmem.rdb.survey.document import Cell, Name, Section, Table, count_of, size_of
from pyredmem.rdb.survey.tally import Tally
from pyredmem.rdb.survey.versions import Sums, VersionStudy

#: Prefixes that have less of the memory than this are told together.
_LEAST_SHARE: Final = 0.01
_NO_PREFIX: Final = "keys without a prefix"
_NOTE: Final = "What the keys take after loading, and the tables of the databases, in addition to an empty server."


def by_version(tally: Tally) -> list[Section]:
    """By type and by prefix, in each version; nothing if no version is asked for."""
    study = tally.versions
    if not study.places:
        return []
    titles = tuple(place.title() for place in study.places)
    return [
        Section("By version", Table(("type", "keys", *titles), _by_type(study, tally.tables_by_version())), (_NOTE,)),
        Section("By prefix and version", Table(("prefix", "keys", *titles), _by_prefix(study))),
    ]


def _by_type(study: VersionStudy, tables: Sums) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [(name, *_amounts(sums)) for name, sums in _largest_first(study.types)]
    rows.append(("tables of databases", "", *_amounts(tables)[1:]))
    rows.append(("all", *_amounts(_joined(study, [*study.types.values(), tables]))))
    return rows


def _by_prefix(study: VersionStudy) -> list[tuple[Cell, ...]]:
    """Without the tables of databases, since those are for all keys."""
    ordered = _largest_first(study.prefixes)
    least = _LEAST_SHARE * sum(sums.sizes[0] for _, sums in ordered)
    rows: list[tuple[Cell, ...]] = [
        (Name(name or _NO_PREFIX), *_amounts(sums)) for name, sums in ordered if sums.sizes[0] >= least
    ]
    hidden = [sums for _, sums in ordered if sums.sizes[0] < least]
    if hidden:
        rows.append((f"{len(hidden):,} smaller prefixes", *_amounts(_joined(study, hidden))))
    return rows


def _largest_first(table: dict[str, Sums]) -> list[tuple[str, Sums]]:
    return sorted(table.items(), key=lambda item: (-item[1].sizes[0], item[0]))


def _joined(study: VersionStudy, several: list[Sums]) -> Sums:
    joined = Sums(len(study.places))
    for sums in several:
        joined.keys += sums.keys
        joined.sizes = [one + other for one, other in zip(joined.sizes, sums.sizes, strict=True)]
    return joined


def _amounts(sums: Sums) -> tuple[Cell, ...]:
    return (count_of(sums.keys), *[size_of(size) for size in sums.sizes])
