"""The kinds of settings: how a value is read, how it is shown, how it is written to a file.

A value is stored as its canonical text, which CONFIG GET prints, so code that saves, compares, shows or restores a
setting need not know its kind. `parse` turns the words that were typed into that text, or raises `BadValueError` with
Redis's message. `number` turns the canonical text into an integer, for the kinds that have one. `lines` returns what
CONFIG REWRITE writes to the file.

Nothing in this module depends on which settings exist.
"""

from __future__ import annotations

import re
from typing import Final

from pyredmem.config.quoting import quote

LONG_MAX: Final = 2**63 - 1
UNSIGNED_LONG_MAX: Final = 2**64 - 1
INT_MAX: Final = 2**31 - 1
INT_MIN: Final = -(2**31)
UNSIGNED_INT_MAX: Final = 2**32 - 1

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")  # more digits do not fit 64 bits
_LOOSE_INTEGER: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]+)")
_OCTAL: Final = re.compile(r"[+-]?[0-7]+")
_MEMORY: Final = re.compile(r"([0-9]{0,127})(b|k|kb|m|mb|g|gb)?", re.IGNORECASE)
_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1024,
    "m": 1000**2,
    "mb": 1024**2,
    "g": 1000**3,
    "gb": 1024**3,
}


class BadValueError(Exception):
    """A value that its kind does not accept. The text is Redis's message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Line:
    """One line for CONFIG REWRITE. With `force` it is added even if the file had no line for the setting."""

    def __init__(self, text: str, force: bool) -> None:
        self.text = text
        self.force = force


def parse_integer(text: str) -> int | None:
    """The signed 64-bit integer whose canonical text is `text`; None if there is none."""
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -LONG_MAX - 1 <= value <= LONG_MAX else None


def parse_memory(text: str) -> int | None:
    """The bytes of "100mb", "1k" (1000), "1kb" (1024). As in Redis, no digits are 0, and the result wraps at 64 bits.

    More digits than fit in Redis's buffer are refused.
    """
    match = _MEMORY.fullmatch(text)
    if match is None:
        return None
    digits, unit = match.group(1), match.group(2) or ""
    return min(int(digits or "0"), UNSIGNED_LONG_MAX) * _UNITS[unit.lower()] & UNSIGNED_LONG_MAX


def format_memory(size: int) -> str:
    """`size` with the largest unit that divides it, as CONFIG REWRITE writes it."""
    for unit in ("gb", "mb", "kb"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def loose_integer(text: str) -> int | None:
    """The integer that C's strtoll reads, with leading blanks, sign and zeros; None if anything follows the digits.

    A number that does not fit in 64 bits becomes the nearest one that does.
    """
    found = _LOOSE_INTEGER.fullmatch(text)
    if found is None:
        return None
    sign, digits = found.groups()
    magnitude = int(digits) if len(digits) < 20 else UNSIGNED_LONG_MAX  # Python refuses thousands of digits
    return max(-magnitude, -LONG_MAX - 1) if sign == "-" else min(magnitude, LONG_MAX)


class Kind:
    """One kind of setting. Subclasses define how words become the canonical text."""

    title: str = "text"
    many_words: bool = False  # CONFIG SET splits its argument at spaces
    has_number: bool = False  # `number` can be called

    def describe(self) -> str:
        """The values for the documentation: bounds or choices."""
        return self.title

    def parse(self, words: list[str], current: str) -> str:
        """The canonical text of `words`. Some kinds change only a part of `current`, the present value."""
        raise NotImplementedError

    def extend(self, words: list[str], current: str, first: bool) -> str:
        """As `parse`, for a line of a file. `first` is false if an earlier line set the same setting."""
        return self.parse(words, current)

    def number(self, text: str) -> int:
        """The integer of a canonical text."""
        raise AssertionError(f"a {self.title} setting has no number: {text!r}")

    def shown(self, value: str) -> str:
        """The text for CONFIG GET."""
        return value

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        """The lines for CONFIG REWRITE to write; without any, existing lines are removed."""
        return [Line(f"{name} {value}", value != default)]


class YesNo(Kind):
    """A switch."""

    title = "yes/no"
    has_number = True

    def parse(self, words: list[str], current: str) -> str:
        text = words[0].lower()
        if text not in {"yes", "no"}:
            raise BadValueError("argument must be 'yes' or 'no'")
        return text

    def number(self, text: str) -> int:
        return int(text == "yes")


class Integer(Kind):
    """An integer within bounds. `clamp` narrows it further without an error, as Redis does for `hz`."""

    title = "integer"
    has_number = True
    parse_error = "argument couldn't be parsed into an integer"

    def __init__(self, low: int, high: int, clamp: tuple[int, int] | None = None) -> None:
        self.low = low
        self.high = high
        self.clamp = clamp

    def describe(self) -> str:
        low, high = self.clamp or (self.low, self.high)
        return f"{self.title}, {_bounds(low, high)}"

    def parse(self, words: list[str], current: str) -> str:
        value = self.read(words[0])
        if value is None:
            raise BadValueError(self.parse_error)
        self.check(value)
        if self.clamp is not None:
            value = max(self.clamp[0], min(value, self.clamp[1]))
        return self.show(value)

    def read(self, text: str) -> int | None:
        """The number that was typed, None if it is not one."""
        return parse_integer(text)

    def check(self, value: int) -> None:
        """Refuse a number out of bounds."""
        # In C a negative number given to an unsigned setting is a huge one, which is out of bounds as well, so one
        # comparison is enough.
        if not self.low <= value <= self.high:
            raise BadValueError(f"argument must be between {self.show(self.low)} and {self.show(self.high)} inclusive")

    def show(self, value: int) -> str:
        """The text of the number."""
        return str(value)

    def number(self, text: str) -> int:
        return int(text)


class Octal(Integer):
    """File permissions."""

    title = "octal number"
    parse_error = "argument couldn't be parsed as an octal number"

    def describe(self) -> str:
        return f"{self.title}, {self.low:o} to {self.high:o}"

    def read(self, text: str) -> int | None:
        return int(text, 8) if _OCTAL.fullmatch(text) else None

    def show(self, value: int) -> str:
        return f"{value:o}"

    def number(self, text: str) -> int:
        return int(text, 8)


class Memory(Integer):
    """A number of bytes, typed with or without a unit."""

    title = "memory size"
    parse_error = "argument must be a memory value"

    def read(self, text: str) -> int | None:
        value = parse_memory(text)
        if value is None or self.high > LONG_MAX:
            return value
        return value if value <= LONG_MAX else value - 2**64

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        return [Line(f"{name} {format_memory(int(value))}", value != default)]


class MemoryOrPercent(Memory):
    """A number of bytes, or a percentage of `maxmemory`: "5%" is the number -5."""

    title = "memory size or percentage"
    parse_error = "argument must be a memory or percent value"

    def describe(self) -> str:
        return f"{self.title} of maxmemory"

    def read(self, text: str) -> int | None:
        value = super().read(text)
        if value is not None or not text.endswith("%"):
            return value
        percent = parse_integer(text[:-1])
        return -percent if percent is not None and percent >= 0 else None

    def check(self, value: int) -> None:
        if value < self.low:
            raise BadValueError(f"percentage argument must be less or equal to {-self.low}")
        super().check(value)

    def show(self, value: int) -> str:
        return f"{-value}%" if value < 0 else str(value)

    def number(self, text: str) -> int:
        return -int(text[:-1]) if text.endswith("%") else int(text)

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        if value.endswith("%"):
            return [Line(f"{name} {value}", value != default)]
        return super().lines(name, value, default)


class Choice(Kind):
    """One word of a list. `synonyms` maps a word to the one that it stands for and is shown as."""

    title = "choice"

    def __init__(self, *choices: str, synonyms: tuple[tuple[str, str], ...] = ()) -> None:
        self.choices = choices
        self.synonyms = dict(synonyms)

    def describe(self) -> str:
        return "one of " + ", ".join(self.choices)

    def refused(self) -> BadValueError:
        """The error that lists the choices."""
        return BadValueError("argument(s) must be one of the following: " + ", ".join(self.choices))

    def parse(self, words: list[str], current: str) -> str:
        word = words[0].lower()
        if word not in self.choices:
            raise self.refused()
        return self.synonyms.get(word, word)


class ChoiceSet(Choice):
    """Several words of a list, of which the first one means none. Those in `exclusive` cannot be combined."""

    title = "choices"
    many_words = True

    def __init__(self, *choices: str, exclusive: tuple[str, str] | None = None, conflict: str = "") -> None:
        super().__init__(*choices)
        self.exclusive = exclusive
        self.conflict = conflict

    def describe(self) -> str:
        return "any of " + ", ".join(self.choices)

    def parse(self, words: list[str], current: str) -> str:
        chosen = {word.lower() for word in words}
        if not chosen or not chosen.issubset(self.choices):
            raise self.refused()
        if self.exclusive is not None and chosen.issuperset(self.exclusive):
            raise BadValueError(self.conflict)
        return " ".join(choice for choice in self.choices[1:] if choice in chosen) or self.choices[0]


class Text(Kind):
    """Free text. If `optional`, an empty text means that the setting is not set, and a rewritten file has no line."""

    def __init__(self, optional: bool = False) -> None:
        self.optional = optional

    def parse(self, words: list[str], current: str) -> str:
        self.check(words[0])
        return words[0]

    def check(self, text: str) -> None:
        """Refuse a text. Here none is refused."""

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        if self.optional and not value:
            return []
        return [Line(f"{name} {quote(value)}", value != default)]


class FileName(Text):
    """The name of a file or directory without a path."""

    title = "file name"

    def __init__(self, name: str, what: str, may_be_empty: bool) -> None:
        super().__init__()
        self.name = name
        self.what = what
        self.may_be_empty = may_be_empty

    def check(self, text: str) -> None:
        if not text and not self.may_be_empty:
            raise BadValueError(f"{self.name} can't be empty")
        if "/" in text:
            raise BadValueError(f"{self.name} can't be a path, just a {self.what}")


class HostName(Text):
    """A name announced to other nodes."""

    title = "host name"

    def check(self, text: str) -> None:
        if len(text.encode("utf-8", "surrogateescape")) >= 256:
            raise BadValueError("Hostnames must be less than 256 characters")
        if not re.fullmatch(r"[A-Za-z0-9.-]*", text):
            raise BadValueError("Hostnames may only contain alphanumeric characters, hyphens or dots")


class NodeName(Text):
    """A name for people to read, without blanks and without the characters that nodes.conf uses."""

    title = "node name"

    def check(self, text: str) -> None:
        if re.search(r"[^!#$%&()*+./0-9:;<>?@A-Z\[\]^a-z{|}~_-]", text):
            raise BadValueError("Announced human node name contained invalid character")


class TitleTemplate(Text):
    """The process title, with {variables}."""

    title = "template"
    variables: Final = (
        "title",
        "listen-addr",
        "server-mode",
        "port",
        "tls-port",
        "unixsocket",
        "config-file",
    )

    def check(self, text: str) -> None:
        # Redis tries a template with an empty {title}, so one of titles only is empty. {{ stands for a brace.
        names = "|".join(self.variables)
        rest = re.sub(rf"\{{\{{|\{{({names})\}}", lambda found: "" if found[1] == "title" else "x", text)
        if not rest.strip() or "{" in rest:
            raise BadValueError("template format is invalid or contains unknown variables")


class Directory(Text):
    """The working directory. A rewritten file always has a line for it."""

    title = "directory"

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        return [Line(f"{name} {quote(value)}", True)]


class EventClasses(Kind):
    """Letters for the classes of keyspace events. `A` stands for all except misses and new keys."""

    title = "event classes"
    ALL: Final = "g$lshzxetd"

    def describe(self) -> str:
        return "letters of Ag$lshzxeKEtmdn"

    def parse(self, words: list[str], current: str) -> str:
        given = set(words[0].replace("A", self.ALL))
        if not given.issubset(self.ALL + "nKEm"):
            raise BadValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        classes = "A" if given.issuperset(self.ALL) else "".join(c for c in self.ALL if c in given)
        return classes + "".join(c for c in "nKEm" if c in given)

    def shown(self, value: str) -> str:
        """If all classes are on, Redis prints `A` and leaves `n` out, which stays on."""
        return value.replace("An", "A")

    def lines(self, name: str, value: str, default: str) -> list[Line]:
        return [Line(f"{name} {quote(self.shown(value))}", value != "")]


def _bounds(low: int, high: int) -> str:
    """The bounds for the documentation. The limits of a C type are not mentioned."""
    if high in {INT_MAX, LONG_MAX, UNSIGNED_INT_MAX, UNSIGNED_LONG_MAX}:
        return "any" if low in {INT_MIN, -LONG_MAX - 1} else f"{low} or more"
    return f"{low} to {high}"
