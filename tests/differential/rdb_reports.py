"""Reports of check-rdb in a form that can be compared, and the table of known differences."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pyredmem.rdb.text import readable

_ERROR = "--- RDB ERROR DETECTED ---"
_NO_TYPE = "[additional info] Reading type 0 (string)"
_READING = {"read-key", "read-object-value"}
#: Lines that only some tools print, or that say nothing of the file: of the log, of Valkey, ours.
_LEFT_OUT = re.compile(
    r"\d+:[CM] |\[advice\] |\[offset \d+\] (Check RDB returned error code|Foreign RDB version|Future RDB version)"
)
_COUNT = re.compile(r"\[info\] (\d+) (keys read|expires|already expired|subexpires)")
#: What follows a zero byte in a name is not printed by a program in C.
_AFTER_ZERO = re.compile(r"\\x00.*?( = '|'$)")
#: Redis's reasons, with lines of its source, why a value is invalid. For us it is invalid, or too short.
_REASONS = re.compile(r"\[offset (\d+)\] (Internal error in RDB reading|Failed loading library|Invalid data).*")
#: What one of the judges does not know: versions of files, types of values, and the record of a slot.
_NEWER = re.compile(r"RDB format version 1[12]$|Invalid object type: (2[01245]|244)$|Unknown object type 2[45] ")


@dataclass(frozen=True)
class Report:
    """What a tool says of a file."""

    status: int
    lines: tuple[str, ...]  # about the file, before an error
    error: tuple[str, ...]  # with what was being read
    counts: dict[str, int]

    @classmethod
    def of(cls, status: int, output: bytes | list[str]) -> Report:
        """Read the output of a real tool, or our lines."""
        lines = output if isinstance(output, list) else _lines(output)
        lines = [_AFTER_ZERO.sub(r"\1", line) for line in lines if not _LEFT_OUT.match(line)]
        found = [_COUNT.fullmatch(line) for line in lines]
        counts = {match[2]: int(match[1]) for match in found if match is not None}
        lines = [line for line in lines if not line.startswith("[info]")]
        at = lines.index(_ERROR) if _ERROR in lines else len(lines)
        return cls(status, tuple(lines[:at]), tuple(_without_false_type(lines[at + 1 :])), counts)

    @property
    def message(self) -> str:
        """What the error is, with its offset; empty if there is none."""
        return self.error[0] if self.error else ""

    @property
    def offset(self) -> int:
        """Where the error is, or the end of the file."""
        last = self.error[0] if self.error else self.lines[-1]
        return int(last.split("]")[0].removeprefix("[offset "))

    @property
    def doing(self) -> str:
        return self.error[1].rpartition(" ")[2] if self.error else ""

    def differences(self, other: Report) -> list[str]:
        """The fields that differ. Counts that one of the two does not have are not compared."""
        shared = self.counts.keys() & other.counts.keys()
        pairs = {
            "status": (self.status, other.status),
            "lines": (self.lines, other.lines),
            "error": (self.error, other.error),
            "counts": ({name: self.counts[name] for name in shared}, {name: other.counts[name] for name in shared}),
        }
        return [f"{name}:\n  {one}\n  {two}" for name, (one, two) in pairs.items() if one != two]


def _lines(output: bytes) -> list[str]:
    """The lines of a real tool. A name may have line breaks in it."""
    lines: list[str] = []
    for line in [readable(line) for line in output.removesuffix(b"\n").split(b"\n")]:
        if re.match(r"\[(offset|info|additional)|---|\d+:[CM] ", line) or not lines:
            lines.append(line)
        else:
            lines[-1] += rf"\n{line}"
    return lines


def _without_false_type(error: list[str]) -> list[str]:
    """Before it has read a type, Redis names that of number 0. Valkey does not, neither do we."""
    doing = error[1].rpartition(" ")[2] if len(error) > 1 else ""
    return [line for line in error if doing in _READING or line != _NO_TYPE]


@dataclass(frozen=True)
class Known:
    """A known difference: why the reports differ, and a function that recognizes it."""

    reason: str
    applies: Callable[[Report, Report], bool]


def _same_place(theirs: Report, ours: Report) -> bool:
    return theirs.lines == ours.lines and theirs.error[1:] == ours.error[1:] and theirs.offset == ours.offset


def _other_words(theirs: Report, ours: Report) -> bool:
    words = _REASONS.match(theirs.message) or _REASONS.match(ours.message)
    return words is not None and _same_place(_without_type_name(theirs), _without_type_name(ours))


def _no_name(theirs: Report, ours: Report) -> bool:
    return not _without_type_name(theirs).differences(_without_type_name(ours))


def _without_type_name(report: Report) -> Report:
    return Report(report.status, report.lines, tuple([line.partition(" (")[0] for line in report.error]), report.counts)


def _elsewhere_in_the_value(theirs: Report, ours: Report) -> bool:
    if theirs.doing != "read-object-value" or _REASONS.match(theirs.message) is None:
        return False
    theirs, ours = _without_type_name(theirs), _without_type_name(ours)
    return theirs.lines == ours.lines and theirs.error[1:] == ours.error[1:]


def _stricter(theirs: Report, ours: Report) -> bool:
    if re.match(r"\[offset \d+\] Invalid (data|object type)", ours.message) is None:
        return False
    return theirs.status == 1 and ours.offset <= theirs.offset and theirs.lines[: len(ours.lines)] == ours.lines


def _times_out_of_order(theirs: Report, ours: Report) -> bool:
    found = "Hash listpack integrity check failed" in theirs.message and "(hash-listpack-md)" in theirs.error[-1]
    return found and ours.doing == "check-sum"


def _newer(theirs: Report, ours: Report) -> bool:
    return _NEWER.search(theirs.message) is not None and ours.offset >= theirs.offset


def _version(theirs: Report, ours: Report) -> bool:
    return ours.doing == "start" and "Can't handle RDB format version" in ours.message


def _module_field(theirs: Report, ours: Report) -> bool:
    same = (theirs.status, theirs.error) == (ours.status, ours.error)
    return same and _without_offsets_of_modules(theirs) == _without_offsets_of_modules(ours)


def _without_offsets_of_modules(report: Report) -> list[str]:
    return [re.sub(r"\[offset \d+\] MODULE AUX", "MODULE AUX", line) for line in report.lines]


MODULE_FIELD = Known("Redis names the field of a module before it has read it, we do so afterwards", _module_field)
KNOWN = (
    MODULE_FIELD,
    Known("Redis 7.0 has no names for the types of streams", _no_name),
    Known("Redis names the line of its source and a reason; a value is invalid, or too short, for us", _other_words),
    Known(
        "Redis compares the parts of a value in another order, so it finds another error of it first",
        _elsewhere_in_the_value,
    ),
    Known("Redis takes a length that is none for a number, scores that are none, and more", _stricter),
    Known(
        "we do not need the order of the times in a listpack of a hash; the checksum is wrong then", _times_out_of_order
    ),
    Known("the judge does not know what newer versions, or the other product, write", _newer),
    Known("Redis reads the version up to the first character that is no digit", _version),
)


def difference(theirs: Report, ours: Report) -> tuple[str, str]:
    """The difference between two reports, and the known reason for it; both are empty if there is none."""
    differing = theirs.differences(ours)
    if not differing:
        return "", ""
    reasons = [known.reason for known in KNOWN if known.applies(theirs, ours)]
    return "\n".join(differing), reasons[0] if reasons else ""
