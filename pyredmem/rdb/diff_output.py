"""The differences of two files as text, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pyredmem.rdb.diff import ADDED, CHANGED, EXPIRE, REMOVED, TYPE, VALUE, Counts, Difference, Side, types_of
from pyredmem.rdb.memory import moment
from pyredmem.rdb.report import Write
from pyredmem.rdb.survey.document import Change, size_text
from pyredmem.rdb.text import readable

_SIGNS: Final = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
_COLUMNS: Final = "{:<10} {:>12} {:>12} {:>12} {:>12} {:>12}"


class DiffFormat:
    """How differences are written."""

    def __init__(self, write: Write) -> None:
        self._write_bytes = write

    def _write(self, text: str) -> None:
        self._write_bytes(text.encode())

    def begin(self) -> None:
        """Write what comes first."""

    def add(self, difference: Difference) -> None:
        """Write a difference."""
        raise NotImplementedError

    def end(self, counts: Counts) -> None:
        """Write the summary."""
        raise NotImplementedError


class DiffText(DiffFormat):
    """One line per difference, and a table."""

    def add(self, difference: Difference) -> None:
        line = f"{_SIGNS[difference.what]} db{difference.database} {readable(difference.key)}"
        details = ", ".join(_details(difference))
        self._write(f"{line}: {details}\n" if details else f"{line}\n")

    def end(self, counts: Counts) -> None:
        changed = ", ".join(f"{number:,} in {what}" for what, number in counts.changed.items())
        self._write(f"\n{counts.same:,} keys are the same, {counts.added:,} were added (+),")
        self._write(f" {counts.removed:,} were removed (-), {counts.changed_keys:,} have changed (~): {changed}\n\n")
        self._write(_row("type", "keys A", "keys B", "memory A", "memory B", "change"))
        sides = [(kind, counts.old.get(kind, Side()), counts.new.get(kind, Side())) for kind in types_of(counts)]
        for kind, old, new in [*sides, ("all", _total(counts.old), _total(counts.new))]:
            sizes = (size_text(old.size), size_text(new.size), Change(new.size - old.size).text())
            self._write(_row(kind, f"{old.keys:,}", f"{new.keys:,}", *sizes))


def _row(*cells: str) -> str:
    return _COLUMNS.format(*cells).rstrip() + "\n"


def _total(sides: dict[str, Side]) -> Side:
    return Side(sum(side.keys for side in sides.values()), sum(side.size for side in sides.values()))


def _details(difference: Difference) -> Iterator[str]:
    for what in difference.changed:
        if what == TYPE:
            yield f"type {difference.old_type} -> {difference.type}"
        elif what == EXPIRE:
            old, new = (moment(time) or "never" for time in (difference.old_expire_ms, difference.expire_ms))
            yield f"expires {old} -> {new}"
        else:
            yield what


class DiffJson(DiffFormat):
    """One object: a list of the differences, one per line, and the summary."""

    def __init__(self, write: Write) -> None:
        super().__init__(write)
        self._between = "\n"

    def begin(self) -> None:
        self._write('{"differences": [')

    def add(self, difference: Difference) -> None:
        members: dict[str, object] = {
            "what": difference.what,
            "database": difference.database,
            "key": readable(difference.key),
            "old_type": difference.old_type or None,
            "type": difference.type or None,
            "changed": list(difference.changed),
            "old_expiry": moment(difference.old_expire_ms) or None,
            "expiry": moment(difference.expire_ms) or None,
        }
        self._write(self._between + json.dumps(members))
        self._between = ",\n"

    def end(self, counts: Counts) -> None:
        summary = {
            "same": counts.same,
            ADDED: counts.added,
            REMOVED: counts.removed,
            CHANGED: counts.changed_keys,
            "changed_in": {
                "value": counts.changed[VALUE],
                "type": counts.changed[TYPE],
                "expiry": counts.changed[EXPIRE],
            },
            "types": {kind: _members(counts, kind) for kind in types_of(counts)},
        }
        self._write('\n],\n"summary": ' + json.dumps(summary) + "}\n")


def _members(counts: Counts, kind: str) -> dict[str, int]:
    old, new = counts.old.get(kind, Side()), counts.new.get(kind, Side())
    sizes = {"old_size_in_bytes": old.size, "size_in_bytes": new.size, "difference_in_bytes": new.size - old.size}
    return {"old_keys": old.keys, "keys": new.keys, **sizes}
