"""The integers that all keys of an engine share, as Redis's do.

Redis makes its 10,000 shared integers at the start. Their blocks are part of what the ledger counts as used at startup
whether they exist here or not, so a shared integer is made when it is first needed: a fresh engine has none of them.
"""

from __future__ import annotations

from mypy_extensions import i32, i64

from pyredmem.objects.object import SHARED_REFERENCE_COUNT
from pyredmem.objects.string import IntegerString


class SharedIntegers:
    """The shared integers of one engine. None has a block of its own in the ledger."""

    def __init__(self) -> None:
        #: The access field of a shared integer that no command has used yet: that of the engine's start.
        self.unused_lru: i32 = 0
        self._made: list[IntegerString | None] = []  # by number; as long as the largest one used asks for

    def get(self, number: i64) -> IntegerString:
        """The shared object of an integer."""
        made = self._made
        if number < len(made):
            value = made[number]
            if value is not None:
                return value
        return self._make(number)

    def _make(self, number: i64) -> IntegerString:
        made = self._made
        missing = number + 1 - len(made)
        if missing > 0:
            made.extend([None] * missing)
        value = IntegerString(0, number)
        value.refcount = SHARED_REFERENCE_COUNT
        value.lru = self.unused_lru
        made[number] = value
        return value
