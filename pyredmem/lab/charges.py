"""What the ledger charges for keys: the bytes of a key with its name, its entry and its value.

Each combination of lengths and type is stored once in an engine of its own, and measured there as MEMORY USAGE does.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pyredmem.lab.plan import Plan
from pyredmem.lab.trace import Numbers
from pyredmem.lab.virtual_server import VirtualServer

_ROOM_FOR_SIZE: Final = 32  # bits
_ROOM_FOR_LENGTH: Final = 28


def charges_of(plan: Plan, settings: tuple[tuple[str, str], ...]) -> tuple[Numbers, int]:
    """For each operation the bytes that its key takes when it is written there; and what an expire time takes."""
    server = VirtualServer(settings, 1)
    allocator = server.engine.allocator
    lengths = plan.trace.key_lengths
    codes = (plan.types << (_ROOM_FOR_SIZE + _ROOM_FOR_LENGTH)) | (lengths << _ROOM_FOR_SIZE) | plan.sizes
    distinct, places = np.unique(codes, return_inverse=True)
    measured = [_measured(server, code) for code in distinct.tolist()]
    charges = np.array(measured, dtype=np.int64)[places]
    return charges, int(allocator.good_size(allocator.sizes.counted_time))


def _measured(server: VirtualServer, code: int) -> int:
    size = code & ((1 << _ROOM_FOR_SIZE) - 1)
    length = (code >> _ROOM_FOR_SIZE) & ((1 << _ROOM_FOR_LENGTH) - 1)
    key = b"k" * length
    server.write(key, code >> (_ROOM_FOR_SIZE + _ROOM_FOR_LENGTH), size)
    found = server.memory_of(key)
    server.delete(key)
    return found
