"""Shortcuts: what can be decided about most calls at a glance, without looking at the rules.

For each command there is one of three answers: it is permitted; it is permitted if its keys, which begin at the first
argument, match some of these patterns; or the rules must be asked. A shortcut never denies a call: if no pattern
matches, then another selector may still permit it, and the rules must be asked as well.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.acl.catalogue import ANY_SHAPE, NO_KEYS, AclCommand, Catalogue
from pyredmem.acl.selector import Selector
from pyredmem.base.glob import Glob

_ASK: Final = 0
_PERMITTED: Final = 1
#: From this number on: an index of a list of patterns, plus this number.
_MATCHING: Final = 2
#: There are this many kinds of access to a key: none, read, write, and both.
_ACCESSES: Final = 4
_LARGEST: Final = 255


class Shortcuts:
    """The shortcuts through the rules of one user."""

    def __init__(self, catalogue: Catalogue, selectors: list[Selector]) -> None:
        commands = catalogue.all()
        size = max([command.index for command in commands]) + 1
        answers = bytearray(size)
        steps = bytearray(size)
        for command in commands:
            if command.index >= 0:
                answers[command.index] = _answer(command, selectors)
                steps[command.index] = command.step
        self._answers = bytes(answers)
        self._steps = bytes(steps)
        self._patterns: list[list[Glob]] = [
            [pattern.glob for pattern in selector.key_patterns if access & ~pattern.access == 0]
            for selector in selectors
            for access in range(_ACCESSES)
        ]

    def permit(self, index: i64, argv: list[bytes]) -> bool:
        """Whether a call of the command with this index is permitted; if not, the rules must be asked."""
        answer: i64 = self._answers[index]
        if answer < _MATCHING:
            return answer == _PERMITTED
        globs = self._patterns[answer - _MATCHING]
        step: i64 = self._steps[index]
        if step == 0:
            return _match(globs, argv[1])
        place: i64 = 1
        while place < len(argv):
            if not _match(globs, argv[place]):
                return False
            place += step
        return True


def _match(globs: list[Glob], key: bytes) -> bool:
    for glob in globs:  # noqa: SIM110 - `any` would make a generator
        if glob.matches(key):
            return True
    return False


def _answer(command: AclCommand, selectors: list[Selector]) -> int:
    """The answer for a command: that of the first selector which gives one."""
    shape = command.shape
    for number, selector in enumerate(selectors):
        if not command.always_allowed and not selector.permits_command(command.index):
            continue
        if command.has_channels and not selector.all_channels:
            continue
        if shape == NO_KEYS or selector.all_keys:
            return _PERMITTED
        answer = _MATCHING + number * _ACCESSES + shape
        if shape != ANY_SHAPE and answer <= _LARGEST:
            return answer
    return _ASK
