"""``pyredmem rdb COMMAND FILE`` says what is in an RDB file, without a server.

The file is read record by record, and one value at a time is built, so memory has to suffice for the largest value
only. Of a damaged file everything up to the damage is written.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from pyredmem.base.clock import SystemClock
from pyredmem.base.files import Files, ReadableFile
from pyredmem.host.files import SystemFiles
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_file import RdbFileError
from pyredmem.rdb.as_json import JsonReport
from pyredmem.rdb.dataset import Dataset, Entry, Source
from pyredmem.rdb.diff import Comparison
from pyredmem.rdb.diff_output import DiffFormat, DiffJson, DiffText
from pyredmem.rdb.memory import FORMATS, MemoryReport
from pyredmem.rdb.options import HelpRequest, OptionError, Options, parse
from pyredmem.rdb.output import FAILED, OK, complain, progress_for, write_out
from pyredmem.rdb.progress import BYTES, Progress, WatchedFile
from pyredmem.rdb.protocol import ProtocolReport
from pyredmem.rdb.report import KeysReport, Report, Write
from pyredmem.rdb.survey.command import SurveyReport
from pyredmem.rdb.survey.measure import Measurer
from pyredmem.rdb.values import Workbench, lossless_limits


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``rdb`` ask for; returns the exit status."""
    try:
        options = parse(arguments, program)
    except HelpRequest as wanted:
        print(wanted)
        return OK
    except OptionError as error:
        complain(str(error))
        return FAILED
    paths = [path for path in (options.path, options.other) if path]
    if any(_is_same_file(path, options.output) for path in paths):
        complain(f"{options.output} is the file to read")
        return FAILED
    with ExitStack() as stack:
        files = [_opened(path, stack) for path in paths]
        if None in files:
            return FAILED
        if options.command == "diff":
            return write_out(options, lambda write: compare(options, SystemFiles(), write))
        [file] = files
        assert file is not None
        progress = progress_for(options, os.path.basename(options.path), file.size(), BYTES)
        watched = WatchedFile(file, progress)
        return write_out(options, lambda write: process(options, watched, write, progress))


def _opened(path: str, stack: ExitStack) -> ReadableFile | None:
    """A file that the stack closes; None if it cannot be opened, which is said."""
    try:
        file = SystemFiles().open(path)
    except OSError as error:
        complain(f"Cannot open file {path}: {error.strerror}")
        return None
    stack.callback(file.close)
    return file


def compare(options: Options, files: Files, write: Write) -> int:
    """Compare two files, and write how they differ; returns the exit status. Raises OSError."""
    with ExitStack() as stack:

        def source(path: str) -> Source:
            file = files.open(path)
            watched = WatchedFile(file, progress_for(options, os.path.basename(path), file.size(), BYTES))
            stack.callback(watched.close)
            return Dataset(watched, options.selection, path)

        output: DiffFormat = DiffJson(write) if options.layout == "json" else DiffText(write)
        comparison = Comparison(lambda: source(options.path), lambda: source(options.other), options)
        output.begin()
        for difference in comparison.differences():
            output.add(difference)
    output.end(comparison.counts)
    if comparison.counts.modules > 0:
        complain(f"Not compared, because only a module understands the value: {comparison.counts.modules} of the keys")
    for damage in comparison.counts.damage:
        complain(damage)
    return FAILED if comparison.counts.damage else OK


def _is_same_file(path: str, output: str) -> bool:
    try:
        return os.path.samefile(path, output)
    except OSError:
        return False  # one of them does not exist


def process(options: Options, file: ReadableFile, write: Write, progress: Progress | None = None) -> int:
    """Read the file, and write what is asked for; returns the exit status. Raises OSError."""
    return write_report(Dataset(file, options.selection, options.path), options, write, progress or Progress())


def write_report(source: Source, options: Options, write: Write, progress: Progress) -> int:
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
    progress.close()
    report.end()
    if source.modules > 0 and report.leaves_modules_out:
        complain(f"Left out, because only a module understands the value: {source.modules} of the keys")
    if damage:
        complain(f"{damage}: nothing more of {options.path} can be read")
        return FAILED
    return OK


def _report(source: Source, options: Options, write: Write) -> Report:
    if options.command == "report":
        is_terminal = not options.output and sys.stdout.isatty()
        return SurveyReport(write, source, options.survey, SystemClock().now_us() // 1000, is_terminal)
    if options.command == "keys":
        return KeysReport(write)
    if options.command == "memory":
        measurer = Measurer(options.allocator, EncodingLimits(options.settings))
        return MemoryReport(write, measurer, FORMATS[options.layout](), options.least, options.largest)
    workbench = Workbench(options.allocator, lossless_limits())
    if options.command == "json":
        return JsonReport(write, workbench)
    return ProtocolReport(write, workbench)
