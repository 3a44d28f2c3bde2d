"""How well eviction chooses its victims: hit ratios of a cache, compared with redis-server and with exact LRU and LFU.

    python benchmarks/eviction_quality.py                             # the package of this interpreter
    python benchmarks/eviction_quality.py --python-compiled ~/venv/bin/python --rounds 3
    python benchmarks/eviction_quality.py --traces zipf,loop --policies allkeys-lru --samples 5

For each trace, each policy and each number of samples three servers are started, one of ours and two redis-servers, all
with the same maxmemory. They get the same batches of keys in step: the keys of a batch are read, and the missing ones
are written. So all servers see the same keys at the same time. That matters because Redis knows the age of a key only
in seconds, and its frequency decays by the minute: on a server that is asked faster, ages would tell less. Each trace
takes at least `--seconds`, long enough for the cache to be filled several times; in a shorter run LRU could not tell
ages apart. Hits are counted after the first quarter.

The same trace does not give the same hits on two servers of the same kind, because samples are drawn at random. The
second redis-server shows how much that is (column `noise`). Further rounds use other traces and other samples.

Under a volatile policy every key of the trace gets the same time to live, so the key that expires first is the one that
was written first. Further keys without an expire time, which nobody reads, must still be there at the end.

How many keys fit in the same memory depends on the allocator: an entry of a hash table takes 24 bytes with the jemalloc
that comes with Redis, and 32 with the one that Debian links Redis with. Our server uses the allocator profile under
which a key has the size that it has in redis-server. The last columns show how many keys each server held at the end.

The exact caches get the same batches. Random choices are seeded. With matplotlib (the extra `bench`) a chart is drawn.
The exit status is 1 if a hit ratio of ours differs from redis-server's by more than a percentage point.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from cache_traces import TRACES
from charts import COLOURS, GREY, plotting, save_chart, write_results
from eviction_lanes import BATCH, Lane, Policy, key_word, lane, memory_for
from exact_caches import Cache, ExactFifo, ExactLfu, ExactLru, ExactRandom
from processes import REDIS, Contender, own_contender, redis_contender
from vs_redis import ROOT, numbers

BAR = 1.0  # percentage points
WARM_UP = 0.25  # of a trace
PROFILES = ("jemalloc", "jemalloc-lg4", "libc", "tcmalloc")
AGAIN = f"{REDIS} again"
POLICIES = (
    "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
)  # fmt: skip
EXACT: dict[str, type[Cache]] = {"lru": ExactLru, "lfu": ExactLfu, "random": ExactRandom, "ttl": ExactFifo}


@dataclass(frozen=True)
class Sizes:
    """The sizes of a run."""

    keys: int
    accesses: int
    seconds: float
    pinned: int


@dataclass
class Row:
    """A policy on a trace: hit ratios in percent by server, a figure for each round."""

    trace: str
    policy: Policy
    exact: list[float]
    hits: dict[str, list[float]]
    keys: dict[str, list[int]]
    faults: list[str]

    def differences(self, name: str) -> list[float]:
        """By how many percentage points a server is above redis-server, for each round."""
        return [ours - theirs for ours, theirs in zip(self.hits[name], self.hits[REDIS], strict=True)]

    def noise(self) -> float:
        """The largest difference between the two redis-servers, in percentage points."""
        return max(map(abs, self.differences(AGAIN)))

    def worst(self, name: str) -> float:
        """The mean difference of all rounds: in a single round chance alone makes a difference."""
        return abs(statistics.mean(self.differences(name)))


def batches(trace: Any) -> list[list[int]]:
    """A trace in batches."""
    return [list(trace[start : start + BATCH]) for start in range(0, len(trace), BATCH)]


def exact_ratio(cache: Cache, pieces: list[list[int]]) -> float:
    """The hit ratio of an exact cache, in percent; it gets the same batches as the servers."""
    first = round(len(pieces) * WARM_UP)
    hits = asked = 0
    for number, piece in enumerate(pieces):
        missing = [key for key in piece if not cache.get(key)]
        if number >= first:
            hits += len(piece) - len(missing)
            asked += len(piece)
        for key in dict.fromkeys(missing):
            cache.put(key)
    return 100 * hits / asked


def replay(lanes: list[Lane], pieces: list[list[int]], seconds: float) -> dict[Lane, float]:
    """The hit ratios of servers that get the batches in step, in percent; takes at least ``seconds``."""
    first = round(len(pieces) * WARM_UP)
    started = time.monotonic()
    for number, piece in enumerate(pieces):
        if number == first:
            for asked in lanes:
                asked.hits = 0
        request = b"".join([b"*2\r\n$3\r\nGET\r\n" + key_word(key) for key in piece])
        for asked in lanes:
            asked.ask(request)
        for asked in lanes:
            asked.answer(piece)
        ahead = started + seconds * number / len(pieces) - time.monotonic()
        if ahead > 0.001:
            time.sleep(ahead)
    counted = sum(map(len, pieces[first:]))
    return {asked: 100 * asked.hits / counted for asked in lanes}


def run_trace(rows: list[Row], pieces: list[list[int]], servers: dict[str, Contender], sizes: Sizes) -> None:
    """Run one round: all policies of a trace on all servers at once."""
    ratios = {kind: exact_ratio(EXACT[kind](sizes.keys), pieces) for kind in EXACT}
    limits: dict[bool, int] = {}
    with ExitStack() as stack:
        lanes: dict[Lane, Row] = {}
        for row in rows:
            row.exact.append(ratios[row.policy.name.rpartition("-")[2]])
            pinned = sizes.pinned if row.policy.volatile else 0
            if row.policy.volatile not in limits:
                limits[row.policy.volatile] = memory_for(servers[REDIS], row.policy, sizes.keys, pinned)
            for name, contender in servers.items():
                opened = stack.enter_context(lane(name, contender, row.policy, limits[row.policy.volatile]))
                opened.pin(pinned)
                lanes[opened] = row
        for opened, ratio in replay(list(lanes), pieces, sizes.seconds).items():
            row = lanes[opened]
            figures = opened.figures()
            row.hits.setdefault(opened.name, []).append(ratio)
            row.keys.setdefault(opened.name, []).append(figures["keys"])
            note_faults(row, opened, figures, sizes)


def note_faults(row: Row, opened: Lane, figures: dict[str, int], sizes: Sizes) -> None:
    """Note what is wrong whatever the hit ratio is."""
    if opened.errors:
        row.faults.append(f"{opened.name}: {opened.errors} writes refused")
    if not figures["evicted"]:
        row.faults.append(f"{opened.name}: nothing evicted")
    if row.policy.volatile and figures["keys"] - figures["expires"] != sizes.pinned:
        row.faults.append(f"{opened.name}: {figures['keys'] - figures['expires']} keys without an expire time are left")


def table(rows: list[Row], ours: list[str]) -> list[str]:
    """Markdown lines."""
    columns = ["trace", "policy", "exact", REDIS, "noise"]
    for name in ours:
        columns += [name, "difference"]
    columns += ["keys held, " + " / ".join([REDIS, *ours]), ""]
    lines = ["| " + " | ".join(columns) + " |", "|---|---|" + "---:|" * (len(columns) - 3) + "---|"]
    for row in rows:
        words = [row.trace, row.policy.label, f"{statistics.mean(row.exact):.2f}"]
        words += [f"{statistics.mean(row.hits[REDIS]):.2f}", f"{row.noise():.2f}"]
        for name in ours:
            words += [f"{statistics.mean(row.hits[name]):.2f}", spread(row.differences(name))]
        words.append(" / ".join(f"{round(statistics.mean(row.keys[name])):,}" for name in (REDIS, *ours)))
        over = [f"{name} over the bar" for name in ours if row.worst(name) > BAR]
        words.append("; ".join(over + row.faults))
        lines.append("| " + " | ".join(words) + " |")
    return lines


def spread(values: list[float]) -> str:
    """The mean, with the least and the greatest value if there are several."""
    text = f"{statistics.mean(values):+.2f}"
    return text if len(values) == 1 else f"{text} ({min(values):+.2f} to {max(values):+.2f})"


def draw(rows: list[Row], ours: list[str], plot: Any) -> Any:
    """Draw a panel for each trace: the servers as bars, the exact cache as a line across them."""
    traces = list(dict.fromkeys(row.trace for row in rows))
    figure, panels = plot.subplots(len(traces), 1, figsize=(11, 3.2 * len(traces)), squeeze=False)
    names = [REDIS, *ours]
    width = 0.8 / len(names)
    for trace, panel in zip(traces, panels[:, 0], strict=True):
        shown = [row for row in rows if row.trace == trace]
        for at, name in enumerate(names):
            places = [number + (at - (len(names) - 1) / 2) * width for number in range(len(shown))]
            heights = [statistics.mean(row.hits[name]) for row in shown]
            label = name if name == REDIS else f"pyredmem, {name}"
            panel.bar(places, heights, width, label=label, color=COLOURS.get(name, GREY))
        for number, row in enumerate(shown):
            level = statistics.mean(row.exact)
            label = "the policy done exactly" if number == 0 else ""
            panel.plot([number - 0.45, number + 0.45], [level, level], color="black", linewidth=1.5, label=label)
        panel.set_xticks(range(len(shown)), [row.policy.label.replace(", ", "\n") for row in shown], fontsize=7)
        panel.set_ylabel("hits, %")
        panel.set_title(trace)
        panel.grid(axis="y", alpha=0.3)
    panels[0, 0].legend(fontsize=8)
    return figure


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--python-interpreted", metavar="PATH", help="interpreter with the plain package")
    parser.add_argument("--keys", type=int, default=40_000, help="number of keys that a redis-server can hold")
    parser.add_argument("--accesses", type=int, default=600_000, help="number of accesses of each trace")
    parser.add_argument("--seconds", type=float, default=40.0, help="least time for each trace")
    parser.add_argument("--rounds", type=int, default=1, help="number of rounds, each with another seed")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first round")
    parser.add_argument("--traces", default=",".join(TRACES))
    parser.add_argument("--policies", default=",".join(POLICIES))
    parser.add_argument(
        "--samples", default="3,5,10", help="numbers of samples for allkeys-lru and allkeys-lfu; the others use 5"
    )
    return parser.parse_args()


def contenders(options: argparse.Namespace) -> dict[str, Contender]:
    """Two redis-servers, then the packages that are asked for, or this interpreter's own one."""
    found = {REDIS: redis_contender(), AGAIN: redis_contender()}
    given = [options.python_compiled, options.python_interpreted]
    for text in [text for text in given if text] or [f"{sys.executable}:{ROOT}"]:
        ours = accounted_alike(own_contender(text), found[REDIS])
        found[ours.name] = ours
    return found


def accounted_alike(ours: Contender, theirs: Contender) -> Contender:
    """Our server with the allocator profile under which a key's size is nearest to that in redis-server."""
    wanted = bytes_per_key(theirs)
    found = [replace(ours, command=(*ours.command, "--mem-allocator", profile)) for profile in PROFILES]
    return min(found, key=lambda contender: abs(bytes_per_key(contender) - wanted))


def bytes_per_key(contender: Contender, keys: int = 4_096) -> float:
    """How much memory a key of the traces takes."""
    empty, full = (memory_for(contender, Policy("noeviction", 5), count, 0) for count in (1, keys))
    return (full - empty) / keys


def policies(options: argparse.Namespace) -> list[Policy]:
    """The policies that are asked for, with each number of samples where that makes a difference."""
    sampled = ("allkeys-lru", "allkeys-lfu")
    return [
        Policy(name, samples)
        for name in options.policies.split(",")
        for samples in (numbers(options.samples) if name in sampled else [5])
    ]


def main() -> None:
    options = arguments()
    servers = contenders(options)
    ours = [name for name in servers if name not in {REDIS, AGAIN}]
    sizes = Sizes(options.keys, options.accesses, options.seconds, options.keys // 10)
    rows: list[Row] = []
    for name in options.traces.split(","):
        found = [Row(name, policy, [], {}, {}, []) for policy in policies(options)]
        for number in range(options.rounds):
            print(f"{name}, round {number + 1} of {options.rounds}", file=sys.stderr)
            run_trace(found, batches(TRACES[name](sizes.keys, sizes.accesses, options.seed + number)), servers, sizes)
        print("\n".join(table(found, ours)[0 if not rows else 2 :]), flush=True)
        rows += found
    over = [row for row in rows if row.faults or max(map(row.worst, ours)) > BAR]
    noise = max(row.noise() for row in rows)
    profiles = ", ".join(f"{name} accounts as {servers[name].command[-1]}" for name in ours)
    closing = (
        f"{len(rows)} rows, {len(over)} over the bar of {BAR} points or at fault; noise at most {noise:.2f} points"
    )
    closing += f"; {profiles}"
    print(f"\n{closing}")
    record: dict[str, Any] = {"when": time.strftime("%Y-%m-%d %H:%M:%S %z"), "options": vars(options)}
    record["rows"] = [
        {"trace": row.trace, "policy": row.policy.name, "samples": row.policy.samples, "exact": row.exact}
        | {"hits": row.hits, "keys": row.keys, "faults": row.faults}
        for row in rows
    ]
    stem = write_results("eviction_quality", record, [*table(rows, ours), "", closing])
    if (plot := plotting()) is not None:
        save_chart(draw(rows, ours, plot), stem)
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
