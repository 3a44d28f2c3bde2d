"""Reports of check-aof in a form that can be compared, and the places where they may differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyredmem.rdb.text import readable
from tests.differential import rdb_reports

#: The time that a server writes before a line of its log, and with it before what is wrong with a manifest.
_LOG = re.compile(rb"\d+:[CM] \S+ \S+ \S+ \S+ [#*] ")
#: What only the newer tools say, or only we.
_LEFT_OUT = re.compile(rb"\[advice\] |Cleaning slot migration log|$")
#: If a line ends too early, a tool shows a byte of what was in its memory.
_AFTER_THE_LINE = re.compile(r"(Expected \\r\\n, got: 00)(ffffff)?..$")
#: Redis 7.0 names the file without its directory there.
_CHECKING = re.compile(rb"(\[offset 0\] Checking RDB file ).*/")
#: The part about what is like an RDB file begins with the first of these lines, and one of the others follows it. The
#: last one is missing, since the tools end at once, if a value cannot be read.
_RDB = b"[offset 0] Checking RDB file "
_RDB_IS_SANE = b"RDB preamble is OK, proceeding with AOF tail..."
_RDB_IS_NOT_SANE = b"RDB preamble of AOF file is not sane, aborting."


@dataclass(frozen=True)
class AofReport:
    """What a tool says of an append-only file."""

    status: int
    lines: tuple[str, ...]
    rdb: rdb_reports.Report | None  # of the part that is like an RDB file

    @classmethod
    def of(cls, status: int, output: bytes) -> AofReport:
        """Read the output of a tool, or ours."""
        text = output.replace(b"got: '\n'", rb"got: '\n'")  # the line break is a byte of the file
        lines = [_LOG.sub(b"", line) for line in text.split(b"\n")]
        lines = [_CHECKING.sub(rb"\1", line) for line in lines if not _LEFT_OUT.match(line)]
        starts = [at for at, line in enumerate(lines) if line.startswith(_RDB)]
        if not starts:
            return cls(status, _shown(lines), None)
        is_sane = _RDB_IS_SANE in lines
        end = lines.index(_RDB_IS_SANE) if is_sane else len(lines)
        about_rdb = [line for line in lines[starts[0] : end] if line != _RDB_IS_NOT_SANE]
        rdb = rdb_reports.Report.of(0 if is_sane else 1, b"\n".join(about_rdb))
        return cls(status, _shown(lines[: starts[0]] + lines[end:]), rdb)

    def _is_of_a_manifest_that_is_none(self) -> bool:
        """Redis 7.0 takes a file for a manifest if any of its lines begins like one, and not only the first."""
        return self.status == 1 and "*** FATAL AOF MANIFEST FILE ERROR ***" in self.lines

    def difference(self, other: AofReport) -> str:
        """How this one, of a tool, differs from ours; empty if it does not, or only as reports of check-rdb may."""
        if self._is_of_a_manifest_that_is_none() and other.lines[:1] == ("Start checking Old-Style AOF",):
            return ""
        if self.rdb is not None and other.rdb is not None:
            found, reason = rdb_reports.difference(self.rdb, other.rdb)
            if found and not reason:
                return found
            if self.rdb.status != other.rdb.status:  # for a known reason; only one of the two goes on after it
                return ""
        if (self.status, self.lines, self.rdb is None) != (other.status, other.lines, other.rdb is None):
            return f"{self.status} {self.lines}\n{other.status} {other.lines}"
        return ""


def _shown(lines: list[bytes]) -> tuple[str, ...]:
    return tuple([_AFTER_THE_LINE.sub(r"\1..", readable(line)) for line in lines])
