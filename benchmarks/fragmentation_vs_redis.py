"""How deleting at random fragments memory, and how far defragmentation repairs it, compared with redis-server.

    python benchmarks/fragmentation_vs_redis.py                             # the package of this interpreter
    python benchmarks/fragmentation_vs_redis.py --python-compiled ~/venv/bin/python
    python benchmarks/fragmentation_vs_redis.py --loads strings-100,hashes --share 10

Each load is the same on every server: keys, or elements of collections, most of which are deleted again at random. Then
`activedefrag` is enabled, and the benchmark waits for its end. The table shows the ratio of active to allocated bytes
(allocator_frag_ratio) before and after.

A redis-server that comes with a Linux distribution uses the system's jemalloc, which does not say which blocks should
be moved; such a server refuses `activedefrag`. Its column `after` is then empty, and the table says so. Its size
classes differ a little too. So one of our servers uses the same classes (`mem-allocator jemalloc-lg4`), to compare the
fragmentation itself; that one cannot defragment either.

With matplotlib (the extra `bench`) a chart is drawn. The exit status is 1 if a ratio of ours was over 1.5 and is not
below 1.1 at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from charts import COLOURS, GREY, plotting, save_chart, write_results
from processes import REDIS, Connection, Contender, Process, own_contender, redis_contender, running

Command = list[str | bytes]
TWIN = "ours, jemalloc-lg4"
OURS = "ours"
HIGH, LOW = 1.5, 1.1  # the bar
PAYLOAD = bytes(range(65, 91)) * 200
BATCH = 100  # elements or keys in a command
COLLECTION = 5000  # elements of a large collection
LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Load:
    """What is written, and how much of it is deleted."""

    write: Callable[[int, Random], Iterator[Command]]
    delete: Callable[[int, float, Random], Iterator[Command]]


def names(count: int) -> Iterator[str]:
    """The names of ``count`` keys."""
    return (f"key:{number}" for number in range(count))


def chunks(words: Iterable[str], *head: str) -> Iterator[Command]:
    """Commands of BATCH words each."""
    command: Command = [*head]
    for word in words:
        command.append(word)
        if len(command) == BATCH + len(head):
            yield command
            command = [*head]
    if len(command) > len(head):
        yield command


def delete_keys(count: int, share: float, chance: Random) -> Iterator[Command]:
    """Delete random keys; about ``share`` of them are left."""
    return chunks((name for name in names(count) if chance.random() >= share), "DEL")


def strings(least: int, most: int) -> Load:
    """Keys with strings of random lengths from ``least`` to ``most``."""

    def write(count: int, chance: Random) -> Iterator[Command]:
        for name in names(count):
            yield ["SET", name, PAYLOAD[: chance.randint(least, most)]]

    return Load(write, delete_keys)


def rewritten(count: int, chance: Random) -> Iterator[Command]:
    """Strings of 100 bytes, most of which are then replaced by longer ones, in random order."""
    order = list(names(count))
    for name in order:
        yield ["SET", name, PAYLOAD[:100]]
    chance.shuffle(order)
    for name in order[: len(order) * 4 // 5]:
        yield ["SET", name, PAYLOAD[: chance.randint(300, 600)]]


def keep_keys(count: int, share: float, chance: Random) -> Iterator[Command]:
    """Delete nothing."""
    return iter(())


def small(command: str, item: Callable[[int], Command], elements: int) -> Load:
    """A small collection, a listpack, for every ten elements."""

    def write(count: int, chance: Random) -> Iterator[Command]:
        for name in names(count // 10):
            for number in range(0, elements, BATCH):
                words = [word for at in range(number, min(number + BATCH, elements)) for word in item(at)]
                yield [command, name, *words]

    def delete(count: int, share: float, chance: Random) -> Iterator[Command]:
        return delete_keys(count // 10, share, chance)

    return Load(write, delete)


def big(command: str, item: Callable[[int], Command], removal: str) -> Load:
    """Large collections, most of whose elements are then removed."""

    def write(count: int, chance: Random) -> Iterator[Command]:
        for name in names(count // COLLECTION):
            for number in range(0, COLLECTION, BATCH):
                words = [word for at in range(number, number + BATCH) for word in item(at)]
                yield [command, name, *words]

    def delete(count: int, share: float, chance: Random) -> Iterator[Command]:
        for name in names(count // COLLECTION):
            gone = (f"element:{number}" for number in range(COLLECTION) if chance.random() >= share)
            yield from chunks(gone, removal, name)

    return Load(write, delete)


def pushed(count: int, chance: Random) -> Iterator[Command]:
    """Lists that grow side by side, so that their nodes are interleaved in memory."""
    yield ["CONFIG", "SET", "list-max-listpack-size", "16"]
    lists = max(1, count // COLLECTION)
    for number in range(0, COLLECTION, BATCH):
        for name in names(lists):
            yield ["RPUSH", name, *[PAYLOAD[: 20 + at % 80] for at in range(number, number + BATCH)]]


def delete_lists(count: int, share: float, chance: Random) -> Iterator[Command]:
    """Delete random lists; about ``share`` of them are left."""
    return delete_keys(max(1, count // COLLECTION), share, chance)


def added(count: int, chance: Random) -> Iterator[Command]:
    """Streams that grow side by side, each with fifty entries."""
    yield ["CONFIG", "SET", "stream-node-max-entries", "10"]
    streams = max(1, count // 50)
    for number in range(50):
        for name in names(streams):
            yield ["XADD", name, f"{number + 1}-0", "field", PAYLOAD[: chance.randint(10, 60)]]


def delete_streams(count: int, share: float, chance: Random) -> Iterator[Command]:
    """Delete random streams; about ``share`` of them are left."""
    return delete_keys(max(1, count // 50), share, chance)


LOADS: dict[str, Load] = {
    "strings-100": strings(100, 100),
    "strings-20..250": strings(20, 250),
    "strings-500..4000": strings(500, 4000),
    "strings-rewritten": Load(rewritten, keep_keys),
    "small-hashes": small("HSET", lambda at: [f"field:{at}", PAYLOAD[: 10 + at]], 12),
    "small-sets": small("SADD", lambda at: [f"element:{at}"], 40),
    "small-zsets": small("ZADD", lambda at: [str(at), f"element:{at}"], 40),
    "small-lists": small("RPUSH", lambda at: [PAYLOAD[: 10 + at]], 30),
    "hashes": big("HSET", lambda at: [f"element:{at}", PAYLOAD[:60]], "HDEL"),
    "sets": big("SADD", lambda at: [f"element:{at}"], "SREM"),
    "zsets": big("ZADD", lambda at: [str(at), f"element:{at}"], "ZREM"),
    "lists": Load(pushed, delete_lists),
    "streams": Load(added, delete_streams),
}


@dataclass(frozen=True)
class Memory:
    """Figures of INFO memory, in bytes."""

    used: int
    allocated: int
    active: int
    resident: int
    process: int

    @property
    def ratio(self) -> float:
        return self.active / self.allocated


def info(connection: Connection, section: str) -> dict[str, str]:
    """The fields of a section of INFO."""
    lines = connection.do("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def memory(connection: Connection) -> Memory:
    """The figures, after the server has updated them."""
    time.sleep(0.25)
    fields = info(connection, "memory")
    names_of_fields = (
        "used_memory",
        "allocator_allocated",
        "allocator_active",
        "allocator_resident",
        "used_memory_rss",
    )
    return Memory(*[int(fields[name]) for name in names_of_fields])


@dataclass
class Outcome:
    """The figures of a load on a server, before and after."""

    loaded: Memory
    before: Memory
    after: Memory | None  # None: the server cannot defragment
    refusal: str
    seconds: float
    hits: int
    misses: int


def run(process: Process, load: Load, options: argparse.Namespace) -> Outcome:
    connection = Connection(process.port)
    try:
        connection.load(load.write(options.keys, Random(options.seed)))
        loaded = memory(connection)
        connection.load(load.delete(options.keys, options.share / 100, Random(options.seed + 1)))
        before = memory(connection)
        settings = ("active-defrag-ignore-bytes", "1mb")
        cycle = ("active-defrag-cycle-min", str(options.cpu), "active-defrag-cycle-max", str(options.cpu))
        reply = connection.do("CONFIG", "SET", "activedefrag", "yes", *settings, *cycle)
        if reply != b"+OK":
            return Outcome(loaded, before, None, reply.decode().partition(" - ")[2], 0.0, 0, 0)
        seconds = wait_for_end(connection)
        stats = info(connection, "stats")
        after = memory(connection)
        hits, misses = int(stats["active_defrag_hits"]), int(stats["active_defrag_misses"])
        return Outcome(loaded, before, after, "", seconds, hits, misses)
    finally:
        connection.close()


def wait_for_end(connection: Connection) -> float:
    """Wait until no defragmentation is in progress or begins; returns the seconds it ran, as the server counts them."""
    began = time.monotonic()
    idle_since = began
    while time.monotonic() - began < LIMIT_SECONDS and time.monotonic() - idle_since < 2.5:
        if int(info(connection, "memory")["active_defrag_running"]):
            idle_since = time.monotonic()
        time.sleep(0.05)
    return int(info(connection, "stats")["total_active_defrag_time"]) / 1000


def contenders(options: argparse.Namespace) -> dict[str, tuple[Contender, tuple[str, ...]]]:
    own = own_contender(options.python_compiled) if options.python_compiled else own_contender(sys.executable)
    # Entries of the slow log are not moved, and on a busy machine any command may become one. Each would keep a slab,
    # and slabs that no block leaves hold up the others, because the rule compares a slab with the average.
    fixed = ("--maxmemory", "4gb", "--slowlog-log-slower-than", "-1")
    return {
        REDIS: (redis_contender(), fixed),
        TWIN: (own, (*fixed, "--mem-allocator", "jemalloc-lg4")),
        OURS: (own, fixed),
    }


def megabytes(count: int) -> str:
    return f"{count / 1024**2:.1f}"


def table(rows: dict[str, dict[str, Outcome]]) -> list[str]:
    lines = [
        f"| load | MB | {REDIS} before | after | {TWIN}: before | {OURS}: before | after | active MB | RSS MB | s | "
        "moved | looked at |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        real, ours = row[REDIS], row[OURS]
        end = ours.after or ours.before
        real_after = f"{real.after.ratio:.2f}" if real.after is not None else "-"
        lines.append(
            f"| {name} | {megabytes(ours.before.used)} | {real.before.ratio:.2f} | {real_after} "
            f"| {row[TWIN].before.ratio:.2f} | {ours.before.ratio:.2f} | **{end.ratio:.2f}** "
            f"| {megabytes(ours.before.active)} -> {megabytes(end.active)} "
            f"| {megabytes(ours.before.process)} -> {megabytes(end.process)} "
            f"| {ours.seconds:.1f} | {ours.hits} | {ours.hits + ours.misses} |"
        )
    return lines


def notes(rows: dict[str, dict[str, Outcome]]) -> list[str]:
    """The remarks under the table."""
    refusals = {outcome.refusal for row in rows.values() for name, outcome in row.items() if name == REDIS} - {""}
    return [f"{REDIS} has no figures after: {refusal}." for refusal in sorted(refusals)]


def draw(rows: dict[str, dict[str, Outcome]], plot: Any) -> Any:
    """Draw the ratios as bars."""
    figure, axes = plot.subplots(figsize=(1.1 * len(rows) + 3, 4.5))
    series = (
        (REDIS, COLOURS[REDIS], [row[REDIS].before.ratio for row in rows.values()]),
        (TWIN, COLOURS["interpreted"], [row[TWIN].before.ratio for row in rows.values()]),
        (f"{OURS}, before", GREY, [row[OURS].before.ratio for row in rows.values()]),
        (f"{OURS}, after", COLOURS["compiled"], [(row[OURS].after or row[OURS].before).ratio for row in rows.values()]),
    )
    for number, (label, colour, heights) in enumerate(series):
        axes.bar([at + 0.2 * number for at in range(len(rows))], heights, 0.2, label=label, color=colour)
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    axes.set_xticks([at + 0.3 for at in range(len(rows))], list(rows), rotation=30, ha="right")
    axes.set_ylabel("active / allocated bytes")
    axes.set_title("Fragmentation after deleting at random, and after defragmentation")
    axes.legend()
    return figure


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python-compiled", default="", help="interpreter (PYTHON or PYTHON:DIRECTORY) with a build")
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--keys", type=int, default=200_000, help="number of keys, or of elements of collections")
    parser.add_argument("--share", type=float, default=25, help="percent of them that are left")
    parser.add_argument("--cpu", type=int, default=25, help="percent of a processor for defragmentation")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    rows: dict[str, dict[str, Outcome]] = {}
    for name in options.loads.split(","):
        rows[name] = {}
        for server, (contender, fixed) in contenders(options).items():
            print(f"{name}: {server}", file=sys.stderr)
            with running(contender, *fixed) as process:
                rows[name][server] = run(process, LOADS[name], options)
        print("\n".join(table({name: rows[name]})[0 if len(rows) == 1 else 2 :]), flush=True)
    failed = [
        name
        for name, row in rows.items()
        if row[OURS].before.ratio > HIGH and (row[OURS].after or row[OURS].before).ratio >= LOW
    ]
    closing = [*notes(rows), f"{len(failed)} of {len(rows)} loads went over {HIGH} and did not come below {LOW}"]
    print("\n" + "\n".join(closing))
    record = {"when": time.strftime("%Y-%m-%d %H:%M:%S %z"), "options": vars(options)}
    record["loads"] = {name: {server: asdict(one) for server, one in row.items()} for name, row in rows.items()}
    stem = write_results("fragmentation_vs_redis", record, [*table(rows), "", *closing])
    if (plot := plotting()) is not None:
        save_chart(draw(rows, plot), stem)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
