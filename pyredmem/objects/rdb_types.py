"""The codes of Redis's serialized form: a value begins with one byte for type and encoding (Redis 7.4 rdb.h)."""

from __future__ import annotations

from typing import Final

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3
HASH: Final = 4
ZSET_2: Final = 5
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM_LISTPACKS: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_LISTPACKS_2: Final = 19
SET_LISTPACK: Final = 20
STREAM_LISTPACKS_3: Final = 21
#: New in 7.4: hashes whose fields have expire times.
HASH_METADATA: Final = 24
HASH_LISTPACK_EX: Final = 25
#: The code of a library of functions, which is no value.
FUNCTION: Final = 245

#: The version of the format that 7.2 writes, and that of 7.4, which has hashes with expire times.
VERSION: Final = 11
VERSION_WITH_FIELD_TIMES: Final = 12

# The kinds of list nodes: a single element, or a listpack.
PLAIN_NODE: Final = 1
PACKED_NODE: Final = 2

# If the two highest bits of a length are set, the others tell the form of the string that follows.
INT8: Final = 0
INT16: Final = 1
INT32: Final = 2
LZF: Final = 3
