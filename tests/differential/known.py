"""Where pyredmem differs from the installed redis-server on purpose.

The judge on most machines is 7.0.15; the behaviour promised is that of 7.2. Each place where the newer one
answers differently is listed here once, with its reason, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.wire import Array, Bulk, Double, Error, Reply


@dataclass(frozen=True)
class Known:
    """A deliberate difference."""

    reason: str
    applies: Callable[[tuple[bytes, ...], Reply, Reply], bool]


def _lowest_rank(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return argv[0].upper() == b"LPOS" and b"-9223372036854775808" in argv and isinstance(ours, Error)


def _rank_with_more(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if argv[0].upper() not in {b"ZRANK", b"ZREVRANK"} or len(argv) < 4:
        return False
    return isinstance(theirs, Error) and theirs.text.startswith(b"ERR wrong number of arguments")


def _keys_of_a_bare_command(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if len(argv) != 3 or [word.upper() for word in argv[:2]] not in _KEY_QUESTIONS:
        return False
    return isinstance(theirs, Error) and theirs.text.startswith(b"ERR wrong number of arguments")


_KEY_QUESTIONS = [[b"COMMAND", b"GETKEYS"], [b"COMMAND", b"GETKEYSANDFLAGS"]]


def _unbalanced(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return all(isinstance(reply, Error) and reply.text.startswith(b"ERR Unbalanced") for reply in (theirs, ours))


def _listpacks(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if [word.upper() for word in argv[:2]] != [b"OBJECT", b"ENCODING"]:
        return False
    return isinstance(theirs, Bulk) and theirs.data in {b"quicklist", b"hashtable"} and ours == Bulk(b"listpack")


def _size_hint(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if [word.upper() for word in argv[:2]] != [b"OBJECT", b"ENCODING"]:
        return False
    return theirs == Bulk(b"intset") and ours in {Bulk(b"hashtable"), Bulk(b"listpack")}


def _shortest_digits(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return argv[0].upper().startswith((b"Z", b"BZ")) and same_but_for_digits(theirs, ours)


def same_but_for_digits(theirs: Reply, ours: Reply) -> bool:
    """Whether replies are alike but for how many digits some numbers have, which are the same in 64 bits."""
    if theirs == ours:
        return True
    if isinstance(theirs, Array) and isinstance(ours, Array) and len(theirs.items) == len(ours.items):
        return all(map(same_but_for_digits, theirs.items, ours.items))
    if isinstance(theirs, Bulk) and isinstance(ours, Bulk):
        return _same_number(theirs.data, ours.data)
    if isinstance(theirs, Double) and isinstance(ours, Double):
        return _same_number(theirs.text, ours.text)
    return False


def _same_number(theirs: bytes, ours: bytes) -> bool:
    """Whether these are one double, which the older server prints with 17 digits."""
    try:
        number = float(theirs)
        return b"%.17g" % number == theirs and float(ours) == number
    except ValueError:
        return False


KNOWN = (
    Known("7.2 has small lists and sets in listpacks", _listpacks),
    Known("7.2 takes the number of SADD's arguments for the size of the set that it makes", _size_hint),
    Known("7.2 prints scores with the fewest digits that tell them from others", _shortest_digits),
    Known("7.2 names the command, and the right special id, where streams and ids do not match", _unbalanced),
    Known("7.2 has WITHSCORE, and so takes more arguments", _rank_with_more),
    Known("7.2 asks for the keys of a command without arguments", _keys_of_a_bare_command),
    Known("7.2 refuses the rank that has no positive counterpart", _lowest_rank),
)


def deliberate(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    """Whether this difference is on the list."""
    return any(known.applies(argv, theirs, ours) for known in KNOWN)
