"""Arguments as C reads strings: up to the first NUL, and with C's white space."""

from __future__ import annotations

from typing import Final

SPACES: Final = b" \t\n\v\f\r"


def c_string(data: bytes) -> bytes:
    """The bytes before the first NUL, which is all that Redis parses or shows of some arguments."""
    return data.partition(b"\0")[0]
