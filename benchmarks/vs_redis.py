"""pyredmem compared with redis-server, on this machine and at this time.

    python benchmarks/vs_redis.py                         # the package of this interpreter
    python benchmarks/vs_redis.py --python-compiled ~/venv/bin/python --rounds 7
    python benchmarks/vs_redis.py --keys 1000,1000000 --startup --memory
    python benchmarks/vs_redis.py --only --collections 1000000 --pipelines 16
    python benchmarks/vs_redis.py --only --keys 1000,1000000 --key-tests get,set,lpush --before ~/old/bin/python
    python benchmarks/vs_redis.py --also /opt/redis-8.2/bin/redis-server --also /opt/valkey/bin/valkey-server

Absolute figures depend on the machine and on what else it does. So every figure is measured in rounds: the servers run
one after another, each alone, and the ratio of ours to redis-server's is taken within a round. The most telling figure
is the server's CPU time per command from /proc, since redis-benchmark shares the processors with the server.

With several real servers, all ratios are to the redis-server on the path. One more table shows the ratio of our CPU
time to that of each of them.

An interpreter may be followed by `:DIRECTORY`, from which the package is then imported.
Results go to benchmarks/results/ as JSON and as a markdown table.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from measures import COLLECTIONS, Workload, measure_collections, measure_memory, measure_round, measure_start
from processes import REDIS, Contender, other_contender, own_contender, redis_contender

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TESTS = "ping_mbulk,get,set,incr,mset"
BEFORE = "before"
BEFORE_AGAIN = "before, again"

Series = dict[str, dict[str, list[dict[str, float]]]]  # contender, workload, rounds


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--python-interpreted", metavar="PATH", help="interpreter with the plain package")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200_000, help="number of requests of each workload at P=1")
    parser.add_argument("--workloads", default=TESTS, help=f"tests of redis-benchmark (default {TESTS})")
    parser.add_argument("--pipelines", default="1,16", help="pipeline depths (default 1,16)")
    parser.add_argument("--keys", default="", help="numbers of keys for tests on random keys, e.g. 1000,1000000")
    parser.add_argument("--key-tests", default="get,set", help="the tests on random keys (default get,set)")
    parser.add_argument("--also", metavar="PATH", action="append", default=[], help="another real server; repeatable")
    parser.add_argument("--before", metavar="PATH", help="interpreter with an older package to compare with, twice")
    parser.add_argument("--collections", type=int, metavar="N", help="tests on collections of up to N random members")
    parser.add_argument("--startup", action="store_true", help="time to the first PONG")
    parser.add_argument("--memory", action="store_true", help="growth per key of 1,000,000 keys")
    parser.add_argument("--memory-keys", type=int, default=1_000_000)
    parser.add_argument("--only", action="store_true", help="leave out the plain workloads")
    return parser.parse_args()


def contenders(options: argparse.Namespace) -> list[Contender]:
    """redis-server first, then the packages that are asked for, or this interpreter's own one."""
    found = [redis_contender(), *(other_contender(path) for path in options.also)]
    given = [options.python_compiled, options.python_interpreted]
    if not any(given):
        given = [f"{sys.executable}:{ROOT}" if (ROOT / "pyredmem").is_dir() else sys.executable]
    for text, wanted in zip(given, ("compiled", "interpreted"), strict=False):
        if text:
            found.append(own_contender(text, wanted if len(given) > 1 else ""))
    if options.before:
        older = own_contender(options.before)
        found += [replace(older, name=BEFORE), replace(older, name=BEFORE_AGAIN)]
    return found


def numbers(text: str) -> list[int]:
    """The numbers in an option, where commas separate them."""
    return [int(word) for word in text.split(",") if word]


def measure_workloads(options: argparse.Namespace, servers: list[Contender]) -> Series:
    """Run all rounds of all workloads."""
    depths = numbers(options.pipelines)
    sizes = numbers(options.keys)
    plain = [] if options.only else options.workloads.split(",")
    workloads = [Workload(test, depth) for depth in depths for test in plain]
    workloads += [
        Workload(test, depth, keys) for depth in depths for keys in sizes for test in options.key_tests.split(",")
    ]
    members = options.collections
    filled = [Workload(test, depth, members=members) for depth in depths for test in COLLECTIONS] if members else []
    series: Series = {server.name: {workload.label: [] for workload in workloads + filled} for server in servers}
    for number in range(options.rounds if workloads or filled else 0):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for server in servers:
            requests = options.requests
            found = measure_round(server, [w for w in workloads if w.pipeline == 1], requests)
            found |= measure_round(server, [w for w in workloads if w.pipeline > 1], requests * 4)
            if filled:
                found |= measure_collections(server, filled, requests)
            for label, figure in found.items():
                series[server.name][label].append(figure)
    return series


def spread(values: Iterable[float]) -> tuple[float, float, float]:
    """The least, the median and the greatest of some values, as text."""
    listed = list(values)
    return min(listed), statistics.median(listed), max(listed)


def ratios(series: Series, name: str, label: str, figure: str, measure: str = REDIS) -> tuple[float, float, float]:
    """The ratio of our figure to that of a real server, for each round."""
    pairs = zip(series[name][label], series[measure][label], strict=True)
    return spread(ours[figure] / theirs[figure] if theirs[figure] else float("nan") for ours, theirs in pairs)


def workload_table(series: Series) -> list[str]:
    lines = [
        "| workload | server | requests/s | CPU us/command | CPU ratio min/median/max | rate ratio |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for label in series[REDIS]:
        for name, found in series.items():
            rate = spread(figure["requests_per_second"] for figure in found[label])[1]
            cpu = spread(figure["cpu_us_per_command"] for figure in found[label])[1]
            columns = [label, name, f"{rate:,.0f}", f"{cpu:.2f}"]
            if name == REDIS:
                columns += ["", ""]
            else:
                columns.append("{:.2f} / {:.2f} / {:.2f}".format(*ratios(series, name, label, "cpu_us_per_command")))
                columns.append("{1:.2f}".format(*ratios(series, name, label, "requests_per_second")))
            lines.append("| " + " | ".join(columns) + " |")
    return lines if series[REDIS] else []


def others_table(series: Series, others: list[str]) -> list[str]:
    """The CPU time of our packages over that of each real server."""
    if not others:
        return []
    measures = [REDIS, *others]
    lines = [
        "",
        f"| workload | server | {' | '.join(f'CPU over {name}' for name in measures)} |",
        "|---|---|" + "---:|" * len(measures),
    ]
    for label in series[REDIS]:
        for name in series:
            if name not in measures:
                middles = [ratios(series, name, label, "cpu_us_per_command", measure)[1] for measure in measures]
                lines.append(f"| {label} | {name} | {' | '.join(f'{middle:.2f}' for middle in middles)} |")
    return lines


def mean_table(series: Series, depths: list[int], members: int | None) -> list[str]:
    """The geometric mean of the CPU ratios of the tests on collections."""
    if not members:
        return []
    lines = ["", "| server | tests on collections, CPU ratio, geometric mean |", "|---|---:|"]
    for name in series:
        for depth in depths if name != REDIS else []:
            labels = [Workload(test, depth, members=members).label for test in COLLECTIONS]
            middles = [ratios(series, name, label, "cpu_us_per_command")[1] for label in labels]
            lines.append(f"| {name}, P={depth} | {statistics.geometric_mean(middles):.2f} |")
    return lines


def flatness_table(series: Series, depths: list[int], sizes: list[int]) -> list[str]:
    """The rate with the most keys as a ratio to that with the fewest, for each round."""
    if len(sizes) < 2:
        return []
    lines = ["", f"| server | test | rate with {max(sizes):,} keys over {min(sizes):,} keys |", "|---|---|---:|"]
    for name, found in series.items():
        for test, depth in product(("get", "set"), depths):
            few, many = Workload(test, depth, min(sizes)).label, Workload(test, depth, max(sizes)).label
            pairs = zip(found[many], found[few], strict=True)
            low, middle, high = spread(
                more["requests_per_second"] / less["requests_per_second"] for more, less in pairs
            )
            lines.append(f"| {name} | {test.upper()} P={depth} | {low:.2f} / {middle:.2f} / {high:.2f} |")
    return lines


def comparison_table(series: Series) -> list[str]:
    """How this package compares with the one before it, beside the difference of the latter from itself."""
    if BEFORE not in series:
        return []
    names = list(series)
    now = names[names.index(BEFORE) - 1]
    lines = [
        "",
        "| workload | CPU ratio before | now | now / before | noise: before / before |",
        "|---|---:|---:|---:|---:|",
    ]
    changes: list[float] = []
    noises: list[float] = []
    for label in series[REDIS]:
        old, again, new = (_middle(series, name, label) for name in (BEFORE, BEFORE_AGAIN, now))
        first = (old + again) / 2
        changes.append(new / first)
        noises.append(max(old, again) / min(old, again))
        lines.append(f"| {label} | {first:.2f} | {new:.2f} | {changes[-1]:.3f} | {noises[-1]:.3f} |")
    change, noise = statistics.geometric_mean(changes), statistics.geometric_mean(noises)
    lines.append(f"| geometric mean | | | {change:.3f} | {noise:.3f} |")
    return lines


def _middle(series: Series, name: str, label: str) -> float:
    return ratios(series, name, label, "cpu_us_per_command")[1]


def start_table(servers: list[Contender], rounds: int, record: dict[str, Any]) -> list[str]:
    """Markdown lines of the time to the first PONG."""
    lines = ["", "| server | first PONG, ms, min/median/max |", "|---|---:|"]
    taken: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            taken[server.name].append(measure_start(server))
    record["startup_seconds"] = taken
    for name, seconds in taken.items():
        low, middle, high = (value * 1000 for value in spread(seconds))
        lines.append(f"| {name} | {low:.0f} / {middle:.0f} / {high:.0f} |")
    return lines


def memory_table(servers: list[Contender], keys: int, record: dict[str, Any]) -> list[str]:
    """Markdown lines of the growth per key."""
    lines = [
        "",
        f"| {keys:,} keys, 16-byte names | server | RSS bytes/key | used_memory bytes/key | RSS over used_memory |",
        "|---|---|---:|---:|---:|",
    ]
    rows = record["memory"] = []
    for value_bytes in (10, 100):
        for server in servers:
            found = measure_memory(server, keys, value_bytes)
            rows.append({"server": server.name, "value_bytes": value_bytes, **found})
            rss, used = found["rss_bytes_per_key"], found["used_memory_bytes_per_key"]
            lines.append(f"| {value_bytes}-byte values | {server.name} | {rss:.1f} | {used:.1f} | {rss / used:.2f} |")
    return lines


def main() -> None:
    options = arguments()
    servers = contenders(options)
    record: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "rounds": options.rounds,
        "requests": options.requests,
    }
    series = measure_workloads(options, servers)
    record["workloads"] = series
    lines = workload_table(series)
    others = [server.name for server in servers[1 : 1 + len(options.also)]]
    lines += others_table(series, others)
    lines += mean_table(series, numbers(options.pipelines), options.collections)
    if {"get", "set"} <= set(options.key_tests.split(",")):
        lines += flatness_table(series, numbers(options.pipelines), numbers(options.keys))
    lines += comparison_table(series)
    if options.startup:
        lines += start_table(servers, options.rounds, record)
    if options.memory:
        lines += memory_table(servers, options.memory_keys, record)
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / time.strftime("vs_redis-%Y%m%d-%H%M%S")
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print(f"\nwritten: {stem}.json, {stem}.md", file=sys.stderr)


if __name__ == "__main__":
    main()
