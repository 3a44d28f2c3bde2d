"""Addresses of ledger blocks whose owner is gone, on their way back to the ledger.

The ledger belongs to the engine's thread. What another thread takes apart it may not free there: it notes the
addresses here, and the engine's thread frees them.
"""

from __future__ import annotations

from typing import TypeVar

from librt.vecs import append, vec
from mypy_extensions import i32, i64

_Value = TypeVar("_Value")


class FreedBlocks:
    """Addresses that are to be freed."""

    def __init__(self) -> None:
        self.addresses: vec[i32] = vec[i32]()

    def __len__(self) -> int:
        return len(self.addresses)

    def add(self, address: i64) -> None:
        """Note a block; 0 is none."""
        if address != 0:
            self.addresses = append(self.addresses, i32(address))

    def extend(self, addresses: list[int]) -> None:
        """Note blocks; 0 is none."""
        for address in addresses:
            if address != 0:
                self.addresses = append(self.addresses, i32(address))


def drop_items(items: dict[bytes, _Value], limit: i64) -> bool:
    """Drop so many items of a dict, and with the last ones its memory; True when nothing is left."""
    if len(items) <= limit:
        items.clear()
        return True
    while limit > 0:
        items.popitem()
        limit -= 1
    return False
