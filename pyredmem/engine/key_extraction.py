"""Key extraction: which arguments of a call are keys, and what the command does with each.

For most commands the key specifications say this (see `spec`). A few commands declare a function instead, as in Redis:
what SET and BITFIELD do with their key depends on their options, and SORT has keys that no specification can find.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.numbers import parse_integer
from pyredmem.engine.spec import INCOMPLETE, NOT_KEY, VARIABLE_FLAGS, CommandSpec, FoundKey, KeySpec

#: Flags that describe a specification, not a key.
_ABOUT_THE_SPEC: Final = frozenset((INCOMPLETE, VARIABLE_FLAGS, NOT_KEY))


def has_keys(command: CommandSpec) -> bool:
    """Whether a call of the command can have keys at all. Names of channels are not keys."""
    return any(NOT_KEY not in spec.flags for spec in command.keys)


def keys_of(command: CommandSpec, argv: list[bytes]) -> list[bytes]:
    """The keys of a call; empty if the call is malformed."""
    return [argv[found.place] for found in find_keys(command, argv)]


def tracked_keys(command: CommandSpec, argv: list[bytes]) -> list[bytes]:
    """The keys of a call that client-side caching remembers, even if the call has failed."""
    if command.find_tracked_keys is None:
        return keys_of(command, argv)
    return [argv[found.place] for found in command.find_tracked_keys(argv)]


def find_keys(command: CommandSpec, argv: list[bytes]) -> list[FoundKey]:
    """The keys of a call, each with what the command does with it; empty if the call is malformed."""
    if command.find_keys is not None:
        return command.find_keys(argv) if command.accepts(len(argv)) else []
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
    """The positions of the keys of one specification; None if the call is malformed."""
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
    """The position at which the keys of a specification begin; 0 if its keyword is missing."""
    if not spec.keyword:
        return spec.index
    keyword = spec.keyword.lower().encode()
    places = range(spec.index, len(argv)) if spec.index >= 0 else range(len(argv) + spec.index, 0, -1)
    for place in places:
        if argv[place].lower() == keyword:
            return place + 1
    return 0
