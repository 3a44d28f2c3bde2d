"""The request parser of interpreted builds: hiredis for whole, ordinary requests, the strict grammar for the rest.

Interpreted, hiredis takes half the time of :class:`RequestParser`; compiled it is the other way round. hiredis parses
replies, though. It accepts what a request may not contain, and it trusts the sizes it reads. So a chunk goes to hiredis
only if it looks harmless, and whatever hiredis cannot read as requests is read again by the strict grammar. Without
hiredis the strict grammar reads everything.
"""

from __future__ import annotations

import re
from typing import Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.optional import optional_module
from pyredmem.protocol.request import MAX_LINE, RequestParser

_STAR: Final = 42
_PLUS: Final = 43
_PARENTHESIS: Final = 40
_EQUALS: Final = 61
_TILDE: Final = 126
_BAR: Final = 124
#: The header of an array of 100000 strings or more.
_MANY_STRINGS: Final = re.compile(rb"\*[0-9]{6}")


_HIREDIS: Final = optional_module("hiredis")


class HiredisRequestParser(RequestParser):
    """Gives the same requests and errors as its base class."""

    def __init__(self, max_bulk: i64 = 512 * 1024 * 1024) -> None:
        super().__init__(max_bulk)
        self._reader = _HIREDIS.Reader()
        self._ready: list[list[bytes]] = []

    def feed(self, data: bytes) -> None:
        between_requests = self._missing == 0 and not self._ready and self._position >= len(self._data)
        if not (between_requests and self.authenticated and _is_harmless(data) and self._read(data)):
            super().feed(data)

    def requests(self) -> list[list[bytes]]:
        ready = self._ready
        if ready:
            self._ready = []
            return ready
        return super().requests()

    def pending(self) -> i64:
        waiting: i64 = sum([sum(map(len, request)) for request in self._ready])
        return super().pending() + waiting

    def _read(self, data: bytes) -> bool:
        """Read all requests of a chunk. False, without reading any, if there is anything else in it."""
        reader = self._reader
        ready = self._ready
        try:
            reader.feed(data)
            request = reader.gets()
            while type(request) is list:
                b"".join(request)  # raises TypeError where an argument is not bytes
                ready.append(request)
                if not reader.has_data():
                    if [] in ready:  # *0 is no request
                        break
                    return True
                request = reader.gets()
        except (_HIREDIS.HiredisError, TypeError, ValueError, MemoryError, RecursionError):
            pass
        # The strict grammar reads the whole chunk instead.
        self._reader = _HIREDIS.Reader()
        self._ready = []
        return False


def _is_harmless(data: bytes) -> bool:
    """Whether a chunk may be given to hiredis: it begins and ends like requests, and nothing in it misleads hiredis.

    hiredis reads some types of replies as strings too; their marks are looked for here. And it allocates room for all
    strings that an array announces, gigabytes for a few bytes.
    """
    return (
        data.endswith(b"\r\n")
        and data[0] == _STAR
        and _PLUS not in data
        and _PARENTHESIS not in data
        and _EQUALS not in data
        and _TILDE not in data
        and _BAR not in data
        and len(data) <= MAX_LINE
        and _MANY_STRINGS.search(data) is None
    )


def request_parser() -> RequestParser:
    """The quickest parser of this build."""
    return RequestParser() if COMPILED or _HIREDIS is None else HiredisRequestParser()
