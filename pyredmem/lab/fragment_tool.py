"""``pyredmem lab fragment PATTERN``: what a pattern of allocations does to the heaps of several allocators."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from pyredmem.lab.fragment import ALLOCATORS, USUAL, try_pattern
from pyredmem.lab.fragment_report import as_json, document_of, png
from pyredmem.lab.fragment_spec import parsed_pattern
from pyredmem.lab.replays import cores
from pyredmem.rdb.progress import progress_on
from pyredmem.rdb.survey.page import page_of
from pyredmem.rdb.survey.terminal import text_of

_ALLOCATORS: Final = f"some of {','.join(ALLOCATORS)}; default: {','.join(USUAL)}"


def add_fragment(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments after ``fragment``."""
    parser.add_argument("pattern", metavar="PATTERN", help="a file of TOML with the phases")
    parser.add_argument("--allocators", type=_allocators, default=USUAL, metavar="LIST", help=_ALLOCATORS)
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="processes")
    parser.add_argument("--json", metavar="FILE", help="write the heap at each second")
    parser.add_argument("--html", metavar="FILE", help="write the tables as a page")
    parser.add_argument("--png", metavar="FILE", help="write a chart")
    parser.set_defaults(work=_try)


def _allocators(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in ALLOCATORS:
            raise argparse.ArgumentTypeError(f"there is no allocator {name!r}; there are {', '.join(ALLOCATORS)}")
    return names


def _try(options: argparse.Namespace) -> None:
    """Try the pattern and write what came of it. Raises LabError and OSError."""
    pattern = parsed_pattern(Path(options.pattern).read_text("utf-8", "backslashreplace"))
    cases = sum([2 if ALLOCATORS[name] else 1 for name in options.allocators])
    progress = progress_on(sys.stderr, "heaps", cases, "")
    try:
        runs = try_pattern(pattern, options.allocators, max(options.jobs, 1), lambda: progress.advance(1))
    finally:
        progress.close()
    document = document_of(pattern, runs)
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(runs)) + "\n", "utf-8")
    if options.html:
        Path(options.html).write_text("".join(page_of(document)), "utf-8")
    if options.png:
        Path(options.png).write_bytes(png(pattern, runs))
    sys.stdout.write(text_of(document, sys.stdout.isatty()))
