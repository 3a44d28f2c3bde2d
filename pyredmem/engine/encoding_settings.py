"""Hands the settings of the encodings, and the longest string, to the keyspace: now and whenever they change."""

from __future__ import annotations

from typing import Final

from pyredmem.config.settings import Settings
from pyredmem.keyspace.keyspace import Keyspace

_NAMES: Final = (
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
    "proto-max-bulk-len",
)


class EncodingSettings:
    """Keeps the limits of a keyspace at what the settings say."""

    def __init__(self, settings: Settings, keyspace: Keyspace) -> None:
        self._settings = settings
        self._limits = keyspace.limits
        self._strings = keyspace.strings
        settings.follow(_NAMES, self._changed)

    def _changed(self) -> None:
        integer = self._settings.integer
        limits = self._limits
        limits.hash_entries = integer("hash-max-listpack-entries")
        limits.hash_value = integer("hash-max-listpack-value")
        limits.list_size = integer("list-max-listpack-size")
        limits.list_compress_depth = integer("list-compress-depth")
        limits.set_intset_entries = integer("set-max-intset-entries")
        limits.set_entries = integer("set-max-listpack-entries")
        limits.set_value = integer("set-max-listpack-value")
        limits.zset_entries = integer("zset-max-listpack-entries")
        limits.zset_value = integer("zset-max-listpack-value")
        limits.hll_sparse_bytes = integer("hll-sparse-max-bytes")
        limits.stream_node_bytes = integer("stream-node-max-bytes")
        limits.stream_node_entries = integer("stream-node-max-entries")
        self._strings.max_length = integer("proto-max-bulk-len")
