"""``pyredmem lab``: a laboratory that answers what other policies and sizes would give."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Final

from pyredmem.lab.aof_import import read_aof
from pyredmem.lab.charts import page, png
from pyredmem.lab.csv_import import read_csv
from pyredmem.lab.errors import LabError
from pyredmem.lab.fragment_tool import add_fragment
from pyredmem.lab.grid import configurations, policies_of, samples_of, sizes_of, versions_of
from pyredmem.lab.recorder import record
from pyredmem.lab.replays import replay_all
from pyredmem.lab.results import Results
from pyredmem.lab.summary import summary
from pyredmem.lab.synthetic import make, parsed_spec
from pyredmem.lab.table import text_of
from pyredmem.lab.trace_file import load, save
from pyredmem.rdb.output import complain
from pyredmem.rdb.progress import progress_on

OK: Final = 0
FAILED: Final = 2

_SEED: Final = 1


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``lab`` ask for; returns the exit status."""
    try:
        options = _parser(f"{program} lab").parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else FAILED
    work: Callable[[argparse.Namespace], None] = options.work
    try:
        work(options)
    except LabError as error:
        complain(str(error))
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever reads has enough
    except OSError as error:
        complain(f"Cannot open {error.filename}: {error.strerror}" if error.filename else str(error))
        return FAILED
    except KeyboardInterrupt:
        complain("Interrupted")
        return FAILED
    return OK


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=(__doc__ or "").split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_make(commands.add_parser("make", help="a synthetic trace, from a specification in TOML"))
    _add_show(commands.add_parser("show", help="what is in a trace"))
    _add_record(commands.add_parser("record", help="what the clients of a server ask for, by MONITOR"))
    _add_import(commands.add_parser("import", help="a trace from an append-only file, or from a CSV file"))
    _add_replay(commands.add_parser("replay", help="hit ratios of a trace, by policy and size"))
    add_fragment(commands.add_parser("fragment", help="what a pattern of allocations does to the heap"))
    return parser


# Making and showing.


def _add_make(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a file of TOML; - is standard input")
    parser.add_argument("-o", "--output", required=True, metavar="TRACE")
    parser.set_defaults(work=_make)


def _make(options: argparse.Namespace) -> None:
    if options.spec == "-":
        text = sys.stdin.read()
    else:
        with open(options.spec, encoding="utf-8") as file:
            text = file.read()
    save(make(parsed_spec(text)), options.output)


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE")
    parser.set_defaults(work=_show)


def _show(options: argparse.Namespace) -> None:
    print("\n".join(summary(load(options.trace))))


# Recording and importing.


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="redis://user:password@host:port/, rediss:// or unix://")
    parser.add_argument("--seconds", type=_more_than_nothing, required=True, metavar="N", help="for how long")
    parser.add_argument("-o", "--output", required=True, metavar="TRACE")
    parser.add_argument("--sample", type=_share, default=1.0, metavar="SHARE", help="record this share of the keys")
    parser.add_argument("--hash-keys", action="store_true", help="record digests of the same lengths in place of keys")
    parser.set_defaults(work=_record)


def _record(options: argparse.Namespace) -> None:
    commands, operations = record(options.url, options.output, options.seconds, options.sample, options.hash_keys)
    print(f"{commands:,} commands, of which {operations:,} operations on keys were recorded")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="an append-only file or its manifest, or a CSV file")
    parser.add_argument("-o", "--output", required=True, metavar="TRACE")
    kinds = "what the file is; default: csv if it is named so"
    parser.add_argument("--format", choices=("aof", "csv"), help=kinds)
    rate = "commands a second of an append-only file without times; default: %(default)s"
    parser.add_argument("--per-second", type=_more_than_nothing, default=1000.0, metavar="N", help=rate)
    parser.set_defaults(work=_import)


def _import(options: argparse.Namespace) -> None:
    is_csv = options.format == "csv" or (options.format is None and options.file.endswith((".csv", ".csv.gz")))
    save(read_csv(options.file) if is_csv else read_aof(options.file, options.per_second), options.output)


def _more_than_nothing(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return number


# Replaying.


def _add_replay(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("trace", metavar="TRACE")
    add("--policies", default="all", metavar="LIST", help="of maxmemory-policy, with commas, or all; default: all")
    add("--maxmemory", required=True, metavar="SIZES", help="100mb, 50mb,100mb, or 50mb..1gb:8 for 8 sizes")
    add("--samples", default="5", metavar="LIST", help="numbers for maxmemory-samples; default: 5")
    add("--versions", default="", metavar="LIST", help="of redis-version, such as redis-7.2,redis-8.2")
    add("--fill-misses", action="store_true", help="a read that misses is followed by a write of the size last seen")
    add("--sample", type=_share, default=1.0, metavar="SHARE", help="replay this share of the keys, such as 0.01")
    add("--seed", type=int, default=_SEED, help="default: %(default)s")
    add("--jobs", type=_positive, default=0, metavar="N", help="processes; default: one for each core")
    add("--json", metavar="FILE", help="write all figures; - is standard output, in place of the table")
    add("--html", metavar="FILE", help="write one page with curves and table")
    add("--png", metavar="FILE", help="write the curves as a picture")
    add("--no-progress", action="store_true", help="do not show how far the work is")
    parser.set_defaults(work=_replay)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no share of the keys: more than 0, at most 1")
    return share


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"'{text}' must be a number from 1 on")
    return int(text)


def _replay(options: argparse.Namespace) -> None:
    samples = samples_of(options.samples)
    sizes = sizes_of(options.maxmemory)
    policies = policies_of(options.policies)
    versions = versions_of(options.versions)
    trace = load(options.trace)
    chosen = configurations(policies, sizes, samples, options.seed, options.fill_misses, versions=versions)
    total = round(len(trace) * options.sample) * len(chosen)
    progress = progress_on(sys.stderr, "replaying", 0 if options.no_progress else total, "operations")
    try:
        advance = (lambda count: None) if options.no_progress else progress.advance
        results = replay_all(trace, chosen, options.sample, options.jobs, advance)
    finally:
        progress.close()
    _write(results, options)


def _write(results: Results, options: argparse.Namespace) -> None:
    title = f"Replay of {os.path.basename(options.trace)}"
    if options.html:
        _write_file(options.html, page(results, title).encode())
    if options.png:
        _write_file(options.png, png(results))
    text = json.dumps(results.as_json(), indent=1)
    if options.json == "-":
        print(text)
        return
    if options.json:
        _write_file(options.json, text.encode() + b"\n")
    print(text_of(results, sys.stdout.isatty()))


def _write_file(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
