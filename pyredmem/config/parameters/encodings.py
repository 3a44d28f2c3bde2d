"""The limits up to which values keep their compact encodings."""

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
            "Most fields of a hash kept as a listpack.",
            alias="hash-max-ziplist-entries",
        ),
        Parameter(
            "hash-max-listpack-value",
            _BYTES,
            "64",
            "Longest field or value of such a hash.",
            alias="hash-max-ziplist-value",
        ),
        Parameter(
            "list-max-listpack-size",
            Integer(INT_MIN, INT_MAX),
            "-2",
            "Size of a list node: a positive number counts elements, -1 to -5 mean 4, 8, 16, 32 and 64 kB.",
            alias="list-max-ziplist-size",
        ),
        Parameter(
            "list-compress-depth",
            Integer(0, INT_MAX),
            "0",
            "Nodes at each end of a list that are not compressed; 0 compresses none.",
        ),
        Parameter(
            "set-max-intset-entries",
            _ENTRIES,
            "512",
            "Most members of a set of integers kept as an intset.",
        ),
        Parameter(
            "set-max-listpack-entries",
            _ENTRIES,
            "128",
            "Most members of a set kept as a listpack.",
        ),
        Parameter("set-max-listpack-value", _ENTRIES, "64", "Longest member of such a set."),
        Parameter(
            "zset-max-listpack-entries",
            _ENTRIES,
            "128",
            "Most members of a sorted set kept as a listpack.",
            alias="zset-max-ziplist-entries",
        ),
        Parameter(
            "zset-max-listpack-value",
            _BYTES,
            "64",
            "Longest member of such a sorted set.",
            alias="zset-max-ziplist-value",
        ),
        Parameter(
            "hll-sparse-max-bytes",
            _BYTES,
            "3000",
            "Bytes up to which a HyperLogLog stays sparse.",
        ),
        Parameter(
            "stream-node-max-bytes",
            _BYTES,
            "4096",
            "Most bytes of a stream node; 0 is no limit.",
        ),
        Parameter(
            "stream-node-max-entries",
            Integer(0, LONG_MAX),
            "100",
            "Most entries of a stream node; 0 is no limit.",
        ),
        Parameter(
            "sanitize-dump-payload",
            Choice("no", "yes", "clients"),
            "no",
            "Whether values given to RESTORE are checked in full.",
            no_effect="RESTORE always checks values in full",
        ),
    ),
)
