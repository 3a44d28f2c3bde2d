"""The part of a report that compares versions and allocators."""

from __future__ import annotations

from typing import Final

from pyredmem.rdb.survey.document import Cell, Name, Section, Table, count_of, size_of
from pyredmem.rdb.survey.versions import Sums, VersionStudy

#: Prefixes that have less of the memory than this are told together.
_LEAST_SHARE: Final = 0.01
_NO_PREFIX: Final = "keys without a prefix"


def by_version(study: VersionStudy) -> list[Section]:
    """By type and by prefix, in each version; nothing if no version is asked for."""
    if not study.places:
        return []
    titles = tuple(place.title() for place in study.places)
    total = _joined(study, list(study.types.values()))
    types = [(name, *_amounts(sums)) for name, sums in _largest_first(study.types)]
    least = _LEAST_SHARE * total.sizes[0]
    shown = [(name, sums) for name, sums in _largest_first(study.prefixes) if sums.sizes[0] >= least]
    hidden = [sums for sums in study.prefixes.values() if sums.sizes[0] < least]
    prefixes: list[tuple[Cell, ...]] = [(Name(name or _NO_PREFIX), *_amounts(sums)) for name, sums in shown]
    if hidden:
        prefixes.append((f"{len(hidden):,} smaller prefixes", *_amounts(_joined(study, hidden))))
    note = "What the keys would take after loading, without the tables of the databases."
    return [
        Section("By version", Table(("type", "keys", *titles), [*types, ("all", *_amounts(total))]), (note,)),
        Section("By prefix and version", Table(("prefix", "keys", *titles), prefixes)),
    ]


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
