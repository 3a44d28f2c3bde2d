"""``pyredmem rdb COMMAND FILE`` says what is in an RDB file, without a server.

The file is read record by record, and one value at a time is built, so memory has to suffice for the largest value
only. Of a damaged file everything up to the damage is written.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from pyredmem.base.clock import SystemClock
from pyredmem.base.files import ReadableFile
from pyredmem.host.files import SystemFiles
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_file import RdbFileError
from pyredmem.rdb.as_json import JsonReport
from pyredmem.rdb.dataset import Dataset, Entry, Source
from pyredmem.rdb.memory import FORMATS, MemoryReport
from pyredmem.rdb.options import HelpRequest, OptionError, Options, parse
from pyredmem.rdb.protocol import ProtocolReport
from pyredmem.rdb.report import KeysReport, Report, Write
from pyredmem.rdb.survey.command import SurveyReport
from pyredmem.rdb.values import Workbench, lossless_limits

OK: Final = 0
FAILED: Final = 1


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``rdb`` ask for; returns the exit status."""
    try:
        options = parse(arguments, program)
    except HelpRequest as wanted:
        print(wanted)
        return OK
    except OptionError as error:
        _complain(str(error))
        return FAILED
    if _is_same_file(options.path, options.output):
        _complain(f"{options.output} is the file to read")
        return FAILED
    try:
        file = SystemFiles().open(options.path)
    except OSError as error:
        _complain(f"Cannot open file {options.path}: {error.strerror}")
        return FAILED
    try:
        return _write_to_file(options, file) if options.output else _write_to_stdout(options, file)
    finally:
        file.close()


def _is_same_file(path: str, output: str) -> bool:
    try:
        return os.path.samefile(path, output)
    except OSError:
        return False  # one of them does not exist


def _write_to_file(options: Options, file: ReadableFile) -> int:
    try:
        with open(options.output, "wb") as output:
            return process(options, file, output.write)
    except OSError as error:
        what = "open file" if error.filename is not None else f"read {options.path}, or write"
        _complain(f"Cannot {what} {options.output}: {error.strerror}")
        return FAILED


def _write_to_stdout(options: Options, file: ReadableFile) -> int:
    """Whoever reads the output may close the pipe when it has enough."""
    try:
        status = process(options, file, sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes nowhere
        if isinstance(error, BrokenPipeError):
            return OK
        _complain(f"Cannot read {options.path}, or write the output: {error.strerror}")
        return FAILED
    return status


def process(options: Options, file: ReadableFile, write: Write) -> int:
    """Read the file, and write what is asked for; returns the exit status. Raises OSError."""
    return write_report(Dataset(file, options.selection, options.path), options, write)


def write_report(source: Source, options: Options, write: Write) -> int:
    """Take all records of a source, and write what is asked for; returns the exit status."""
    report = _report(source, options, write)
    damage = ""
    report.begin()
    try:
        for record in source.records():
            if isinstance(record, Entry):
                report.add(record)
            else:
                report.add_library(record)
    except RdbFileError as error:
        damage = f"[offset {error.offset}] {error.message}"
        report.damaged(damage)
    report.end()
    if source.modules > 0 and report.leaves_modules_out:
        _complain(f"Left out, because only a module understands the value: {source.modules} of the keys")
    if damage:
        _complain(f"{damage}: nothing more of {options.path} can be read")
        return FAILED
    return OK


def _report(source: Source, options: Options, write: Write) -> Report:
    if options.command == "report":
        is_terminal = not options.output and sys.stdout.isatty()
        return SurveyReport(write, source, options.survey, SystemClock().now_us() // 1000, is_terminal)
    if options.command == "keys":
        return KeysReport(write)
    if options.command == "memory":
        workbench = Workbench(options.allocator, EncodingLimits(options.settings))
        return MemoryReport(write, workbench, FORMATS[options.layout](), options.least, options.largest)
    workbench = Workbench(options.allocator, lossless_limits())
    if options.command == "json":
        return JsonReport(write, workbench)
    return ProtocolReport(write, workbench)


def _complain(message: str) -> None:
    sys.stdout.flush()
    print(message, file=sys.stderr)
