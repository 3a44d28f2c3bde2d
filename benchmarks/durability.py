"""What it costs to keep data on disk, beside redis-server: saving, loading, appending, and how long clients wait.

    python benchmarks/durability.py                                     # the package of this interpreter
    python benchmarks/durability.py --python-compiled ~/venv/bin/python --rounds 5
    python benchmarks/durability.py --only save,load --keys 100000

* *save* and *load*: SAVE of a mixed dataset, and the start of a server with one and the same file, less that of a
  server without a file, in CPU time. The bar is 3 times that of redis-server.
* *everysec*: CPU time per SET with the append-only file over that without it; the bar is 1.3.
* *always*: SETs per second of 50 clients with `appendfsync always`, over those of redis-server; the bar is 0.8.
* *bgsave*: a set of 5,000,000 members is saved in the background while a client, which changes the set too, keeps the
  server busy for half of the time. The longest wait of another client may be 5 ms, and memory may grow by 15 %. The
  longest wait in the same time before the save shows what the machine itself does.

Ratios are taken within a round. Results go to benchmarks/results/ as JSON and as a markdown table; the exit status is 1
if a median is worse than its bar.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from charts import write_results
from lazyfree_latency import information
from processes import REDIS, Connection, Contender, Process, own_contender, redis_contender, running
from round_trips import RoundTrips, asking
from vs_redis import ROOT

MEMBERS = 5_000_000
QUIET_SECONDS = 2.0  # before the save: how long clients wait without it
LOOK_SECONDS = 0.05  # between two looks at the memory, and at whether the save goes on
PAUSE_US = 300
POLL_SECONDS = 0.1  # while a file is loaded: each PING takes time from it
#: By measurement: the bar, whether a figure must not be above it (or below it), and what the figure is.
BARS = {
    "save": (3.0, True, "CPU time over redis-server's"),
    "load": (3.0, True, "CPU time over redis-server's"),
    "everysec P=1": (1.3, True, "CPU time per SET over that without the file"),
    "everysec P=16": (1.3, True, "CPU time per SET over that without the file"),
    "always": (0.8, False, "SETs per second over redis-server's"),
    "bgsave wait": (5.0, True, "longest wait, ms"),
    "bgsave memory": (15.0, True, "growth of memory, %"),
}
PARTS = ("save", "load", "everysec", "always", "bgsave")
#: A client that changes a set and other keys, and rests for as long as the server takes to reply.
BUSY = """
import random, sys, time
sys.path.insert(0, sys.argv[1])
from processes import Connection
connection = Connection(int(sys.argv[2]))
members = int(sys.argv[3])
while True:
    commands = [("SET", "key:%d" % random.randrange(100000), "value") for _ in range(20)]
    commands.append(("SADD", "big", "new:%08d" % random.randrange(10**8)))
    commands.append(("SREM", "big", "member:%08d" % random.randrange(members)))
    began = time.perf_counter()
    connection.load(commands)
    time.sleep(time.perf_counter() - began)
"""

Figures = dict[str, dict[str, float]]  # by measurement, by contender


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys of the mixed dataset")
    parser.add_argument("--members", type=int, default=MEMBERS, help="members of the set that is saved")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    return parser.parse_args()


def mixed(keys: int) -> Iterator[Sequence[str | bytes]]:
    """Commands that make a dataset of this many keys, of all types and sizes."""
    chance = random.Random(5)

    def text(length: int) -> str:
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    for number in range(keys):
        kind = number % 20
        if kind < 6:
            yield "SET", f"short:{number}", text(chance.randint(3, 40))
        elif kind < 9:
            yield "SET", f"integer:{number}", str(chance.randint(-(10**6), 10**12))
        elif kind < 12:
            yield "SET", f"expiring:{number}", text(20), "EX", str(10**6 + number)
        elif kind == 12:
            yield "SET", f"long:{number}", text(chance.randint(300, 900))
        elif kind == 13:
            yield "RPUSH", f"list:{number}", *[text(12) for _ in range(200 if number % 1000 == 13 else 8)]
        elif kind == 14:
            yield "SADD", f"numbers:{number}", *[str(chance.randint(0, 10**6)) for _ in range(15)]
        elif kind == 15:
            yield "SADD", f"set:{number}", *[text(10) for _ in range(10)]
        elif kind < 18:
            fields = range(200 if number % 1000 == 16 else 6)
            yield "HSET", f"hash:{number}", *[word for at in fields for word in (f"field{at}", text(10))]
        elif kind == 18:
            members = range(200 if number % 1000 == 18 else 8)
            yield "ZADD", f"zset:{number}", *[word for _ in members for word in (f"{chance.random() * 100}", text(8))]
        else:
            yield "XADD", f"stream:{number}", "1700000000000-0", "a", text(8), "b", str(number)


def cpu_of(server: Process, work: Callable[[], object]) -> float:
    """CPU seconds of the server for some work."""
    before = server.cpu_seconds()
    work()
    return server.cpu_seconds() - before


def save(server: Process) -> None:
    """Run SAVE."""
    connection = Connection(server.port, 600)
    reply = connection.do("SAVE")
    connection.close()
    if reply != b"+OK":
        raise RuntimeError(reply.decode())


def make_file(contender: Contender, keys: int, file: Path) -> None:
    """Have a server save a mixed dataset."""
    with running(contender) as server:
        connection = Connection(server.port)
        connection.load(mixed(keys))
        connection.close()
        save(server)
        shutil.copy(server.directory / "dump.rdb", file)


def save_and_load(contenders: list[Contender], file: Path) -> Figures:
    """CPU seconds."""
    figures: Figures = {"save": {}, "load": {}}
    for contender in contenders:
        with running(contender) as server:
            without = server.cpu_seconds()
        with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
            shutil.copy(file, Path(directory) / "dump.rdb")
            server = Process(contender, [], directory, POLL_SECONDS)
            try:
                figures["load"][contender.name] = server.cpu_seconds() - without
                figures["save"][contender.name] = cpu_of(server, partial(save, server))
            finally:
                server.stop()
    return figures


def sets(server: Process, pipeline: int, requests: int, clients: int = 50) -> tuple[float, float]:
    """CPU seconds and elapsed seconds that a number of SETs take, by redis-benchmark."""
    command = ["redis-benchmark", "-p", str(server.port), "-t", "set", "-r", "100000", "-c", str(clients), "-q"]
    command += ["-n", str(requests), "-P", str(pipeline)]
    began = time.perf_counter()
    cpu = cpu_of(server, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    return cpu, time.perf_counter() - began


def everysec(contenders: list[Contender]) -> Figures:
    """By depth of the pipeline: CPU time with the append-only file over that without it."""
    figures: Figures = {"everysec P=1": {}, "everysec P=16": {}}
    for contender in contenders:
        for pipeline, requests in ((1, 200_000), (16, 1_000_000)):
            with running(contender) as server:
                sets(server, 16, 100_000)
                without, _ = sets(server, pipeline, requests)
            with running(contender, "--appendonly", "yes") as server:
                sets(server, 16, 100_000)
                with_file, _ = sets(server, pipeline, requests)
            figures[f"everysec P={pipeline}"][contender.name] = with_file / without
    return figures


def always(contenders: list[Contender]) -> Figures:
    """SETs per second."""
    figures: Figures = {"always": {}}
    for contender in contenders:
        with running(contender, "--appendonly", "yes", "--appendfsync", "always") as server:
            _, elapsed = sets(server, 1, 30_000)
        figures["always"][contender.name] = 30_000 / elapsed
    return figures


def names(first: int) -> list[str]:
    """A hundred members of the set."""
    return [f"member:{number:08}" for number in range(first, first + 100)]


def bgsave(contenders: list[Contender], members: int) -> Figures:
    """The longest wait (ms), before the save and while it runs, and the growth of memory (%)."""
    figures: Figures = {"bgsave wait": {}, "bgsave wait before": {}, "bgsave memory": {}}
    for contender in contenders:
        with running(contender) as server:
            connection = Connection(server.port)
            connection.load(("SADD", "big", *names(first)) for first in range(0, members, 100))
            busy = [sys.executable, "-c", BUSY, str(Path(__file__).parent), str(server.port), str(members)]
            load = subprocess.Popen(["nice", "-n", "19", *busy])
            try:
                found, times, growth = _save_in_background(server, connection)
            finally:
                load.kill()
                load.wait()
            connection.close()
        figures["bgsave wait before"][contender.name] = found.within(times[0], times[1])[-1] / 1e6
        figures["bgsave wait"][contender.name] = found.within(times[1], times[2])[-1] / 1e6
        figures["bgsave memory"][contender.name] = growth
    return figures


def _save_in_background(server: Process, connection: Connection) -> tuple[RoundTrips, list[int], float]:
    """The round trips; when the quiet time began, when the save did, and when it ended; the growth of memory (%)."""
    with asking(server.port, PAUSE_US) as found:
        time.sleep(QUIET_SECONDS / 2)  # the first replies take longer
        times = [time.monotonic_ns()]
        time.sleep(QUIET_SECONDS)
        before = most = server.family_bytes()
        times.append(time.monotonic_ns())
        connection.do("BGSAVE")
        while information(connection, "persistence")["rdb_bgsave_in_progress"]:
            time.sleep(LOOK_SECONDS)
            most = max(most, server.family_bytes())
        times.append(time.monotonic_ns())
    return found, times, 100.0 * (most - before) / before


def measure(contenders: list[Contender], options: argparse.Namespace, directory: Path) -> Figures:
    """One round."""
    figures: Figures = {}
    parts = options.only.split(",")
    if "save" in parts or "load" in parts:
        file = directory / "mixed.rdb"
        if not file.exists():
            make_file(contenders[0], options.keys, file)
        figures |= save_and_load(contenders, file)
    if "everysec" in parts:
        figures |= everysec(contenders)
    if "always" in parts:
        figures |= always(contenders)
    if "bgsave" in parts:
        figures |= bgsave(contenders, options.members)
    return figures


def compared(name: str, row: dict[str, float], ours: str) -> float:
    """The figure that has a bar."""
    return row[ours] / row[REDIS] if name in ("save", "load", "always") else row[ours]


def report(rounds: list[Figures], ours: str, size: int) -> tuple[list[str], bool]:
    """The table, and whether all bars are met."""
    lines = ["| | redis-server | ours | least / median / most | bar | of what |", "|---|---:|---:|---:|---:|---|"]
    met = True
    for name in rounds[0]:
        rows = [figures[name] for figures in rounds]
        mean = [statistics.median(row[contender] for row in rows) for contender in (REDIS, ours)]
        found = sorted(compared(name, row, ours) for row in rows)
        middle = statistics.median(found)
        bar, is_most, what = BARS.get(name, (None, True, "longest wait, ms"))
        if bar is not None:
            met = met and (middle <= bar if is_most else middle >= bar)
        spread = f"{found[0]:.2f} / {middle:.2f} / {found[-1]:.2f}"
        if name in ("save", "load") and size > 0:
            what += f"; MB/s: {size / 1e6 / mean[0]:.0f} and {size / 1e6 / mean[1]:.0f}"
        lines.append(f"| {name} | {mean[0]:.2f} | {mean[1]:.2f} | {spread} | {bar or ''} | {what} |")
    return lines, met


def main() -> None:
    options = arguments()
    given = options.python_compiled or (f"{sys.executable}:{ROOT}" if (ROOT / "pyredmem").is_dir() else sys.executable)
    contenders = [redis_contender(), own_contender(given)]
    directory = Path(__file__).resolve().parent / "results"
    directory.mkdir(exist_ok=True)
    file = directory / "mixed.rdb"
    file.unlink(missing_ok=True)
    rounds: list[Figures] = []
    size = 0
    for at in range(options.rounds):
        print(f"round {at + 1} of {options.rounds}", file=sys.stderr)
        rounds.append(measure(contenders, options, directory))
        size = file.stat().st_size if file.exists() else 0
    file.unlink(missing_ok=True)
    lines, met = report(rounds, contenders[1].name, size)
    print("\n".join(lines))
    write_results("durability", {"rounds": rounds, "bars": BARS, "file_bytes": size}, lines)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
