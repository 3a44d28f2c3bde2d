"""The kinds of settings whose value is several words: addresses, save points, buffer limits and the like."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

from pyredmem.config.kinds import (
    UNSIGNED_INT_MAX,
    BadValueError,
    Kind,
    Line,
    format_memory,
    loose_integer,
    parse_memory,
)
from pyredmem.config.quoting import quote

WRONG_NUMBER: Final = "wrong number of arguments"


def _int32(value: int) -> int:
    """The low 32 bits of `value`, read as a C int."""
    return (value & UNSIGNED_INT_MAX ^ 2**31) - 2**31


class Addresses(Kind):
    """The addresses to listen on. An address after a `-` need not exist."""

    title = "addresses"
    many_words = True

    def describe(self) -> str:
        return "up to 16 addresses"

    def parse(self, words: list[str], current: str) -> str:
        if len(words) > 16:
            raise BadValueError("Too many bind addresses specified.")
        return " ".join(words)

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        if value == default:
            return []
        return [Line(f"{name} {value or quote('')}", True)]


class SavePoints(Kind):
    """Pairs of seconds and changes. The lines of a file add up; an empty value drops those before it."""

    title = "pairs"
    many_words = True
    error: Final = "Invalid save parameters"

    def describe(self) -> str:
        return "pairs of seconds and changes"

    def parse(self, words: list[str], current: str) -> str:
        if words == [""]:
            return ""
        if len(words) % 2:
            raise BadValueError(self.error)
        shown: list[str] = []
        for position, word in enumerate(words):
            value = loose_integer(word)
            if value is None or value < 1 - position % 2:
                raise BadValueError(self.error)
            shown.append(str(value if position % 2 == 0 else _int32(value)))
        return " ".join(shown)

    def extend(self, words: list[str], current: str, first: bool) -> str:
        value = self.parse(words, current)
        return value if first or not value or not current else f"{current} {value}"

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        words = value.split()
        if not words:
            return [Line(f'{name} ""', True)]
        return [Line(f"{name} {words[at]} {words[at + 1]}", True) for at in range(0, len(words), 2)]


@lru_cache(maxsize=16)  # each fresh engine asks for the same
def _limits_by_class(value: str) -> list[tuple[str, tuple[int, int, int]]]:
    words = value.split()
    return [(words[at], (int(words[at + 1]), int(words[at + 2]), int(words[at + 3]))) for at in range(0, len(words), 4)]


class BufferLimits(Kind):
    """For each class of clients the hard limit, the soft limit, and the seconds above the soft limit.

    A new value changes only the classes that it names.
    """

    title = "limits"
    many_words = True
    classes: Final = ("normal", "slave", "pubsub")

    def describe(self) -> str:
        return "class (normal, replica, pubsub), hard limit, soft limit, seconds"

    def parse(self, words: list[str], current: str) -> str:
        if len(words) % 4:
            raise BadValueError("Wrong number of arguments in buffer limit configuration.")
        limits = self.by_class(current)
        for at in range(0, len(words), 4):
            name = words[at].lower()
            name = "slave" if name == "replica" else name
            if name not in self.classes:
                raise BadValueError("Invalid client class specified in buffer limit configuration.")
            hard, soft, seconds = (
                parse_memory(words[at + 1]),
                parse_memory(words[at + 2]),
                loose_integer(words[at + 3]),
            )
            if hard is None or soft is None or seconds is None or _int32(seconds) < 0:
                raise BadValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            limits[name] = (hard, soft, _int32(seconds))
        return " ".join(f"{name} {limits[name][0]} {limits[name][1]} {limits[name][2]}" for name in self.classes)

    @staticmethod
    def by_class(value: str) -> dict[str, tuple[int, int, int]]:
        """The limits of a canonical text, by class."""
        return dict(_limits_by_class(value))

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        limits, defaults = self.by_class(value), self.by_class(default)
        found: list[Line] = []
        for client_class in self.classes:
            hard, soft, seconds = limits[client_class]
            shown = "replica" if client_class == "slave" else client_class
            text = f"{name} {shown} {format_memory(hard)} {format_memory(soft)} {seconds}"
            found.append(Line(text, limits[client_class] != defaults[client_class]))
        return found


class OomScores(Kind):
    """Three adjustments of the kernel's out-of-memory score."""

    title = "three integers"
    many_words = True

    def parse(self, words: list[str], current: str) -> str:
        if len(words) != 3:
            raise BadValueError(WRONG_NUMBER)
        values = [loose_integer(word) for word in words]
        if any(value is None or not -2000 <= value <= 2000 for value in values):
            raise BadValueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return " ".join(str(value) for value in values)


class Percentiles(Kind):
    """Percentiles, or none."""

    title = "percentiles"
    many_words = True
    name: Final = "latency-tracking-info-percentiles"

    def describe(self) -> str:
        return "numbers from 0 to 100"

    def parse(self, words: list[str], current: str) -> str:
        return " ".join(self._one(word) for word in words) if words != [""] else ""

    def _one(self, word: str) -> str:
        if not re.fullmatch(r"[+-]?(0x[0-9a-f]+|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)", word, re.IGNORECASE):
            raise BadValueError(f"Invalid {self.name} parameters")
        try:
            value = float(int(word, 16)) if "x" in word.lower() else float(word)
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise BadValueError(f"Invalid {self.name} parameters")
        if not 0.0 <= value <= 100.0:
            raise BadValueError(f"{self.name} parameters should sit between [0.0,100.0]")
        return f"{value:f}".rstrip("0").rstrip(".")

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        return [Line(f"{name} {value or quote('')}", True)]


class Master(Kind):
    """The address of a primary, or nothing."""

    title = "host and port"
    many_words = True

    def parse(self, words: list[str], current: str) -> str:
        if len(words) != 2:
            raise BadValueError(WRONG_NUMBER)
        if words[0].lower() == "no" and words[1].lower() == "one":
            return ""
        port = loose_integer(words[1])
        if port is None or not 0 <= port <= 65535:
            raise BadValueError("Invalid master port")
        return f"{words[0]} {port}"

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        return [Line(f"{name} {value}", True)] if value else []
