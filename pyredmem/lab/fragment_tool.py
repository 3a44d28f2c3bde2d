"""``pyredmem lab fragment PATTERN``: what a pattern of allocations does to the heaps of several allocators."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from pyredmem.base.optional import optional_module
from pyredmem.lab.fragment import ALLOCATORS, USUAL, try_pattern
from pyredmem.lab.fragment_report import as_json, document_of, draw
from pyredmem.lab.fragment_spec import PatternError, parsed_pattern
from pyredmem.rdb.progress import progress_on
from pyredmem.rdb.survey.page import page_of
from pyredmem.rdb.survey.terminal import text_of

OK: Final = 0
FAILED: Final = 2


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``fragment`` ask for; returns the exit status."""
    try:
        options = _parser(program).parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else FAILED
    try:
        return _tried(options)
    except (PatternError, OSError, UnicodeError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _parser(program: str) -> argparse.ArgumentParser:
    about = (__doc__ or "").partition(": ")[2]
    parser = argparse.ArgumentParser(prog=f"{program} lab fragment", description=about)
    parser.add_argument("pattern", help="a file of TOML with the phases")
    parser.add_argument(
        "--allocators",
        type=_allocators,
        default=USUAL,
        help=f"some of {','.join(ALLOCATORS)}; usually {','.join(USUAL)}",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes work at a time")
    parser.add_argument("--json", metavar="FILE", help="the heap at each second, for a program")
    parser.add_argument("--html", metavar="FILE", help="the tables as a page")
    parser.add_argument("--png", metavar="FILE", help="a chart")
    return parser


def _allocators(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in ALLOCATORS:
            raise argparse.ArgumentTypeError(f"there is no allocator {name!r}; there are {', '.join(ALLOCATORS)}")
    return names


def _tried(options: argparse.Namespace) -> int:
    """Try the pattern and write what came of it. Raises PatternError and OSError."""
    pattern = parsed_pattern(Path(options.pattern).read_text("utf-8"))
    plotting = _plotting() if options.png else None
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
    if plotting is not None:
        draw(plotting, pattern, runs, options.png)
    sys.stdout.write(text_of(document, sys.stdout.isatty()))
    return OK


def _plotting() -> Any:
    """matplotlib.pyplot, set to draw to files. Raises PatternError if it is not installed."""
    matplotlib = optional_module("matplotlib")
    if matplotlib is None:
        raise PatternError("A chart needs matplotlib: pip install 'pyredmem[lab]'")
    matplotlib.use("Agg")
    return optional_module("matplotlib.pyplot")
