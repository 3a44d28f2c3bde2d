"""The block of a key in Redis 8.2: the header of the value, the name and, if there is room, the string that it holds.

The sizes are measured (docs/memory-model-newer.md). Sizes are what Redis *requests*, as in :mod:`.layout`::

    header | time to live | 1 | sds of the name | sds of the value
      16         8                                 only an embstr
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.layout import ROBJ_SIZE, SDS_TYPE_5, SDS_TYPE_8, sds_new_size

#: A time to live, and the byte that says how long the header of the name is.
_TIME_SIZE: Final = 8
_NAME_MARK_SIZE: Final = 1
#: From this length of the name on there is always room for a time to live.
_ROOMY_NAME: Final = 128
#: A string is embedded if the block does not exceed these bytes, in a count that takes a longer name for a short one.
_EMBEDDING_LIMIT: Final = 64


def key_block_size(name: i64, has_time: bool) -> i64:
    """The request for the block of a key with a name of this length, without an embedded string."""
    size: i64 = ROBJ_SIZE + _NAME_MARK_SIZE
    size += sds_new_size(name) if name > 0 else SDS_TYPE_5 + 1  # a name never grows
    return size + _TIME_SIZE if has_time or name >= _ROOMY_NAME else size


def embedded_size(length: i64) -> i64:
    """What a string of this length adds to the block of its key if it is embedded."""
    return SDS_TYPE_8 + length + 1


def is_embedded(name: i64, length: i64, has_time: bool) -> bool:
    """Whether a string of this length is embedded in the block of its key."""
    size: i64 = ROBJ_SIZE + _NAME_MARK_SIZE + SDS_TYPE_5 + name + 1 + embedded_size(length)
    return (size + _TIME_SIZE if has_time else size) <= _EMBEDDING_LIMIT
