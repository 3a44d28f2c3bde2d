"""The hash slot of a key in a cluster: CRC16 of the key, or of what stands between its first braces."""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

SLOTS: Final = 16384


def hash_slot(key: bytes) -> int:
    """The slot of a key."""
    _, brace, rest = key.partition(b"{")
    tag, closed, _ = rest.partition(b"}")
    return crc_hqx(tag if brace and closed and tag else key, 0) % SLOTS
