"""The block of a key where that holds everything: the header of the value, the name and, if there is room, a string.

The sizes are measured (docs/memory-model-8.2.md and memory-model-valkey.md). They are what a server *requests*, as in
:mod:`.layout`::

    header | time to live | 1 | sds of the name | sds of the value
      16         8                                 only an embstr
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.layout import EMBSTR_LIMIT, ROBJ_SIZE, SDS_TYPE_5, SDS_TYPE_8, sds_new_size

#: A time to live, and the byte that says how long the header of the name is.
_TIME_SIZE: Final = 8
_NAME_MARK_SIZE: Final = 1
#: From this length of the name on there is always room for a time to live.
_ROOMY_NAME: Final = 128
#: Redis embeds a string if the block does not exceed these bytes, in a count that takes a longer name for a short one.
_EMBEDDING_LIMIT: Final = 64
#: Valkey embeds a string if header, name and value do not exceed these bytes.
_EMBEDDING_LIMIT_OF_VALKEY: Final = 128
#: Its header of an embedded string has no address of a value.
_EMBSTR_HEADER_OF_VALKEY: Final = ROBJ_SIZE - 8
#: An sds of more than 252 bytes has a header of 5 in Valkey, since it would not fit into 256 with one of 3.
_LONG_SDS: Final = 253


@mypyc_attr(allow_interpreted_subclasses=True)
class KeyBlock:
    """How large the block of a key is in Redis 8.2."""

    def __init__(self) -> None:
        #: No longer string is embedded, however short the name is.
        self.longest: i64 = EMBSTR_LIMIT
        #: Whether a small number, which keys could share, gets a new block even if that of the old value would do.
        self.renews_small_numbers = True

    def size(self, name: i64, has_time: bool) -> i64:
        """The request for the block of a key with a name of this length, without an embedded string."""
        size: i64 = ROBJ_SIZE + _NAME_MARK_SIZE + self._name_size(name)
        return size + _TIME_SIZE if has_time or name >= _ROOMY_NAME else size

    def size_with(self, name: i64, length: i64, has_time: bool) -> i64:
        """The request for the block of a key that has an embedded string of this length."""
        return self.size(name, has_time) + SDS_TYPE_8 + length + 1

    def embeds(self, name: i64, length: i64, has_time: bool) -> bool:
        """Whether a string of this length is embedded in the block of its key."""
        size: i64 = ROBJ_SIZE + _NAME_MARK_SIZE + SDS_TYPE_5 + name + 1 + SDS_TYPE_8 + length + 1
        return (size + _TIME_SIZE if has_time else size) <= _EMBEDDING_LIMIT

    def _name_size(self, name: i64) -> i64:
        return sds_new_size(name) if name > 0 else SDS_TYPE_5 + 1  # a name never grows


@mypyc_attr(allow_interpreted_subclasses=True)
class ValkeyKeyBlock(KeyBlock):
    """How large it is in Valkey 9.1."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = _EMBEDDING_LIMIT_OF_VALKEY - _EMBSTR_HEADER_OF_VALKEY
        self.renews_small_numbers = False

    def size_with(self, name: i64, length: i64, has_time: bool) -> i64:
        size = self.size(name, has_time)
        added: i64 = SDS_TYPE_8 + length + 1 - (ROBJ_SIZE - _EMBSTR_HEADER_OF_VALKEY)
        return size + added if added > 0 else size

    def embeds(self, name: i64, length: i64, has_time: bool) -> bool:
        size: i64 = _EMBSTR_HEADER_OF_VALKEY + _NAME_MARK_SIZE + self._name_size(name) + SDS_TYPE_8 + length + 1
        return size <= _EMBEDDING_LIMIT_OF_VALKEY

    def _name_size(self, name: i64) -> i64:
        size = super()._name_size(name)
        return size + 2 if _LONG_SDS <= name <= 255 else size
