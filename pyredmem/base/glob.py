"""Glob patterns, matched exactly as Redis matches them (KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET, ACL rules).

The grammar, with its quirks:

* ``*`` matches any run of bytes, ``?`` any byte, ``\\x`` the byte x. A backslash at the end of the pattern matches
  itself.
* ``[...]`` matches one byte of a class: bytes, ranges ``a-z`` (a reversed range means the same), escapes; a ``^`` at
  the beginning negates the class. A class that is never closed ends with the pattern. In ``[a-]`` the bracket is the
  end of the range, so that class is not closed. The ends of a range compare as *signed* bytes, as C chars do on x86.
* Only the empty pattern matches the empty text. (``KEYS *`` finds an empty key because the command returns all keys
  then, not because the pattern matches.)

When case is ignored, ASCII letters are folded everywhere except after a backslash in a class, and the ends of a range
are put in order before they are folded (so ``[Z-a]`` matches nothing).

`match` is the plain matcher. When a byte does not match, it goes back to the last ``*`` only. That is enough, because
an earlier ``*`` that matched more would only leave less for the rest. It takes at most pattern times text steps.
`Glob` is for matching many texts: a pattern of literals and ``*``, as nearly all are in practice, becomes a search for
the literals between the stars.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_STAR: Final = 42
_QUESTION: Final = 63
_OPEN: Final = 91
_BACKSLASH: Final = 92
_CLOSE: Final = 93
_CARET: Final = 94
_DASH: Final = 45

# Redis does not nest deeper than this, and it nests once per star that has something after it.
_MAX_STARS: Final = 1000

_LITERAL: Final = 0
_PREFIX: Final = 1
_SEGMENTS: Final = 2
_GENERAL: Final = 3


def match(pattern: bytes, text: bytes, ignore_case: bool = False) -> bool:
    """Whether the pattern matches the whole text."""
    pattern_length: i64 = len(pattern)
    text_length: i64 = len(text)
    at: i64 = 0
    position: i64 = 0
    star: i64 = -1  # where the pattern goes on after the last star
    restart: i64 = 0  # where in the text the rest of the pattern is tried next
    stars: i64 = 0
    while position < text_length:
        after: i64 = -1
        if at < pattern_length:
            if pattern[at] == _STAR:
                while at < pattern_length and pattern[at] == _STAR:
                    at += 1
                if at == pattern_length:
                    return True
                stars += 1
                if stars > _MAX_STARS:
                    return False
                star = at
                restart = position
                continue
            after = _match_one(pattern, at, text[position], ignore_case)
        if after >= 0:
            at = after
            position += 1
        elif star >= 0:
            restart += 1
            position = restart
            at = star
        else:
            return False
    if text_length > 0:
        while at < pattern_length and pattern[at] == _STAR:
            at += 1
    return at == pattern_length


def _match_one(pattern: bytes, at: i64, byte: i64, ignore_case: bool) -> i64:
    """Match one byte with the element at `at`, which is not a star; returns where the pattern goes on, or -1."""
    element: i64 = pattern[at]
    if element == _QUESTION:
        return at + 1
    if element == _OPEN:
        return _match_class(pattern, at + 1, byte, ignore_case)
    if element == _BACKSLASH and at + 1 < len(pattern):
        at += 1
        element = pattern[at]
    if element == byte or (ignore_case and _fold(element) == _fold(byte)):
        return at + 1
    return -1


def _match_class(pattern: bytes, at: i64, byte: i64, ignore_case: bool) -> i64:
    """Match one byte with the class whose bracket is before `at`; returns where the pattern goes on, or -1."""
    length: i64 = len(pattern)
    negated = at < length and pattern[at] == _CARET
    if negated:
        at += 1
    found = False
    while at < length:
        element: i64 = pattern[at]
        if element == _BACKSLASH and at + 1 < length:
            at += 1
            if pattern[at] == byte:
                found = True
        elif element == _CLOSE:
            break
        elif at + 2 < length and pattern[at + 1] == _DASH:
            at += 2
            if _in_range(element, pattern[at], byte, ignore_case):
                found = True
        elif element == byte or (ignore_case and _fold(element) == _fold(byte)):
            found = True
        at += 1
    if found == negated:
        return -1
    return at + 1 if at < length else length


def _in_range(first: i64, last: i64, byte: i64, ignore_case: bool) -> bool:
    low = _signed(first)
    high = _signed(last)
    value = _signed(byte)
    if low > high:
        low, high = high, low
    if ignore_case:
        low = _fold(low)
        high = _fold(high)
        value = _fold(value)
    return low <= value <= high


def _signed(byte: i64) -> i64:
    return byte if byte < 128 else byte - 256


def _fold(byte: i64) -> i64:
    return byte + 32 if 65 <= byte <= 90 else byte


def _literal_segments(pattern: bytes) -> list[bytes] | None:
    """Split a pattern at its stars into literals, with the escapes resolved; None if it has a `?` or a class."""
    segments: list[bytes] = []
    literal = bytearray()
    at = 0
    length = len(pattern)
    while at < length:
        element = pattern[at]
        if element in (_QUESTION, _OPEN):
            return None
        if element == _STAR:
            segments.append(bytes(literal))
            literal = bytearray()
            while at + 1 < length and pattern[at + 1] == _STAR:
                at += 1
        else:
            if element == _BACKSLASH and at + 1 < length:
                at += 1
                element = pattern[at]
            literal.append(element)
        at += 1
    segments.append(bytes(literal))
    return segments


class Glob:
    """A pattern that is prepared for matching many texts."""

    def __init__(self, pattern: bytes, ignore_case: bool = False) -> None:
        self.pattern: bytes = pattern
        self.ignore_case: bool = ignore_case
        self._kind: i64 = _GENERAL
        self._prefix: bytes = b""
        self._suffix: bytes = b""
        self._middle: list[bytes] = []
        self._least_length: i64 = 0
        segments = _literal_segments(pattern)
        if segments is not None and len(segments) <= _MAX_STARS:
            if ignore_case:
                segments = [segment.lower() for segment in segments]
            self._prepare(segments)

    def _prepare(self, segments: list[bytes]) -> None:
        self._prefix = segments[0]
        self._suffix = segments[-1]
        self._middle = segments[1:-1]
        # Not even a lone star matches the empty text.
        self._least_length = max(1, sum([len(segment) for segment in segments]))
        if len(segments) == 1:
            self._kind = _LITERAL
        elif len(segments) == 2 and self._suffix == b"":
            self._kind = _PREFIX
        else:
            self._kind = _SEGMENTS

    def matches(self, text: bytes) -> bool:
        """Whether the pattern matches the whole text."""
        kind = self._kind
        if kind == _GENERAL:
            return match(self.pattern, text, self.ignore_case)
        if self.ignore_case:
            text = text.lower()
        if kind == _PREFIX:
            return text.startswith(self._prefix) and len(text) > 0
        if kind == _LITERAL:
            return text == self._prefix
        return self._matches_segments(text)

    def _matches_segments(self, text: bytes) -> bool:
        if len(text) < self._least_length or not text.startswith(self._prefix) or not text.endswith(self._suffix):
            return False
        position = len(self._prefix)
        end = len(text) - len(self._suffix)
        for segment in self._middle:
            # The first place found is the best one: it leaves the most text for the other segments.
            found = text.find(segment, position, end)
            if found < 0:
                return False
            position = found + len(segment)
        return True
