"""Addresses of ledger blocks whose owner was dismantled, on their way back to the ledger.

The ledger belongs to the engine's thread. Another thread that dismantles a value must not free the value's blocks: it
collects their addresses here, and the engine's thread frees them.
"""

from __future__ import annotations

from typing import TypeVar

from librt.vecs import append, vec
from mypy_extensions import i32, i64

_Value = TypeVar("_Value")


class FreedBlocks:
    """Addresses of the blocks that the engine's thread still has to free."""

    def __init__(self) -> None:
        self.addresses: vec[i32] = vec[i32]()

    def __len__(self) -> int:
        return len(self.addresses)

    def add(self, address: i64) -> None:
        """Add a block; address 0 is no block and is left out."""
        if address != 0:
            self.addresses = append(self.addresses, i32(address))

    def extend(self, addresses: list[int]) -> None:
        """Add blocks; address 0 is no block and is left out."""
        for address in addresses:
            if address != 0:
                self.addresses = append(self.addresses, i32(address))


def drop_items(items: dict[bytes, _Value], limit: i64) -> bool:
    """Remove at most ``limit`` items from a dict, and its memory with the last ones; True when the dict is empty."""
    if len(items) <= limit:
        items.clear()
        return True
    while limit > 0:
        items.popitem()
        limit -= 1
    return False
