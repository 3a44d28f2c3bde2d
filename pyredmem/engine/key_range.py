"""The first key, last key and step of a command, as COMMAND INFO shows them beside the newer key specifications.

They are computed from the specifications with fixed positions: from one with any step, or from several with step 1 that
follow one another. If such a range cannot describe all keys, the keys are *movable*: a client must ask COMMAND GETKEYS.
"""

from __future__ import annotations

from pyredmem.engine.spec import INCOMPLETE, CommandSpec, KeySpec


class KeyRange:
    """The range of the keys; zeros if there is none."""

    def __init__(self, first: int, last: int, step: int, movable: bool) -> None:
        self.first = first
        self.last = last  # counted from the end of the arguments if negative
        self.step = step
        self.movable = movable


def key_range(command: CommandSpec) -> KeyRange:
    specs = [spec for spec in command.keys if _is_fixed(spec)]
    movable = len(specs) < len(command.keys) or any(INCOMPLETE in spec.flags for spec in specs)
    if len(command.keys) == 1 and specs:
        return KeyRange(specs[0].index, _last(specs[0]), specs[0].step, movable)
    chosen: list[KeySpec] = []
    end = 0  # the last position of those chosen
    for spec in specs:
        if spec.step != 1 or (chosen and end != spec.index - 1):
            movable = True
        else:
            chosen.append(spec)
            if end >= 0:
                end = _last(spec)
    if not chosen:
        return KeyRange(0, 0, 0, movable)
    return KeyRange(chosen[0].index, end, 1, movable)


def _is_fixed(spec: KeySpec) -> bool:
    return not spec.unknown and not spec.keyword and spec.count_at < 0


def _last(spec: KeySpec) -> int:
    return spec.index + spec.last if spec.last >= 0 else spec.last
