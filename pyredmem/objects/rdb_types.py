"""The codes of Redis's serialized form (Redis 7.4 rdb.h).

In a payload of DUMP a value begins with one byte for type and encoding. In an RDB file the key stands between that byte
and the value, and other codes begin other records.
"""

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
#: A value of a module, in the form that can be skipped without the module.
MODULE_VALUE: Final = 7
#: New in Valkey 9: hashes whose fields have expire times. Redis has another meaning for its code, in a file of Redis,
#: so here it has a number that no file has.
HASH_WITH_TIMES_VALKEY: Final = 22
VALKEY_HASH_WITH_TIMES: Final = 256

# What is no value.
FIRST_OPCODE: Final = 240
SLOT: Final = 244
FUNCTION: Final = 245
#: As the first candidates of 7.0 wrote functions, which no release can read.
FUNCTION_BEFORE_RELEASE: Final = 246
MODULE_FIELD: Final = 247
IDLE: Final = 248
FREQUENCY: Final = 249
FIELD: Final = 250
SIZES: Final = 251
EXPIRE_MS: Final = 252
EXPIRE_S: Final = 253
DATABASE: Final = 254
END: Final = 255

#: The version of the format that 7.2 writes, and that of 7.4, which has hashes with expire times.
VERSION: Final = 11
VERSION_WITH_FIELD_TIMES: Final = 12
#: The newest versions of RDB files that can be read.
NEWEST_VERSION: Final = 12
VALKEY_VERSION: Final = 80

#: From this version on a file ends with a checksum, which is zero if it was saved without one.
FIRST_CHECKSUM_VERSION: Final = 5

# The kinds of list nodes: a single element, or a listpack.
PLAIN_NODE: Final = 1
PACKED_NODE: Final = 2

# If the two highest bits of a length are set, the others tell the form of the string that follows.
INT8: Final = 0
INT16: Final = 1
INT32: Final = 2
LZF: Final = 3
