"""The manifest of a multi-part append-only file: the list of the files that it consists of (Redis 7.2 aof.c).

A base file has the dataset of one moment. Incremental files have the commands that followed; a server appends to the
last one. When a rewrite has made a new base, what it replaces is history, until it is deleted::

    file appendonly.aof.2.base.rdb seq 2 type b
    file appendonly.aof.1.incr.aof seq 1 type h
    file appendonly.aof.2.incr.aof seq 2 type i

The names are those of files in the directory ``appenddirname``, where the manifest is too. This module reads and writes
no files. Names are text in which surrogate escapes stand for bytes that are not UTF-8, as in ``config/quoting.py``.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from pyredmem.base.numbers import INT64_MAX, INT64_MIN
from pyredmem.config.quoting import decode, encode, quote, split_words

BASE: Final = "b"
HISTORY: Final = "h"
INCREMENT: Final = "i"

#: A longer line is refused (bytes, with the line break).
MAX_LINE_BYTES: Final = 1024
#: A line has at least these words: ``file NAME seq NUMBER type LETTER``. Further pairs are for later versions.
_LEAST_WORDS: Final = 6

_BAD_FORMAT: Final = "Invalid AOF manifest file format"
#: What C's ``atoll`` reads of a word.
_NUMBER: Final = re.compile(r"[ \t-\r]*([+-]?[0-9]+)", re.ASCII)
#: A name with none of these, which is not empty, is written without quotes.
_NEEDS_QUOTES: Final = re.compile(r"[^!-~]|[\\\"']")


def manifest_name(appendfilename: str) -> str:
    """The name of the manifest of the append-only file that has this name."""
    return f"{appendfilename}.manifest"


class ManifestError(Exception):
    """A manifest that cannot be used: why, and the line where the reading ended.

    ``line`` is None where Redis does not show it: if the manifest is empty, or the line has no end.
    """

    def __init__(self, message: str, number: int, line: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.number = number
        self.line = line

    def log_entries(self) -> list[str]:
        """What Redis writes to its log before it ends. Each entry has a line break at its end, the first one two."""
        entries = ["\n*** FATAL AOF MANIFEST FILE ERROR ***\n"]
        if self.line is not None:
            entries += [f"Reading the manifest file, at line {self.number}\n", f">>> '{self.line}'\n"]
        return [*entries, f"{self.message}\n"]


class AofFile:
    """A file of a multi-part append-only file."""

    def __init__(self, name: str, seq: int, kind: str) -> None:
        self.name = name
        self.seq = seq
        self.kind = kind  # BASE, HISTORY or INCREMENT

    def text(self) -> str:
        """The line of the manifest."""
        # Redis does not quote a name because of a single quote, and cannot read the line then.
        name = quote(self.name) if not self.name or _NEEDS_QUOTES.search(self.name) else self.name
        return f"file {name} seq {self.seq} type {self.kind}\n"


class Manifest:
    """The files of an append-only file. At first there are none."""

    def __init__(self) -> None:
        self.base: AofFile | None = None
        self.history: list[AofFile] = []  # may be deleted
        self.increments: list[AofFile] = []  # the oldest first
        self._base_seq = 0  # of the last base that there was
        self._increment_seq = 0

    def is_empty(self) -> bool:
        """Whether there is nothing to load."""
        return self.base is None and not self.increments

    def files(self) -> list[AofFile]:
        """What has to be loaded, in this order."""
        return self.increments if self.base is None else [self.base, *self.increments]

    def text(self) -> bytes:
        """The content of the manifest's file."""
        first = [] if self.base is None else [self.base]
        return encode("".join([file.text() for file in [*first, *self.history, *self.increments]]))

    def copy(self) -> Manifest:
        """A manifest with the same files, which can be changed while this one is still valid."""
        other = Manifest()
        other.base = self.base
        other.history = self.history[:]
        other.increments = self.increments[:]
        other._base_seq = self._base_seq
        other._increment_seq = self._increment_seq
        return other

    def adopt_base(self, name: str) -> None:
        """Make a file the first base: the append-only file of a version before 7.0, which was a single file."""
        self._add(AofFile(name, 1, BASE))

    def next_base(self, appendfilename: str, is_rdb: bool) -> str:
        """Begin a new base, and return its name; the old one becomes history."""
        if self.base is not None:
            self.history.insert(0, AofFile(self.base.name, self.base.seq, HISTORY))
            self.base = None
        seq = self._base_seq + 1
        name = f"{appendfilename}.{seq}.base.{'rdb' if is_rdb else 'aof'}"
        self._add(AofFile(name, seq, BASE))
        return name

    def next_increment(self, appendfilename: str) -> str:
        """Begin a new incremental file, and return its name."""
        seq = self._increment_seq + 1
        name = f"{appendfilename}.{seq}.incr.aof"
        self._add(AofFile(name, seq, INCREMENT))
        return name

    def retire_increments(self, keeps_last: bool) -> None:
        """The incremental files become history; not the last one if ``keeps_last``: the server appends to it."""
        kept = len(self.increments) - 1 if keeps_last and self.increments else len(self.increments)
        retired = [AofFile(file.name, file.seq, HISTORY) for file in self.increments[:kept]]
        self.history = retired + self.history
        self.increments = self.increments[kept:]

    def drop_history(self) -> None:
        """Forget the files of the past."""
        self.history = []

    def _add(self, file: AofFile) -> str:
        """Add a file of any kind; returns why that is not possible, or nothing."""
        if file.kind == BASE:
            if self.base is not None:
                return "Found duplicate base file information"
            self.base = file
            self._base_seq = file.seq
        elif file.kind == HISTORY:
            self.history.append(file)
        elif file.kind == INCREMENT:
            if file.seq <= self._increment_seq:
                return "Found a non-monotonic sequence number"
            self.increments.append(file)
            self._increment_seq = file.seq
        else:
            return "Unknown AOF file type"
        return ""


def parse(data: bytes) -> Manifest:
    """The manifest that a file has. Raises ManifestError, with the messages of Redis."""
    manifest = Manifest()
    lines = _lines(data)
    if not lines:
        raise ManifestError("Found an empty AOF manifest", 0, None)
    for number, line in enumerate(lines, 1):
        if line.startswith(b"#"):
            continue
        if b"\n" not in line.partition(b"\0")[0]:
            raise ManifestError("The AOF manifest file contains too long line", number, None)
        text = decode(line.strip(b" \t\r\n"))
        file, message = _parse_line(text)
        if file is not None:
            message = manifest._add(file)
        if message:
            raise ManifestError(message, number, text)
    return manifest


def _lines(data: bytes) -> list[bytes]:
    """The lines, with their line breaks; the rest of a line that is too long is another one, as for C's ``fgets``."""
    lines: list[bytes] = []
    stream = BytesIO(data)
    while line := stream.readline(MAX_LINE_BYTES):
        lines.append(line)
    return lines


def _parse_line(line: str) -> tuple[AofFile | None, str]:
    """The file that a line names, or what is wrong."""
    words = split_words(line)
    if words is None or len(words) < _LEAST_WORDS or len(words) % 2:
        return None, _BAD_FORMAT
    name: str | None = None
    seq = 0
    kind = ""
    values = [word.partition("\0")[0] for word in words]  # as Redis reads them
    for at in range(0, len(values), 2):
        key, value = values[at].lower(), values[at + 1]
        if key == "file":
            if "/" in value or "\\" in value:
                return None, "File can't be a path, just a filename"
            name = value
        elif key == "seq":
            seq = _number(value)
        elif key == "type":
            kind = value[:1]
    if name is None or seq == 0 or not kind:
        return None, _BAD_FORMAT
    return AofFile(name, seq, kind), ""


def _number(word: str) -> int:
    found = _NUMBER.match(word)
    return max(INT64_MIN, min(INT64_MAX, int(found.group(1)))) if found is not None else 0
