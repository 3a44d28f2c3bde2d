"""Serialized values for tests: payloads put together by hand, and valid footers."""

from __future__ import annotations

from pyredmem.base.crc64 import crc64


def sealed(body: bytes, version: int = 11) -> bytes:
    """A payload of this type and content, with a valid footer."""
    signed = body + version.to_bytes(2, "little")
    return signed + crc64(signed).to_bytes(8, "little")


def body(payload: bytes) -> bytes:
    """The type and content of a payload, without its footer."""
    return payload[:-10]


def version(payload: bytes) -> int:
    """The RDB version in the footer of a payload."""
    return int.from_bytes(payload[-10:-8], "little")


def text(data: bytes) -> bytes:
    """A string as it is serialized without compression: its length and its bytes."""
    return b"\x80" + len(data).to_bytes(4, "big") + data
