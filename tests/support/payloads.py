"""Serialized values for tests: footers that fit, and payloads put together by hand."""

from __future__ import annotations

from pyredmem.base.crc64 import crc64


def sealed(body: bytes, version: int = 11) -> bytes:
    """A payload of this type and content."""
    signed = body + version.to_bytes(2, "little")
    return signed + crc64(signed).to_bytes(8, "little")


def body(payload: bytes) -> bytes:
    """Type and content of a payload."""
    return payload[:-10]


def version(payload: bytes) -> int:
    """The version that its footer names."""
    return int.from_bytes(payload[-10:-8], "little")


def text(data: bytes) -> bytes:
    """A string with its length, neither an integer nor compressed."""
    return b"\x80" + len(data).to_bytes(4, "big") + data
