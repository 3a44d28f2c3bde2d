"""The limits up to which values keep their compact encodings, as the settings have them now.

A change never converts a value that is there; the next write that looks at the limit does.
"""

from __future__ import annotations

from mypy_extensions import i64

_GIB = 1024 * 1024 * 1024


class EncodingLimits:
    """The settings of the encodings as numbers; the defaults are those of Redis 7.2."""

    def __init__(self) -> None:
        self.hash_entries: i64 = 512  # hash-max-listpack-entries
        self.hash_value: i64 = 64  # hash-max-listpack-value, bytes
        self.list_size: i64 = -2  # list-max-listpack-size: elements, or -1 to -5 for 4 to 64 KiB
        self.list_compress_depth: i64 = 0  # list-compress-depth: nodes at each end
        self.set_intset_entries: i64 = 512  # set-max-intset-entries
        self.set_entries: i64 = 128  # set-max-listpack-entries
        self.set_value: i64 = 64  # set-max-listpack-value, bytes
        self.zset_entries: i64 = 128  # zset-max-listpack-entries
        self.zset_value: i64 = 64  # zset-max-listpack-value, bytes
        self.hll_sparse_bytes: i64 = 3000  # hll-sparse-max-bytes
        self.stream_node_bytes: i64 = 4096  # stream-node-max-bytes
        self.stream_node_entries: i64 = 100  # stream-node-max-entries
        #: Elements of a list from this size on (bytes) have a node without a listpack; DEBUG sets it.
        self.packed_threshold: i64 = _GIB

    def set_packed_threshold(self, size: i64) -> None:
        """Set it; 0 restores the first one."""
        self.packed_threshold = size if size > 0 else _GIB
