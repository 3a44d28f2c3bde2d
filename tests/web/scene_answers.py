"""Answers to the page's questions, as a server with a million keys might give them."""

from __future__ import annotations

from tests.web.messages import Message

_GROUPS = (
    ("session:*", 412_000, 31_000, 61_400_000, 4_700_000), ("user:*", 251_000, 27_000, 43_900_000, 5_100_000),
    ("product:*", 118_000, 20_000, 31_200_000, 5_600_000), ("cart:*", 64_000, 15_000, 17_800_000, 4_300_000),
    ("feed:*", 9_000, 5_900, 13_600_000, 8_800_000), ("rate:*", 96_000, 18_000, 7_100_000, 1_400_000),
    ("lock:*", 31_000, 11_000, 2_300_000, 800_000), ("geo:*", 2_000, 2_000, 1_900_000, 1_900_000),
    ("queue:*", 1_000, 1_000, 1_200_000, 1_200_000), ("(no prefix)", 16_000, 7_800, 900_000, 400_000),
)  # fmt: skip
_LARGEST = (
    ("feed:home:global", "zset", "skiplist", 4_812_800), ("queue:mail", "list", "quicklist", 2_424_832),
    ("product:index:colour", "set", "hashtable", 1_203_456), ("geo:shops", "zset", "skiplist", 811_008),
    ("user:1984:timeline", "list", "quicklist", 402_176), ("session:f3a9c2e1b7d04c55a8ce", "hash", "hashtable", 98_304),
    ("cart:20931", "hash", "listpack", 2_112), ("product:8841:page", "string", "raw", 1_792),
)  # fmt: skip

_SESSIONS = [f"session:{0x9E3779B1 * number % (1 << 32):08x}" for number in range(1, 9)]

ANSWERS: dict[str, Message] = {
    "slab": {
        "page": 0, "size": 64, "regions": 64, "used": 23,
        "keys": [
            *({"db": 0, "key": key, "type": "hash"} for key in _SESSIONS[:6]),
            {"db": 0, "key": "user:1984:timeline", "type": "list"},
        ],
    },
    "keyspace": {
        "keys": 1_000_000, "sampled": 1000, "bytes": 181_300_000,
        "groups": [
            {"name": name, "keys": keys, "keys_error": keys_error, "bytes": size, "bytes_error": error}
            for name, keys, keys_error, size, error in _GROUPS
        ],
    },
    "largest": {
        "sampled": 1000,
        "keys": [
            {"db": 0, "key": key, "type": kind, "encoding": encoding, "bytes": size}
            for key, kind, encoding, size in _LARGEST
        ],
    },
    "expiry": {
        "sampled": 1000, "without": 0.41,
        "buckets": [
            {"from_s": 0, "to_s": 10, "share": 0.02}, {"from_s": 10, "to_s": 60, "share": 0.05},
            {"from_s": 60, "to_s": 600, "share": 0.17}, {"from_s": 600, "to_s": 3600, "share": 0.24},
            {"from_s": 3600, "to_s": 86400, "share": 0.09}, {"from_s": 86400, "to_s": None, "share": 0.02},
        ],
    },
    "ages": {
        "sampled": 1000, "kind": "idle",
        "buckets": [
            {"from": 0, "to": 1, "share": 0.08}, {"from": 1, "to": 10, "share": 0.19},
            {"from": 10, "to": 60, "share": 0.31}, {"from": 60, "to": 600, "share": 0.26},
            {"from": 600, "to": 3600, "share": 0.12}, {"from": 3600, "to": None, "share": 0.04},
        ],
    },
    "eviction": {
        "policy": "allkeys-lru",
        "candidates": [
            {"db": 0, "key": key, "score": 14_211 - 613 * number, "what": "idle seconds"}
            for number, key in enumerate(_SESSIONS)
        ],
    },
}  # fmt: skip
