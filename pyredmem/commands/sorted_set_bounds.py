"""The bounds of ranges of sorted sets, parsed as in Redis, and the ranks between two bounds.

There are three kinds of bounds: ranks, which count from the end if negative; scores, where ``(1`` excludes the bound
itself; and members, ``[a``, ``(a``, ``-`` or ``+``. Score bounds are parsed by C's plain ``strtod``, more loosely than
scores: leading spaces are allowed, an empty bound is 0, a number that is too large is infinite, and a NUL ends it.
Newer versions take only decimal numbers there.
"""

from __future__ import annotations

import re
from math import isnan
from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.commands.c_strings import SPACES, c_string, parse_decimal
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import integer
from pyredmem.objects.sorted_set import SortedSetObject

BY_RANK: Final = 0
BY_SCORE: Final = 1
BY_LEX: Final = 2

_NOT_SCORES: Final = b"ERR min or max is not a float"
_NOT_MEMBERS: Final = b"ERR min or max not valid string range item"
_HEXADECIMAL: Final = re.compile(rb"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?")
_EXCLUDED: Final = 40  # (
_INCLUDED: Final = 91  # [
# Where a bound is: before all members (-), among them, or after all members (+).
_BEFORE: Final = -1
_AMONG: Final = 0
_AFTER: Final = 1


def _strtod(data: bytes, is_strict: bool) -> float:
    """A C string as a double; NaN if it is not a number, or if something follows the number."""
    text = c_string(data)
    if text == b"":
        return 0.0
    if not is_strict:
        text = text.lstrip(SPACES)
    decimal = parse_decimal(text)
    if decimal is not None:
        return decimal
    if is_strict or _HEXADECIMAL.fullmatch(text) is None:
        return float("nan")
    try:
        return float.fromhex(text.decode())
    except OverflowError:
        return float("-inf") if text.startswith(b"-") else float("inf")


class _LexBound:
    """A bound that is compared with members."""

    def __init__(self, argument: bytes) -> None:
        self.member = argument[1:]
        self.excluded = False
        self.side: i64 = _AMONG
        first = argument[0] if argument else 0
        if first in (_EXCLUDED, _INCLUDED):
            self.excluded = first == _EXCLUDED
        elif argument[:1] in (b"-", b"+") and argument[1:2] in (b"", b"\0"):
            self.side = _BEFORE if first == ord("-") else _AFTER
        else:
            raise CommandError(_NOT_MEMBERS)

    def is_under(self, member: bytes) -> bool:
        """Whether a member is above this bound, taken as the lower one."""
        if self.side != _AMONG:
            return self.side == _BEFORE
        return self.member < member or (self.member == member and not self.excluded)

    def is_over(self, member: bytes) -> bool:
        """Whether a member is below this bound, taken as the upper one."""
        if self.side != _AMONG:
            return self.side == _AFTER
        return self.member > member or (self.member == member and not self.excluded)


class Bounds:
    """A range between two bounds of one kind."""

    def __init__(self, profile: Profile, kind: i64, low: bytes, high: bytes) -> None:
        self.kind: i64 = kind
        # Ranks.
        self.first: i64 = 0
        self.last: i64 = 0
        # Scores.
        self.low = 0.0
        self.high = 0.0
        self.low_excluded = low[:1] == b"("
        self.high_excluded = high[:1] == b"("
        # Members.
        self.lex: list[_LexBound] = []
        if kind == BY_RANK:
            self.first = integer(low)
            self.last = integer(high)
        elif kind == BY_SCORE:
            is_strict = profile.has_strict_bounds
            self.low = _strtod(low[1:] if self.low_excluded else low, is_strict)
            self.high = _strtod(high[1:] if self.high_excluded else high, is_strict)
            if isnan(self.low) or isnan(self.high):
                raise CommandError(_NOT_SCORES)
        else:
            self.lex = [_LexBound(low), _LexBound(high)]

    def ranks(self, found: SortedSetObject, reverse: bool) -> tuple[i64, i64]:
        """The first rank and the one past the last, equal if the range is empty; ``reverse`` counts from the end."""
        if self.kind == BY_RANK:
            start, end = self._between_ranks(found.length(), reverse)
        elif self.kind == BY_SCORE:
            order = found.order()
            start = order.rank_of_score(self.low, self.low_excluded)
            end = order.rank_of_score(self.high, not self.high_excluded)
        else:
            start, end = self._between_members(found, reverse)
        return start, max(start, end)

    def _between_ranks(self, length: i64, reverse: bool) -> tuple[i64, i64]:
        first = self.first
        last = self.last
        if first < 0:
            first += length
        if last < 0:
            last += length
        first = max(first, 0)
        if first > last or first >= length:
            return 0, 0
        last = min(last, length - 1)
        return (length - 1 - last, length - first) if reverse else (first, last + 1)

    def _between_members(self, found: SortedSetObject, reverse: bool) -> tuple[i64, i64]:
        order = found.order()
        length = order.length
        low, high = self.lex
        is_listpack = found.content.table() is None
        if is_listpack and length > 0 and order.score_at(0) != order.score_at(length - 1):
            return _walk(order.members(0, length), low, high, reverse)
        start = _rank_of(found, low, low.excluded)
        return start, _rank_of(found, high, not high.excluded)


def _rank_of(found: SortedSetObject, bound: _LexBound, inclusive: bool) -> i64:
    if bound.side != _AMONG:
        return 0 if bound.side == _BEFORE else found.length()
    return found.order().rank_of_member(bound.member, inclusive)


def _walk(members: list[bytes], low: _LexBound, high: _LexBound, reverse: bool) -> tuple[i64, i64]:
    """The range that Redis finds by walking a listpack whose scores differ, so that its members are not sorted.

    The walk begins at the first member above the lower bound (in reverse: the last one below the upper bound), and
    goes on while members keep the other bound. It happens only if the outermost members could be in the range.
    """
    if _is_empty(low, high) or not low.is_under(members[-1]) or not high.is_over(members[0]):
        return 0, 0
    length: i64 = len(members)
    if reverse:
        end = length
        while end > 0 and not high.is_over(members[end - 1]):
            end -= 1
        start = end
        while start > 0 and low.is_under(members[start - 1]):
            start -= 1
        return start, end
    start = 0
    while start < length and not low.is_under(members[start]):
        start += 1
    end = start
    while end < length and high.is_over(members[end]):
        end += 1
    return start, end


def _is_empty(low: _LexBound, high: _LexBound) -> bool:
    """Whether no member can be between the bounds."""
    if low.side != _AMONG or high.side != _AMONG:
        return low.side >= high.side
    return low.member > high.member or (low.member == high.member and (low.excluded or high.excluded))
