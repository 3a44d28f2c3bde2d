"""Whether commands that Redis documents as O(1) or O(log n) stay quick on large collections.

    python benchmarks/flatness.py                       # 1,000 elements against 1,000,000, beside redis-server
    python benchmarks/flatness.py --python ~/venv/bin/python --large 100000 --only hash,list
    python benchmarks/flatness.py --in-process

Each command is run many times on a small and on a large collection of the same kind, with elements drawn at random and
with exactly the same number of bytes in and out. Two costs of a call are measured: the server's CPU time, and the time
that a client waits which sends one command after another on one connection. The wait is a median, because on a busy
machine other work stops a few calls for as long as many others take. Each figure is the least of several rounds, which
alternate between the servers and the two sizes. Commands that undo each other count as one call. A ratio near 1 says
that the work does not grow; the logarithms of 1,000 and of 1,000,000 are as 1 to 2.

Client and server share one processor. Otherwise the scheduler would use a second one in some rounds and not in others,
and LLEN would cost 10 us or 22, with redis-server as with ours. Nearly all of those 10 us are system calls. A client
pays for them too, and they are why the ratios are small.

`--in-process` is stricter and measures the execution alone: a session of an engine in this process is fed 64 calls at
once, so the figures contain neither system calls nor the event loop. There the same few hundred nanoseconds make larger
ratios. A large collection does not fit into the caches of the processor, and a handful of accesses to main memory can
double the time of a command that takes less than a microsecond. The last line shows how much a lookup in a plain Python
dictionary of the same size loses by that, on this machine and at this time.

Results go to benchmarks/results/ as JSON and as a markdown table; the exit status is 1 if a ratio of ours is above
the bar.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flatness_probes import FILLERS, PROBES, Command, Probe, filling, member
from flatness_targets import Cost, InProcess, Server, Target
from processes import own_contender, redis_contender, running

BAR = 2.0
RESULTS = Path(__file__).resolve().parent / "results"


class Sizes:
    """A small and a large collection of one kind on a target, and the numbers that were used so far."""

    def __init__(self, target: Target, kind: str, small: int, large: int) -> None:
        self.target = target
        self._sizes = {b"small": small, b"large": large}
        self._next = dict.fromkeys(self._sizes, 0)
        self._random = random.Random(7)
        for key, size in self._sizes.items():
            for batch in filling(kind, key, size):
                target.exchange(batch)

    def cost(self, probe: Probe, key: bytes, count: int) -> Cost:
        """The cost of a call, in a round of ``count`` calls."""
        return self.target.cost(list(self._calls(probe, key, count)))

    def _calls(self, probe: Probe, key: bytes, count: int) -> Iterator[list[Command]]:
        first = self._next[key]
        if probe.ordered:
            self._next[key] += count
        for number in range(first, first + count):
            drawn = number if probe.ordered else self._random.randrange(max(self._sizes[key] - 10, 1))
            yield probe.commands(key, drawn)


@dataclass(frozen=True)
class Figure:
    """How much a probe costs on the small and on the large collection of a target."""

    small: Cost
    large: Cost

    def cpu_ratio(self) -> float:
        return self.large.cpu_us / self.small.cpu_us

    def wall_ratio(self) -> float:
        return self.large.wall_us / self.small.wall_us

    def columns(self) -> list[str]:
        small, large = self.small, self.large
        return [
            f"{small.cpu_us:.2f} / {large.cpu_us:.2f}",
            f"{self.cpu_ratio():.2f}",
            f"{small.wall_us:.2f} / {large.wall_us:.2f}",
            f"{self.wall_ratio():.2f}",
        ]


@dataclass(frozen=True)
class Row:
    """A probe and its figures on each target, ours first."""

    kind: str
    name: str
    figures: list[Figure]

    def worst(self) -> float:
        """The larger one of our two ratios."""
        return max(self.figures[0].cpu_ratio(), self.figures[0].wall_ratio())

    def line(self) -> str:
        columns = [self.kind, self.name]
        for figure in self.figures:
            columns += figure.columns()
        return "| " + " | ".join([*columns, "over the bar" if self.worst() > BAR else ""]) + " |"


def header(targets: list[str]) -> list[str]:
    columns = ["type", "command"]
    for name in targets:
        columns += [f"{name} CPU us", "ratio", f"{name} wall us", "ratio"]
    rules = ["---", "---", *["---:"] * 4 * len(targets), "---"]
    return ["| " + " | ".join([*columns, ""]) + " |", "|" + "|".join(rules) + "|"]


def measure(collections: list[Sizes], probe: Probe, rounds: int, count: int) -> list[Figure]:
    """The least costs of a probe on each target."""
    found: dict[tuple[int, bytes], list[Cost]] = {}
    for _ in range(rounds):
        for at, sizes in enumerate(collections):
            for key in (b"small", b"large"):
                found.setdefault((at, key), []).append(sizes.cost(probe, key, count))
    return [Figure(_least(found[at, b"small"]), _least(found[at, b"large"])) for at in range(len(collections))]


def _least(costs: list[Cost]) -> Cost:
    return Cost(min(cost.cpu_us for cost in costs), min(cost.wall_us for cost in costs))


def targets(options: argparse.Namespace, stack: ExitStack) -> list[Target]:
    """Our server and redis-server, newly started; or a session of a new engine."""
    if options.in_process:
        return [InProcess()]
    ours = own_contender(options.python or _this_package())
    contenders = {f"pyredmem, {ours.name}": ours, "redis-server": redis_contender()}
    return [Server(name, stack.enter_context(running(contender))) for name, contender in contenders.items()]


def _this_package() -> str:
    spec = importlib.util.find_spec("pyredmem")
    assert spec is not None
    assert spec.origin is not None
    return f"{sys.executable}:{Path(spec.origin).parents[1]}"


def dictionary_ns(size: int, count: int = 50_000) -> float:
    """The cost of a lookup in a Python dictionary of ``size`` entries, in random order."""
    table = {member(number): number for number in range(size)}
    chance = random.Random(7)
    asked = [member(chance.randrange(size)) for _ in range(count)]
    best = float("inf")
    for _ in range(5):
        started = time.process_time_ns()
        for name in asked:
            table.get(name)
        best = min(best, (time.process_time_ns() - started) / count)
    return best


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", metavar="PATH", help="interpreter with the package (default: this one)")
    parser.add_argument("--in-process", action="store_true", help="measure the execution alone, in this process")
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1_024, help="number of calls in a round")
    parser.add_argument("--only", default="", help="kinds of collections, separated by commas")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    gc.disable()
    rows: list[Row] = []
    lines: list[str] = []
    names: list[str] = []

    def tell(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    for kind in options.only.split(",") if options.only else FILLERS:
        with ExitStack() as stack:
            found = targets(options, stack)
            if not rows:
                names = [target.name for target in found]
                tell(f"Each call on {options.small:,} / {options.large:,} elements; the bar is {BAR}", "")
                tell(*header(names))
            collections = [Sizes(target, kind, options.small, options.large) for target in found]
            for probe in PROBES:
                if probe.kind == kind:
                    figures = measure(collections, probe, options.rounds, options.count)
                    rows.append(Row(kind, probe.name, figures))
                    tell(rows[-1].line())
    over = [row for row in rows if row.worst() > BAR]
    tell("", f"{len(rows)} calls, {len(over)} over the bar")
    if options.in_process:
        few, many = dictionary_ns(options.small), dictionary_ns(options.large)
        tell(f"a lookup in a Python dictionary: {few:.0f} ns and {many:.0f} ns, ratio {many / few:.2f}")
    write(options, names, rows, lines)
    sys.exit(1 if over else 0)


def write(options: argparse.Namespace, names: list[str], rows: list[Row], lines: list[str]) -> None:
    """Write the results to files."""
    record: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "in_process": options.in_process,
        "sizes": [options.small, options.large],
        "targets": names,
        "rows": [asdict(row) for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / time.strftime("flatness-%Y%m%d-%H%M%S")
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print(f"\nwritten: {stem}.json, {stem}.md", file=sys.stderr)


if __name__ == "__main__":
    main()
