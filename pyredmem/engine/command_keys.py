"""Which arguments of a call are keys, by the key specifications of its command."""

from __future__ import annotations

from pyredmem.base.numbers import parse_integer
from pyredmem.engine.command import NOT_KEY, Command, KeySpec


def keys_of(command: Command, argv: list[bytes]) -> list[bytes]:
    """The keys of a call, in order of the specifications; an argument that cannot be one ends the search."""
    found: list[bytes] = []
    for spec in command.keys:
        if NOT_KEY not in spec.flags and not spec.unknown:
            found += [argv[at] for at in _positions(spec, argv)]
    return found


def _positions(spec: KeySpec, argv: list[bytes]) -> range:
    start = _start(spec, argv)
    if not 0 < start < len(argv):
        return range(0)
    if spec.count_at < 0:
        return _to_last(spec, start, len(argv))
    if start + spec.count_at >= len(argv):
        return range(0)
    count = parse_integer(argv[start + spec.count_at])
    first = start + spec.first
    if count is None or count < 0 or first + (count - 1) * spec.step >= len(argv):
        return range(0)
    return range(first, first + count * spec.step, spec.step)


def _to_last(spec: KeySpec, start: int, count: int) -> range:
    if spec.last >= 0:
        last = start + spec.last
    elif spec.limit > 1:
        last = start + (count - start) // spec.limit + spec.last
    else:
        last = count + spec.last
    return range(start, min(last, count - 1) + 1, spec.step)


def _start(spec: KeySpec, argv: list[bytes]) -> int:
    """Where a specification's keys begin, 0 if they are not there."""
    if not spec.keyword:
        return spec.index
    keyword = spec.keyword.lower().encode()
    places = range(spec.index, len(argv)) if spec.index >= 0 else range(len(argv) + spec.index, 0, -1)
    for at in places:
        if argv[at].lower() == keyword:
            return at + 1
    return 0
