"""The limits up to which values keep their compact encodings.

Lowering a limit does not convert the values that are there; the next write that checks the limit does.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.config.settings import Settings

#: The settings that ``read`` takes the limits from.
ENCODING_SETTINGS: Final = (
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "list-max-listpack-size",
    "list-compress-depth",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "hll-sparse-max-bytes",
    "stream-node-max-bytes",
    "stream-node-max-entries",
)
_GIB: Final = 1024 * 1024 * 1024


class EncodingLimits:
    """The settings of the encodings as numbers: at first their defaults, or whatever ``settings`` have."""

    def __init__(self, settings: Settings | None = None) -> None:
        #: List elements of at least this size (bytes) get a node without a listpack; DEBUG sets it.
        self.packed_threshold: i64 = _GIB
        self.read(settings or Settings())

    def read(self, settings: Settings) -> None:
        """Take the present values of the settings."""
        integer = settings.integer
        self.hash_entries: i64 = integer("hash-max-listpack-entries")
        self.hash_value: i64 = integer("hash-max-listpack-value")  # bytes
        self.list_size: i64 = integer("list-max-listpack-size")  # elements, or -1 to -5 for 4 to 64 KiB
        self.list_compress_depth: i64 = integer("list-compress-depth")  # nodes at each end
        self.set_intset_entries: i64 = integer("set-max-intset-entries")
        self.set_entries: i64 = integer("set-max-listpack-entries")
        self.set_value: i64 = integer("set-max-listpack-value")  # bytes
        self.zset_entries: i64 = integer("zset-max-listpack-entries")
        self.zset_value: i64 = integer("zset-max-listpack-value")  # bytes
        self.hll_sparse_bytes: i64 = integer("hll-sparse-max-bytes")
        self.stream_node_bytes: i64 = integer("stream-node-max-bytes")
        self.stream_node_entries: i64 = integer("stream-node-max-entries")

    def set_packed_threshold(self, size: i64) -> None:
        """Set ``packed_threshold``; 0 restores its default."""
        self.packed_threshold = size if size > 0 else _GIB
