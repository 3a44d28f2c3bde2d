"""A save that goes on while commands run must see the parts of a large value before these change."""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64, trait


@trait
class SlotKeeper:
    """Is told before the content of a slot of a table changes, moves to another slot, or goes."""

    @abstractmethod
    def before_change(self, slot: i64) -> None:
        """Look at a slot as it is."""

    @abstractmethod
    def before_clear(self) -> None:
        """Look at all slots: the table is about to be emptied."""


@trait
class NodeKeeper:
    """Is told before a node changes, once: the node forgets its keeper then."""

    @abstractmethod
    def keep(self, node: object) -> None:
        """Look at a node as it is."""
