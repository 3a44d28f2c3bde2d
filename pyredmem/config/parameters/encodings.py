"""The limits up to which values keep their compact encodings."""

from __future__ import annotations

from typing import Final

from pyredmem.config.kinds import INT_MAX, INT_MIN, LONG_MAX, Choice, Integer, Memory
from pyredmem.config.parameter import Parameter, Section

_ENTRIES: Final = Integer(0, LONG_MAX)
_BYTES: Final = Memory(0, LONG_MAX)

ENCODINGS: Final = Section(
    "Encodings",
    (
        Parameter(
            "hash-max-listpack-entries",
            _ENTRIES,
            "512",
            "The most fields of a hash that is a listpack.",
            alias="hash-max-ziplist-entries",
        ),
        Parameter(
            "hash-max-listpack-value",
            _BYTES,
            "64",
            "The longest field or value of a hash that is a listpack.",
            alias="hash-max-ziplist-value",
        ),
        Parameter(
            "list-max-listpack-size",
            Integer(INT_MIN, INT_MAX),
            "-2",
            "Limit of a list node: a positive number counts elements, -1 to -5 mean 4, 8, 16, 32 and 64 kB.",
            alias="list-max-ziplist-size",
        ),
        Parameter(
            "list-compress-depth",
            Integer(0, INT_MAX),
            "0",
            "Number of nodes at each end of a list that are not compressed; 0 means that no node is.",
        ),
        Parameter(
            "set-max-intset-entries",
            _ENTRIES,
            "512",
            "The most members of a set that is an intset.",
        ),
        Parameter(
            "set-max-listpack-entries",
            _ENTRIES,
            "128",
            "The most members of a set that is a listpack.",
        ),
        Parameter("set-max-listpack-value", _ENTRIES, "64", "The longest member of a set that is a listpack."),
        Parameter(
            "zset-max-listpack-entries",
            _ENTRIES,
            "128",
            "The most members of a sorted set that is a listpack.",
            alias="zset-max-ziplist-entries",
        ),
        Parameter(
            "zset-max-listpack-value",
            _BYTES,
            "64",
            "The longest member of a sorted set that is a listpack.",
            alias="zset-max-ziplist-value",
        ),
        Parameter(
            "hll-sparse-max-bytes",
            _BYTES,
            "3000",
            "The most bytes of a sparse HyperLogLog; a longer one becomes dense.",
        ),
        Parameter(
            "stream-node-max-bytes",
            _BYTES,
            "4096",
            "The most bytes of a stream node; 0 means no limit.",
        ),
        Parameter(
            "stream-node-max-entries",
            Integer(0, LONG_MAX),
            "100",
            "The most entries of a stream node; 0 means no limit.",
        ),
        Parameter(
            "sanitize-dump-payload",
            Choice("no", "yes", "clients"),
            "no",
            "Whether RESTORE checks values in full.",
            no_effect="RESTORE always checks values in full",
        ),
    ),
)
