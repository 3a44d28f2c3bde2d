"""A value in a large hash table, saved piece by piece: slot after slot."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.objects.collection import Encoded
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict
from pyredmem.structures.keepers import SlotKeeper

#: How many slots are visited in a step.
_SLOTS: Final = 16


class TablePieces(Pieces, SlotKeeper):
    """The elements of a table, in the order of their slots, but those that change before their turn come last."""

    def __init__(self, content: Encoded, table: Dict, compresses: bool) -> None:
        head = RdbWriter(compresses)
        self._first_ms: i64 = content.save_head(head)
        super().__init__(head.content())
        self._content: Encoded = content
        self._table: Dict = table
        self._end: i64 = table.used
        self._next: i64 = 0  # the slots before it are written
        self._kept_slots: set[int] = set()
        self._kept = RdbWriter(compresses)
        table.keeper = self

    def before_change(self, slot: i64) -> None:
        if self._next <= slot < self._end and slot not in self._kept_slots:
            self._kept_slots.add(slot)
            self._content.save_slot(self._kept, slot, self._first_ms)

    def before_clear(self) -> None:
        slot = self._next
        while slot < self._end:
            self.before_change(slot)
            slot += 1

    def step(self, writer: RdbWriter) -> bool:
        end = min(self._next + _SLOTS, self._end)
        slot = self._next
        while slot < end:
            if slot not in self._kept_slots:
                self._content.save_slot(writer, slot, self._first_ms)
            slot += 1
        self._next = end
        if end < self._end:
            return True
        writer.raw(self._kept.content())
        return False

    def let_go(self) -> None:
        self._table.keeper = None

    def kept_bytes(self) -> i64:
        return self._kept.size()


def table_pieces(content: Encoded, table: Dict, compresses: bool, least: i64) -> Pieces | None:
    """The pieces of a value in a table; None if it has fewer than ``least`` elements."""
    return TablePieces(content, table, compresses) if table.used >= least else None
