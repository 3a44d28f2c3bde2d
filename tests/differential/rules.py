"""The rules by which two replies to one command are compared.

Most replies must be equal to the byte. Where Redis promises less (no order, no exact time, a random choice), the rule
of the command says what is compared. A rule returns None if the replies agree, and otherwise says in a few words why
not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tests.support.wire import Array, Bulk, Double, Error, Integer, Map, Reply, Set, Verbatim

Rule = Callable[[Reply, Reply], str | None]

MILLISECONDS_OF_NOISE = 2500


def exactly(theirs: Reply, ours: Reply) -> str | None:
    """The same type and the same content."""
    return None if theirs == ours else "different"


def same_type(theirs: Reply, ours: Reply) -> str | None:
    """The same type with any content; errors must have the same text."""
    if type(theirs) is not type(ours):
        return "different types"
    return exactly(theirs, ours) if isinstance(theirs, Error) else None


def ignored(theirs: Reply, ours: Reply) -> str | None:
    """Any two replies, unless one is an error and the other is not."""
    return "one is an error" if isinstance(theirs, Error) != isinstance(ours, Error) else None


def same_key_sizes(theirs: Reply, ours: Reply) -> str | None:
    """Two replies of INFO, of which only the section Keysizes is compared."""
    if isinstance(theirs, Bulk) and isinstance(ours, Bulk):
        return _sizes(theirs.data, ours.data)
    if isinstance(theirs, Verbatim) and isinstance(ours, Verbatim):
        return _sizes(theirs.text, ours.text)
    return exactly(theirs, ours)


def _sizes(theirs: bytes, ours: bytes) -> str | None:
    title = b"# Keysizes"
    return None if theirs.partition(title)[2] == ours.partition(title)[2] else "different sizes of keys"


def near(tolerance: float) -> Rule:
    """Numbers that differ by at most ``tolerance``; negative ones (no key, no expire time) must be equal."""

    def rule(theirs: Reply, ours: Reply) -> str | None:
        if isinstance(theirs, Integer) and isinstance(ours, Integer):
            if theirs == ours or (min(theirs.value, ours.value) >= 0 and _close(theirs.value, ours.value)):
                return None
            return f"further apart than {tolerance}"
        if isinstance(theirs, Double) and isinstance(ours, Double):
            return None if _close(float(theirs.text), float(ours.text)) else f"further apart than {tolerance}"
        return exactly(theirs, ours)

    def _close(one: float, other: float) -> bool:
        return abs(one - other) <= tolerance

    return rule


def in_any_order(theirs: Reply, ours: Reply) -> str | None:
    """Arrays, sets and maps, compared as multisets."""
    if type(theirs) is not type(ours):
        return "different types"
    if isinstance(theirs, Array | Set) and isinstance(ours, Array | Set):
        return _multisets(theirs.items, ours.items)
    if isinstance(theirs, Map) and isinstance(ours, Map):
        return _multisets(theirs.pairs, ours.pairs)
    return exactly(theirs, ours)


def scanned(theirs: Reply, ours: Reply) -> str | None:
    """`[cursor, elements]` of a scan that ends in one call: cursor 0 and the same elements in any order."""
    if isinstance(theirs, Array) and isinstance(ours, Array) and len(theirs.items) == len(ours.items) == 2:
        if theirs.items[0] != ours.items[0] and Bulk(b"0") in {theirs.items[0], ours.items[0]}:
            return "one scan has ended, the other has not"
        return in_any_order(theirs.items[1], ours.items[1])
    return exactly(theirs, ours)


def itemwise(rules: Sequence[Rule]) -> Rule:
    """The replies in that of EXEC, each compared by the rule of its command."""

    def rule(theirs: Reply, ours: Reply) -> str | None:
        if not (isinstance(theirs, Array) and isinstance(ours, Array)):
            return exactly(theirs, ours)
        if not len(theirs.items) == len(ours.items) == len(rules):
            return exactly(theirs, ours)
        for at, (one, other) in enumerate(zip(theirs.items, ours.items, strict=True)):
            if (why := rules[at](one, other)) is not None:
                return f"item {at}: {why}"
        return None

    return rule


def _multisets(theirs: Sequence[object], ours: Sequence[object]) -> str | None:
    missing, extra = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
    if not missing and not extra:
        return None
    return f"missing {list(missing)[:5]}, extra {list(extra)[:5]}"


SECONDS = near(MILLISECONDS_OF_NOISE / 1000)
MILLISECONDS = near(MILLISECONDS_OF_NOISE)
