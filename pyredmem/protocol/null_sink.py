"""A sink for replies that nobody wants, such as those of a client after ``CLIENT REPLY OFF``."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.protocol.reply import ReplySink


class NullSink(ReplySink):
    """Drops every reply. Handlers may read ``protocol``, so the sink is made for RESP2 or for RESP3."""

    def __init__(self, protocol: i64 = 2) -> None:
        super().__init__(protocol)

    def ok(self) -> None:
        return

    def simple(self, text: bytes) -> None:
        return

    def error(self, message: bytes) -> None:
        return

    def integer(self, number: i64) -> None:
        return

    def bulk(self, data: bytes) -> None:
        return

    def null(self) -> None:
        return

    def null_array(self) -> None:
        return

    def array(self, size: i64) -> None:
        return

    def map(self, size: i64) -> None:
        return

    def set(self, size: i64) -> None:
        return

    def push(self, size: i64) -> None:
        return

    def attribute(self, size: i64) -> bool:
        return self.protocol == 3

    def double(self, number: float) -> None:
        return

    def fixed_double(self, number: float) -> None:
        return

    def boolean(self, value: bool) -> None:
        return

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        return

    def big_number(self, digits: bytes) -> None:
        return

    def bulks(self, items: list[bytes]) -> None:
        return

    def text(self, text: str) -> None:
        return
