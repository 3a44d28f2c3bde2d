"""Checks an append-only file: ``pyredmem check-aof FILE`` prints what redis-check-aof prints, and advice.

FILE is a manifest, with the files that it names beside it, or a single file as servers before 7.0 wrote it. A file that
begins like an RDB file is checked by `rdb/check.py` as far as that goes. The others are read command by command, so
memory has to suffice for the largest command only. Lines that begin with ``[advice]`` are not Redis's.
"""

import io
import os
import sys
from collections.abc import Callable
from typing import Final

from pyredmem.base.clock import SystemClock
from pyredmem.base.files import Files, ReadableFile
from pyredmem.base.numbers import INT64_MAX, INT64_MIN
from pyredmem.config.quoting import encode
from pyredmem.host.files import SystemFiles
from pyredmem.persistence.aof_manifest import MAX_LINE_BYTES, AofFile, Manifest, ManifestError, parse
from pyredmem.persistence.aof_reader import CommandBuffer, number_of
from pyredmem.rdb.aof_advice import Damage, before_fixing, of_damage, of_torn_annotation
from pyredmem.rdb.aof_scan import BadAnnotationError, Scan
from pyredmem.rdb.check import OK as RDB_OK
from pyredmem.rdb.check import Check, headline
from pyredmem.rdb.text import readable

OK: Final = 0
FAILED: Final = 1

USAGE: Final = "Usage: {program} check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"

#: A file with fewer bytes does not begin like an RDB file.
_RDB_BYTES: Final = 8
_IF_YOU_INSIST: Final = (
    "If you insist, please delete all files after this file according to the manifest file and delete the "
    "corresponding records in manifest file manually. Then re-run redis-check-aof."
)
_QUESTION: Final = "Continue? [y/N]: "


class _InvalidError(Exception):
    """The check ends here; why has been written. ``advice`` follows."""

    def __init__(self, advice: list[str] | None = None) -> None:
        super().__init__()
        self.advice = advice or []


class Request:
    """What the arguments ask for."""

    def __init__(self, path: str, fixes: bool = False, until: int = 0) -> None:
        self.path = path
        self.fixes = fixes
        self.until = until  # unix seconds, 0 if there is no limit


class Surroundings:
    """What a check uses: files, the time, where its lines go, and how it truncates a file and asks a question."""

    def __init__(
        self,
        files: Files,
        now_ms: int,
        write: Callable[[str], object],
        truncate: Callable[[str, int], None],
        ask: Callable[[str], str],
    ) -> None:
        self.files = files
        self.now_ms = now_ms
        self.write = write
        self.truncate = truncate
        self.ask = ask


def run(arguments: list[str], program: str) -> int:
    """Check what the arguments name, and print the report; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # or any characters, of which the terminal has not all
    request = parse_arguments(arguments)
    if isinstance(request, str):
        print(request or USAGE.format(program=program))
        return FAILED
    return check(request, Surroundings(SystemFiles(), SystemClock().now_us() // 1000, _print, os.truncate, _ask))


def _print(line: str) -> None:
    print(readable(encode(line)))  # names may have any bytes


def _ask(question: str) -> str:
    print(question, end="", flush=True)
    return sys.stdin.readline()


def parse_arguments(arguments: list[str]) -> Request | str:
    """What the arguments ask for; otherwise a message, which is empty if they are to be explained."""
    match arguments:
        case ["-h" | "--help"]:
            return ""
        case [path]:
            return Request(path)
        case ["--fix", path]:
            return Request(path, fixes=True)
        case ["--truncate-to-timestamp", text, path]:
            time, end = number_of(encode(text))
            if end != len(encode(text)) or time in {INT64_MIN, INT64_MAX}:
                return "Invalid timestamp, aborting..."
            return Request(path, until=time)
    return ""


def check(request: Request, surroundings: Surroundings) -> int:
    """Check an append-only file, and write the report line by line; returns the exit status."""
    try:
        advice = AofCheck(request, surroundings).run()
        status = OK
    except _InvalidError as error:
        advice = error.advice
        status = FAILED
    except OSError as error:
        surroundings.write(f"Cannot read file: {error.strerror}")
        return FAILED
    for line in advice:
        surroundings.write(f"[advice] {line}")
    return status


class AofCheck:
    """One check of an append-only file, which may have several files."""

    def __init__(self, request: Request, surroundings: Surroundings) -> None:
        self._request = request
        self._files = surroundings.files
        self._surroundings = surroundings
        self._write = surroundings.write
        self._lines = 1  # that were read, of all files, and the one that comes next
        self._advice: list[str] = []

    def run(self) -> list[str]:
        """Check all files; returns advice. Raises _InvalidError when it cannot go on, and OSError."""
        path = self._request.path
        if self._is_manifest(path):
            self._write("Start checking Multi Part AOF")
            self._check_files(self._load_manifest(path), os.path.dirname(path) or ".")
            self._write("All AOF files and manifest are valid")
        else:
            begins_as_rdb = self._begins_as_rdb(path)
            self._write("Start checking Old-Style AOF")
            self._write(self._check_file(path, path, "AOF", begins_as_rdb, is_last=True))
        return self._advice

    def _open(self, path: str, ending: str = "") -> ReadableFile:
        try:
            return self._files.open(path)
        except OSError as error:
            self._write(f"Cannot open file {path}: {error.strerror}{ending}")
            raise _InvalidError from None

    def _is_manifest(self, path: str) -> bool:
        """Whether the first line that is no comment is that of a manifest."""
        file = self._open(path)
        try:
            buffer = CommandBuffer(file)
            while (line := buffer.line(MAX_LINE_BYTES)).startswith(b"#"):
                pass
            return line.startswith(b"file")
        finally:
            file.close()

    def _begins_as_rdb(self, path: str) -> bool:
        file = self._open(path)
        try:
            return file.size() >= _RDB_BYTES and CommandBuffer(file).raw(_RDB_BYTES).startswith((b"REDIS", b"VALKEY"))
        finally:
            file.close()

    def _load_manifest(self, path: str) -> Manifest:
        file = self._open(path)
        try:
            return parse(CommandBuffer(file).raw(file.size()))
        except ManifestError as error:
            for entry in error.log_entries():
                self._write(entry.strip("\n"))
            raise _InvalidError from None
        finally:
            file.close()

    def _check_files(self, manifest: Manifest, directory: str) -> None:
        last = manifest.files()[-1:]
        if manifest.base is not None:
            begins_as_rdb = self._begins_as_rdb(f"{directory}/{manifest.base.name}")
            self._write(f"Start to check BASE AOF ({'RDB' if begins_as_rdb else 'RESP'} format).")
            self._check_part(manifest.base, directory, "BASE AOF", begins_as_rdb, manifest.base in last)
        if manifest.increments:
            self._write("Start to check INCR files.")
        for file in manifest.increments:
            self._check_part(file, directory, "INCR AOF", False, file in last)

    def _check_part(self, file: AofFile, directory: str, kind: str, begins_as_rdb: bool, is_last: bool) -> None:
        self._write(self._check_file(file.name, f"{directory}/{file.name}", kind, begins_as_rdb, is_last))

    def _check_file(self, name: str, path: str, kind: str, begins_as_rdb: bool, is_last: bool) -> str:
        """Check one file; returns the line about it at the end."""
        file = self._open(path, ", aborting...")
        try:
            if file.size() == 0:
                return f"{kind} {name} is empty"
            buffer = self._check_preamble(file, path) if begins_as_rdb else CommandBuffer(file)
            scan = Scan(buffer, path, self._lines, self._request.until)
            self._scan(scan)
            self._lines = scan.lines
            if scan.later >= 0:
                return self._truncate_to_time(scan, name, path, is_last)
            return self._judge(scan, name, path, file.size(), is_last) or f"{kind} {name} is valid"
        finally:
            file.close()

    def _check_preamble(self, file: ReadableFile, path: str) -> CommandBuffer:
        """Check the part that is like an RDB file; returns what follows."""
        self._write(headline(path))
        rdb = Check(path, file, self._surroundings.now_ms, self._write)
        if rdb.run() != RDB_OK:
            self._write("RDB preamble of AOF file is not sane, aborting.")
            raise _InvalidError(rdb.advice)
        self._write("RDB preamble is OK, proceeding with AOF tail...")
        return rdb.commands()

    def _scan(self, scan: Scan) -> None:
        try:
            scan.run()
        except BadAnnotationError:
            self._write("Invalid timestamp annotation")
            raise _InvalidError from None

    def _truncate_to_time(self, scan: Scan, name: str, path: str, is_last: bool) -> str:
        until, offset = self._request.until, scan.later
        if offset == 0:
            self._write(f"AOF {path} has nothing before timestamp {until}, aborting...")
            raise _InvalidError
        if not is_last:
            to = f"to timestamp {until} to offset {offset}"
            self._write(f"Failed to truncate AOF {path} {to} because it is not the last file.")
            self._write(_IF_YOU_INSIST)
            raise _InvalidError
        self._truncate(path, offset, f"Failed to truncate AOF {path} to timestamp {until}")
        return f"Successfully truncated AOF {name} to timestamp {until}"

    def _judge(self, scan: Scan, name: str, path: str, size: int, is_last: bool) -> str:
        """Say what is whole, and repair the file if that is asked for; returns the line about a repair."""
        if scan.is_no_command:
            self._write(f"AOF {name} format error")
        if scan.error:
            self._write(scan.error)
        left = size - scan.ok_up_to
        if left == 0 and self._request.until:
            self._write(f"Truncate nothing in AOF {name} to timestamp {self._request.until}")
            return ""
        places = f"ok_up_to={scan.ok_up_to}, ok_up_to_line={scan.lines}, diff={left}"
        self._write(f"AOF analyzed: filename={name}, size={size}, {places}")
        if left > 0:
            return self._repair(scan, name, path, size, is_last)
        if scan.torn_annotation >= 0:
            self._advice += of_torn_annotation(path, scan.torn_annotation)
        return ""

    def _repair(self, scan: Scan, name: str, path: str, size: int, is_last: bool) -> str:
        damage = Damage(
            path=path,
            commands=scan.commands,
            ok_up_to=scan.ok_up_to,
            ends_early=scan.ends_early,
            in_transaction=scan.is_in_transaction(),
            further=scan.find_further_commands(),
            is_last=is_last,
        )
        if not self._request.fixes:
            self._write(f"AOF {name} is not valid. Use the --fix option to try fixing it.")
            raise _InvalidError(of_damage(damage) + (before_fixing(damage) if is_last else []))
        if not is_last:
            self._write(f"Failed to truncate AOF {name} because it is not the last file")
            raise _InvalidError(of_damage(damage))
        left = size - scan.ok_up_to
        self._write(f"This will shrink the AOF {name} from {size} bytes, with {left} bytes, to {scan.ok_up_to} bytes")
        for line in of_damage(damage):  # before the question, since afterwards it is too late
            self._write(f"[advice] {line}")
        if not self._surroundings.ask(_QUESTION).lower().startswith("y"):
            self._write("Aborting...")
            raise _InvalidError
        self._truncate(path, scan.ok_up_to, f"Failed to truncate AOF {name}")
        return f"Successfully truncated AOF {name}"

    def _truncate(self, path: str, size: int, message: str) -> None:
        try:
            self._surroundings.truncate(path, size)
        except OSError:
            self._write(message)
            raise _InvalidError from None
