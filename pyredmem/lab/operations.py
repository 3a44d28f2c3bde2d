"""The words of a trace: what an operation does, and the types of values. This module needs no other library."""

from __future__ import annotations

from typing import Final

READ: Final = 0
WRITE: Final = 1
DELETE: Final = 2
EXPIRE: Final = 3
OPERATIONS: Final = ("read", "write", "delete", "expire")

#: Types of values, by their number in a trace; 0 where the type is not known, which counts as a string.
TYPES: Final = ("unknown", "string", "list", "hash", "set", "zset", "stream")
STRING: Final = 1

UNKNOWN_SIZE: Final = -1
#: Times to live that are no number of milliseconds: the key does not expire; the key expires when it did before.
NO_TTL: Final = -1
KEEP_TTL: Final = -2
