"""Where pyredmem differs from the installed redis-server on purpose.

The judge on most machines is 7.0.15; the behaviour promised is that of 7.2. Each place where the newer one
answers differently is listed here once, with its reason, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.wire import Error, Integer, Reply


@dataclass(frozen=True)
class Known:
    """A deliberate difference."""

    reason: str
    applies: Callable[[tuple[bytes, ...], Reply, Reply], bool]


def _bits_of_nothing(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return argv[0].upper() in {b"BITCOUNT", b"BITPOS"} and isinstance(theirs, Integer) and isinstance(ours, Error)


def _lowest_rank(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return argv[0].upper() == b"LPOS" and b"-9223372036854775808" in argv and isinstance(ours, Error)


KNOWN = (
    Known("7.2 checks the arguments of BITCOUNT and BITPOS even when the key is missing", _bits_of_nothing),
    Known("7.2 refuses the rank that has no positive counterpart", _lowest_rank),
)


def deliberate(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    """Whether this difference is on the list."""
    return any(known.applies(argv, theirs, ours) for known in KNOWN)
