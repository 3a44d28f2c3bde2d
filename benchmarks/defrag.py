"""How much memory active defragmentation frees in a sparse data set, and how much clients notice of it.

    python benchmarks/defrag.py                                     # the package of this interpreter
    python benchmarks/defrag.py --python-compiled ~/venv/bin/python
    python benchmarks/defrag.py --keys 200000 --percent 25 --cpu 1

A server is given keys with values of 20 to 250 bytes. Three quarters of them, chosen at random, are deleted again. Then
the server defragments the ledger's slabs and the interpreter's heap. Four times a second its RSS and its own figures
are read, also before, while it is idle. Another process sends PING after PING, before and during the defragmentation.
The goal to compare with is the RSS of a fresh server that is given only the keys that were left.

The bars, for the compiled server: RSS at most 1.25 times that of the fresh one, the 99th percentile of the round trips
less than 3 times that of the idle server, allocator_frag_ratio below 1.1. Other work on the machine makes round trips
longer. With `--ahead` the system gives server and client priority over it (SCHED_RR, which only root may use).

Results go to benchmarks/results/ as JSON, a markdown table and, with matplotlib, a chart; the exit status is 1 if a
figure is above its bar.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from charts import GREY, plotting, save_chart, write_results
from lazyfree_latency import before_others
from processes import Connection, Contender, Process, own_contender, running
from round_trips import RoundTrips, asking, quantile
from vs_redis import ROOT

RSS_RATIO = 1.25
LATENCY_RATIO = 3.0
FRAGMENTATION = 1.1
SMALLEST, LARGEST = 20, 250
DELETED = 0.75
SEED = 1
POLL_SECONDS = 0.25
#: Defragmentation has ended when none has been in progress for this long.
QUIET_SECONDS = 2.5
MIB = 1 << 20


@dataclass
class Moment:
    """The figures at one time, given in seconds since defragmentation was enabled."""

    seconds: float
    resident_bytes: int
    fragmentation: float  # allocator_frag_ratio with all its digits
    heap_ratio: float
    state: str
    running: bool


@dataclass
class Outcome:
    """Everything that was measured."""

    peak_bytes: int = 0
    fresh_bytes: int = 0
    idle_us: dict[str, float] = field(default_factory=dict)
    busy_us: dict[str, float] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    compaction: dict[str, str] = field(default_factory=dict)

    @property
    def before(self) -> Moment:
        """The figures before defragmentation."""
        return self.moments[0]

    @property
    def after(self) -> Moment:
        """The figures after it has ended."""
        return self.moments[-1]


def information(connection: Connection) -> dict[str, str]:
    """The figures of INFO."""
    lines = connection.do("INFO", "memory", "process", "stats").decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def look(process: Process, connection: Connection, began: float) -> Moment:
    """Read the figures."""
    found = information(connection)
    return Moment(
        seconds=round(time.monotonic() - began, 3),
        resident_bytes=process.resident_bytes(),
        fragmentation=int(found["allocator_active"]) / int(found["allocator_allocated"]),
        heap_ratio=float(found["process_heap_ratio"]),
        state=found["compaction_state"],
        running=found["active_defrag_running"] != "0" or found["compaction_state"] != "idle",
    )


def key(number: int) -> str:
    return f"key:{number:012d}"


def load(connection: Connection, keys: int, chance: random.Random) -> None:
    sizes = [chance.randint(SMALLEST, LARGEST) for _ in range(keys)]
    connection.load(("SET", key(number), chance.randbytes(size)) for number, size in enumerate(sizes))


def delete(connection: Connection, keys: int) -> list[int]:
    """Delete most keys, and return the numbers of those that are left."""
    chance = random.Random(SEED + 1)
    order = list(range(keys))
    chance.shuffle(order)
    gone = order[: int(keys * DELETED)]
    connection.load(("DEL", key(number)) for number in gone)
    return sorted(order[len(gone) :])


def percentiles(taken: list[int]) -> dict[str, float]:
    """Percentiles of round trips, in microseconds."""
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: quantile(taken, share) / 1000 for name, share in shares.items()}


def observed(process: Process, options: argparse.Namespace, stack: ExitStack) -> RoundTrips:
    """Start a client that sends PING until ``stack`` is left."""
    if options.ahead:  # the client inherits the priority
        stack.enter_context(before_others(process.pid))
    return stack.enter_context(asking(process.port, options.pause, options.cpu))


def observe_idle(process: Process, connection: Connection, options: argparse.Namespace) -> dict[str, float]:
    """How long the client waits while the server does nothing else."""
    with ExitStack() as stack:
        found = observed(process, options, stack)
        time.sleep(0.3)
        first_ns = time.monotonic_ns()
        began = time.monotonic()
        while time.monotonic() - began < options.idle_seconds:
            time.sleep(POLL_SECONDS)
            look(process, connection, began)
        last_ns = time.monotonic_ns()
    return percentiles(found.within(first_ns, last_ns))


def observe_defrag(process: Process, connection: Connection, outcome: Outcome, options: argparse.Namespace) -> None:
    """Let the server defragment, until that has ended."""
    spans: list[tuple[int, int]] = []
    with ExitStack() as stack:
        found = observed(process, options, stack)
        time.sleep(0.3)
        began = time.monotonic()
        outcome.moments.append(look(process, connection, began))
        connection.do("CONFIG", "SET", "activedefrag", "yes")
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_SECONDS and time.monotonic() - began < options.longest:
            start_ns = time.monotonic_ns()
            time.sleep(POLL_SECONDS)
            moment = look(process, connection, began)
            outcome.moments.append(moment)
            if moment.running:
                quiet_since = time.monotonic()
                spans.append((start_ns, time.monotonic_ns()))
    taken = sorted(figure for first, last in spans for figure in found.within(first, last))
    outcome.busy_us = percentiles(taken) if taken else {}


def measure(contender: Contender, options: argparse.Namespace) -> Outcome:
    """Run the whole scenario on one server."""
    outcome = Outcome()
    percent = str(options.percent)
    settings = ["--active-defrag-cycle-min", percent, "--active-defrag-cycle-max", percent]
    settings += ["--active-defrag-ignore-bytes", "1mb"]
    with running(contender, *settings) as process:
        connection = Connection(process.port, timeout=120)
        print("loading", file=sys.stderr)
        load(connection, options.keys, random.Random(SEED))
        outcome.peak_bytes = process.resident_bytes()
        survivors = delete(connection, options.keys)
        time.sleep(1)
        outcome.idle_us = observe_idle(process, connection, options)
        print("defragmenting", file=sys.stderr)
        observe_defrag(process, connection, outcome, options)
        outcome.compaction = {
            name: value
            for name, value in information(connection).items()
            if name.startswith(("compaction_", "active_defrag_", "process_"))
        }
        connection.close()
    outcome.fresh_bytes = measure_fresh(contender, options, survivors)
    return outcome


def measure_fresh(contender: Contender, options: argparse.Namespace, survivors: list[int]) -> int:
    """The RSS of a server that never had any other keys than those that are left."""
    chance = random.Random(SEED)
    sizes = [chance.randint(SMALLEST, LARGEST) for _ in range(options.keys)]
    with running(contender) as process:
        connection = Connection(process.port, timeout=120)
        connection.load(("SET", key(number), chance.randbytes(sizes[number])) for number in survivors)
        time.sleep(1)
        connection.close()
        return process.resident_bytes()


def table(outcome: Outcome) -> tuple[list[str], bool]:
    """Markdown lines, and whether a figure is above its bar."""
    before, after = outcome.before, outcome.after
    ratio = after.resident_bytes / outcome.fresh_bytes
    slowdown = outcome.busy_us.get("p99", 0.0) / outcome.idle_us["p99"]
    lines = ["| | before | after | fresh server | bar |", "|---|---:|---:|---:|---|"]
    lines.append(
        f"| RSS, MiB | {before.resident_bytes / MIB:.0f} | {after.resident_bytes / MIB:.0f}"
        f" | {outcome.fresh_bytes / MIB:.0f} | {ratio:.2f} of fresh, bar {RSS_RATIO} |"
    )
    lines.append(
        f"| allocator_frag_ratio | {before.fragmentation:.2f} | {after.fragmentation:.2f} | | below {FRAGMENTATION} |"
    )
    lines.append(f"| interpreter's heap, taken / live | {before.heap_ratio:.2f} | {after.heap_ratio:.2f} | | |")
    lines += ["", "| round trips, µs | p50 | p99 | p99.9 | max |", "|---|---:|---:|---:|---:|"]
    for name, figures in (("idle", outcome.idle_us), ("defragmenting", outcome.busy_us)):
        if figures:
            lines.append(f"| {name} | " + " | ".join(f"{figure:.0f}" for figure in figures.values()) + " |")
    lines.append("")
    lines.append(
        f"p99 while defragmenting: {slowdown:.2f} times idle (bar {LATENCY_RATIO}); it took"
        f" {int(outcome.compaction['compaction_run_ms']) / 1000:.1f} s, peak RSS was {outcome.peak_bytes / MIB:.0f} MiB"
    )
    above = ratio > RSS_RATIO or slowdown >= LATENCY_RATIO or after.fragmentation >= FRAGMENTATION
    return lines, above


def draw(outcome: Outcome, name: str, stem: Path) -> None:
    """RSS and fragmentation over time."""
    plt = plotting()
    if plt is None:
        return
    figure: Any
    figure, upper = plt.subplots(figsize=(9, 5))
    seconds = [moment.seconds for moment in outcome.moments]
    resident = [moment.resident_bytes / MIB for moment in outcome.moments]
    fresh = outcome.fresh_bytes / MIB
    upper.plot(seconds, resident, color="#2f6ea5", linewidth=2, label="RSS")
    upper.axhline(fresh, color=GREY, linestyle="--", linewidth=1, label="RSS of a fresh server with the survivors")
    upper.axhline(fresh * RSS_RATIO, color=GREY, linestyle=":", linewidth=1, label=f"{RSS_RATIO} times that")
    upper.set_ylim(0, max(resident) * 1.1)
    upper.set_xlabel("seconds since activedefrag yes")
    upper.set_ylabel("MiB")
    lower = upper.twinx()
    lower.plot(seconds, [m.fragmentation for m in outcome.moments], color="#b8433a", label="allocator_frag_ratio")
    lower.plot(seconds, [m.heap_ratio for m in outcome.moments], color="#d9a441", label="interpreter's heap / live")
    lower.set_ylim(bottom=0)
    lower.set_ylabel("ratio")
    handles, labels = upper.get_legend_handles_labels()
    more, names = lower.get_legend_handles_labels()
    upper.legend(handles + more, labels + names, loc="upper right", fontsize=8)
    upper.set_title(f"Active defragmentation, {name} server")
    save_chart(figure, stem)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--percent", type=int, default=50, help="share of a processor for defragmentation")
    parser.add_argument("--pause", type=int, default=50, help="microseconds from a reply to the next request")
    parser.add_argument("--idle-seconds", type=float, default=5.0, help="how long the idle server is watched")
    parser.add_argument("--longest", type=float, default=120.0, help="seconds after which the benchmark stops waiting")
    parser.add_argument("--cpu", type=int, help="the processor of the client that waits")
    parser.add_argument("--ahead", action="store_true", help="give server and client priority over all other processes")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    contender = own_contender(options.python_compiled or f"{sys.executable}:{ROOT}")
    outcome = measure(contender, options)
    lines, above = table(outcome)
    print("\n".join(lines))
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "server": contender.name,
        "options": vars(options),
        **asdict(outcome),
    }
    stem = write_results("defrag", record, lines)
    draw(outcome, contender.name, stem)
    sys.exit(1 if above else 0)


if __name__ == "__main__":
    main()
