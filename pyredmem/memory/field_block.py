"""The block of a field of a large hash in Valkey 9.1: field and value, or the field alone if they do not fit.

The sizes are measured (docs/memory-model-valkey.md). They are what Valkey requests::

    time to live | sds of the field | sds of the value                    up to 128 bytes
    time to live | address of the value | sds of the field                else; the value has a block of its own
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.layout import POINTER_SIZE, SDS_TYPE_5, SDS_TYPE_8, sds_new_size

_TIME_SIZE: Final = 8
_EMBEDDING_LIMIT: Final = 128
#: From this length on the header of an sds is not of the shortest type in any case.
_LONG: Final = 32


def _long_header_size(length: i64) -> i64:
    """The request for an sds whose header is not of the shortest type."""
    return SDS_TYPE_8 + length + 1 if length < _LONG else sds_new_size(length)


def joint_block_size(field: i64, value: i64, has_time: bool) -> i64:
    """The request for a block with field and value; 0 if they do not share one."""
    size: i64 = SDS_TYPE_8 + value + 1
    if has_time:
        size += _TIME_SIZE + _long_header_size(field)
    else:
        size += SDS_TYPE_5 + field + 1 if field < _LONG else sds_new_size(field)
    return size if size <= _EMBEDDING_LIMIT else 0


def field_block_size(field: i64, has_time: bool) -> i64:
    """The request for the block of a field whose value has another."""
    return POINTER_SIZE + _long_header_size(field) + (_TIME_SIZE if has_time else 0)


def stays_in_block(size: i64, usable: i64) -> bool:
    """Whether a new value goes into the block of the old one: it must fit, and waste at most a quarter."""
    return size <= usable and size * 4 >= usable * 3
