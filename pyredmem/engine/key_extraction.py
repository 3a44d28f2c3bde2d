"""Which arguments of a call are keys, and what the command does with them.

The key specifications of the command say so (engine/command.py). Four commands need more than that: what SET and
BITFIELD do with their key depends on their options, and SORT and MIGRATE have keys where no specification can find
them. For these there is a function each, as in Redis.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.numbers import parse_integer
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    NOT_KEY,
    OVERWRITE,
    READ_ONLY,
    READ_WRITE,
    UPDATE,
    VARIABLE_FLAGS,
    Command,
    KeySpec,
)

#: Flags that speak of the specification, not of a key.
_ABOUT_THE_SPEC: Final = frozenset((INCOMPLETE, VARIABLE_FLAGS, NOT_KEY))


class FoundKey:
    """A key among the arguments: its place, and what is done with it."""

    def __init__(self, place: int, flags: tuple[str, ...]) -> None:
        self.place = place
        self.flags = flags


def has_keys(command: Command) -> bool:
    """Whether a call of the command can have keys at all (names of channels are none)."""
    return any(NOT_KEY not in spec.flags for spec in command.keys)


def keys_of(command: Command, argv: list[bytes]) -> list[bytes]:
    """The keys of a call; none if the call is malformed."""
    return [argv[found.place] for found in find_keys(command, argv)]


def find_keys(command: Command, argv: list[bytes]) -> list[FoundKey]:
    """The keys of a call with what is done with them; none if the call is malformed."""
    name = command.full_name
    if name == b"set":
        return [FoundKey(1, _set_flags(argv))]
    if name == b"bitfield":
        return [FoundKey(1, _bitfield_flags(argv))]
    if name == b"sort":
        return _sort_keys(argv)
    if name == b"migrate":
        return _migrate_keys(argv)
    found: list[FoundKey] = []
    for spec in command.keys:
        if NOT_KEY in spec.flags or spec.unknown:
            continue
        places = _places(spec, argv)
        if places is None:
            return []
        flags = tuple([flag for flag in spec.flags if flag not in _ABOUT_THE_SPEC])
        found += [FoundKey(place, flags) for place in places]
    return found


def _places(spec: KeySpec, argv: list[bytes]) -> range | None:
    """The places of a specification's keys; None if the call is malformed."""
    count = len(argv)
    start = _start(spec, argv)
    if start == 0:
        return range(0)
    if start >= count:
        return range(0) if spec.keyword else None
    if spec.count_at >= 0:
        return _counted(spec, argv, start)
    if spec.last >= 0:
        last = start + spec.last
    elif spec.limit > 0:
        last = start + (count - start) // spec.limit + spec.last
    else:
        last = count + spec.last
    if not start <= last < count:
        return None
    return range(start, last + 1, spec.step)


def _counted(spec: KeySpec, argv: list[bytes], start: int) -> range | None:
    if start + spec.count_at >= len(argv):
        return None
    number = parse_integer(argv[start + spec.count_at])
    first = start + spec.first
    if number is None or number < 1 or first + (number - 1) * spec.step >= len(argv):
        return None
    return range(first, first + number * spec.step, spec.step)


def _start(spec: KeySpec, argv: list[bytes]) -> int:
    """Where a specification's keys begin; 0 if its keyword is not there."""
    if not spec.keyword:
        return spec.index
    keyword = spec.keyword.lower().encode()
    places = range(spec.index, len(argv)) if spec.index >= 0 else range(len(argv) + spec.index, 0, -1)
    for place in places:
        if argv[place].lower() == keyword:
            return place + 1
    return 0


def _set_flags(argv: list[bytes]) -> tuple[str, ...]:
    """SET: with GET it reads as well."""
    if any(argument.lower() == b"get" for argument in argv[3:]):
        return (READ_WRITE, ACCESS, UPDATE)
    return (OVERWRITE, UPDATE)


def _bitfield_flags(argv: list[bytes]) -> tuple[str, ...]:
    """BITFIELD: it only reads if all its operations are GET."""
    at = 2
    while at < len(argv):
        left = len(argv) - at - 1
        word = argv[at].lower()
        if word == b"get" and left >= 2:
            at += 3
        elif word == b"overflow" and left >= 1:
            at += 2
        else:
            return (READ_WRITE, ACCESS, UPDATE)
    return (READ_ONLY, ACCESS)


_SORT_VALUES: Final = {b"limit": 2, b"get": 1, b"by": 1}


def _sort_keys(argv: list[bytes]) -> list[FoundKey]:
    """SORT: the key, and the last one behind STORE."""
    keys = [FoundKey(1, (READ_ONLY, ACCESS))]
    at = 2
    while at < len(argv):
        word = argv[at].lower()
        if word == b"store" and at + 1 < len(argv):
            keys = [keys[0], FoundKey(at + 1, (OVERWRITE, UPDATE))]
        at += 1 + _SORT_VALUES.get(word, 0)
    return keys


def _migrate_keys(argv: list[bytes]) -> list[FoundKey]:
    """MIGRATE: the third argument, or if that is empty all behind KEYS."""
    flags = (READ_WRITE, ACCESS, DELETE)
    for at in range(6, len(argv)):
        if argv[at].lower() == b"keys" and not argv[3]:
            return [FoundKey(place, flags) for place in range(at + 1, len(argv))]
    return [FoundKey(3, flags)]
