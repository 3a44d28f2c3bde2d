"""The tables of known differences between pyredmem and the servers that judge it, one for each.

The installed server, the judge on most machines, is 7.0.15. It judges pyredmem when that is like 7.2, and each case in
which 7.2 replies differently from 7.0 is listed here, once and with its reason. Redis 8.2.3 and Valkey 9.1.2 judge
pyredmem when it is like them. Any other difference fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.wire import Array, Bulk, Double, Error, Integer, Reply


@dataclass(frozen=True)
class Known:
    """A known difference: why the replies differ, and a function that recognizes it."""

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
    """Whether replies differ only in the number of digits of doubles that are equal."""
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
    """Whether both texts are the same double, which the older server prints with 17 digits."""
    try:
        number = float(theirs)
        return b"%.17g" % number == theirs and float(ours) == number
    except ValueError:
        return False


def _embedded(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if [word.upper() for word in argv[:2]] != [b"OBJECT", b"ENCODING"]:
        return False
    return {theirs, ours} <= {Bulk(b"embstr"), Bulk(b"raw")}


def _references(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    return [word.upper() for word in argv[:2]] == [b"OBJECT", b"REFCOUNT"] and isinstance(ours, type(theirs))


def _no_polygons(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    if not isinstance(theirs, Error) or not isinstance(ours, Error):
        return False
    return theirs.text.replace(b"BYRADIUS, BYBOX and BYPOLYGON", b"BYRADIUS and BYBOX") == ours.text


def _sorted_after_an_underflow(argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    error = Error(b"ERR One or more scores can't be converted into double")
    return argv[0].upper() in {b"SORT", b"SORT_RO"} and theirs == error and isinstance(ours, Array | Integer)


KNOWN_OF_7_0 = (
    Known("7.2 encodes small lists and sets as listpacks", _listpacks),
    Known("7.2 chooses the encoding of a new set by the number of arguments of SADD", _size_hint),
    Known("7.2 prints scores with as few digits as identify them", _shortest_digits),
    Known("7.2 names the command, and the right special id, if numbers of streams and ids differ", _unbalanced),
    Known("7.2 accepts one more argument of ZRANK and ZREVRANK: WITHSCORE", _rank_with_more),
    Known("7.2 accepts COMMAND GETKEYS of a command without arguments", _keys_of_a_bare_command),
    Known("7.2 refuses the least 64-bit number as a RANK of LPOS", _lowest_rank),
    Known(
        "SORT takes a number for out of range if one before it in the same batch was, as 5e-324 in ZADD",
        _sorted_after_an_underflow,
    ),
)


#: Of Valkey 9.1.2.
KNOWN_OF_VALKEY = (
    Known("a string is embstr up to another length, which depends on its key", _embedded),
    Known("there are no shared integers", _references),
    Known("an error of GEOSEARCH names BYPOLYGON, which is missing", _no_polygons),
)


def known_differences(judge: str) -> tuple[Known, ...]:
    """The table for a server, by its version. Redis 8.2.3 has none."""
    if judge.startswith("valkey"):
        return KNOWN_OF_VALKEY
    return KNOWN_OF_7_0 if judge.startswith("7.0.") else ()


_CORRUPT = Error(b"INVALIDOBJ Corrupted HLL object detected")


def parts_ways(argv: tuple[bytes, ...], ours: Reply) -> bool:
    """Whether the dataset differs on purpose from here on.

    PFADD of several elements to a corrupt value, in a transaction or not: Redis has added some of them when it notices,
    pyredmem adds none.
    """
    if not argv or argv[0].upper() not in {b"PFADD", b"EXEC"}:
        return False
    return _CORRUPT in (ours.items if isinstance(ours, Array) else (ours,))


def deliberate(table: tuple[Known, ...], argv: tuple[bytes, ...], theirs: Reply, ours: Reply) -> bool:
    """Whether this difference is in a table."""
    return any(known.applies(argv, theirs, ours) for known in table)
