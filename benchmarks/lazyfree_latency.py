"""How long other clients wait while a set of 5,000,000 members is freed in the background.

    python benchmarks/lazyfree_latency.py                                     # the package of this interpreter
    python benchmarks/lazyfree_latency.py --python-compiled ~/venv/bin/python --rounds 5
    python benchmarks/lazyfree_latency.py --only unlink,idle --members 1000000 --cpu 1

Another process sends PING after PING with pauses of 50 microseconds and notes every round trip. It begins shortly
before the set is deleted and ends when the server says that nothing is pending (lazyfree_pending_objects) and that the
memory is free. DEL, which frees at once, is there for comparison. So is a row in which nothing happens for as long as
the other rows took: its longest round trip is due to the machine. Other work on the machine makes single round trips
longer, never shorter. So the table shows the least and the median of each round's longest round trip, and how long the
server's threads were ready to run but had to wait for a processor. With `--ahead` the system gives server and client
priority over all other work (SCHED_RR, which only root may use), as if there were none.

The figures of the server are read ten times a second, in the idle row as in the others.

Results go to benchmarks/results/ as JSON and as a markdown table; the exit status is 1 if a figure of ours is above its
bar, which is for the operations that free in the background: 5 ms for the longest, 2 ms for p99.9, by the median of the
rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from charts import write_results
from processes import REDIS, Connection, Contender, Process, own_contender, redis_contender, running
from round_trips import RoundTrips, asking, quantile
from vs_redis import ROOT

LONGEST_MS = 5.0
P999_MS = 2.0
MEMBERS_PER_COMMAND = 1_000
COMMANDS_PER_WRITE = 50
QUIET_SECONDS = 0.3  # seconds before the operation, and after it has ended
POLL_SECONDS = 0.1
MOST_SECONDS = 120.0  # seconds until everything must be freed
FREED_SHARE = 0.1  # share of the memory of the set that may still be in use when the set counts as freed


@dataclass(frozen=True)
class Operation:
    """A way in which the set is deleted."""

    name: str
    begin: Callable[[Connection], None]
    settings: dict[str, str]
    background: bool = True


def unlink(connection: Connection) -> None:
    """Delete the set by UNLINK."""
    connection.do("UNLINK", "big")


def flush(connection: Connection) -> None:
    """Delete the set by FLUSHALL ASYNC."""
    connection.do("FLUSHALL", "ASYNC")


def evict(connection: Connection) -> None:
    """Have the set evicted, by a limit of a quarter of the memory in use."""
    limit = information(connection)["used_memory"] // 4
    connection.do("CONFIG", "SET", "maxmemory", str(limit))


def expire(connection: Connection) -> None:
    """Let the set expire in the quiet time that follows."""
    connection.do("PEXPIRE", "big", "50")


def delete(connection: Connection) -> None:
    """Delete the set by DEL, which frees it at once."""
    connection.do("DEL", "big")


OPERATIONS = (
    Operation("unlink", unlink, {}),
    Operation("flushall async", flush, {}),
    Operation("eviction", evict, {"lazyfree-lazy-eviction": "yes", "maxmemory-policy": "allkeys-lru"}),
    Operation("expiry", expire, {"lazyfree-lazy-expire": "yes"}),
    Operation("del", delete, {}, background=False),
)
IDLE = "idle"


@dataclass(frozen=True)
class Run:
    """One operation in one round; times in milliseconds."""

    longest_ms: float
    p999_ms: float
    p99_ms: float
    p50_ms: float
    freed_seconds: float
    round_trips: int
    waited_ms: float  # how long the server's threads waited for a processor


def information(connection: Connection, section: str = "memory") -> dict[str, int]:
    text = connection.do("INFO", section)
    pairs = (line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
    return {name.decode(): int(value) for name, value in pairs if value.isdigit()}


def payload(members: int) -> list[bytes]:
    """The requests that create the set, each item for one write."""
    writes: list[bytes] = []
    parts: list[bytes] = []
    for start in range(0, members, MEMBERS_PER_COMMAND):
        stop = min(start + MEMBERS_PER_COMMAND, members)
        parts.append(b"*%d\r\n$4\r\nSADD\r\n$3\r\nbig\r\n" % (stop - start + 2))
        parts += [b"$15\r\nmember:%08d\r\n" % number for number in range(start, stop)]
        if (start // MEMBERS_PER_COMMAND + 1) % COMMANDS_PER_WRITE == 0 or stop == members:
            writes.append(b"".join(parts))
            parts = []
    return writes


def load(connection: Connection, writes: list[bytes], members: int) -> None:
    """Create the set."""
    connection.load_raw(writes, -(-members // MEMBERS_PER_COMMAND))
    if (found := connection.do("SCARD", "big")) != b":%d" % members:
        raise RuntimeError(f"the set has {found.decode()} members")


def waited_ns(process: Process) -> int:
    """How long the threads of a server were ready to run but had no processor, nanoseconds."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[1]) for task in tasks)


def go_ahead(pid: int, policy: int) -> None:
    """Set the scheduling policy of all threads of a process; the main thread gets the highest priority.

    The ordinary scheduler runs the thread that serves clients as soon as it wakes. Under this policy and with equal
    priorities a background thread would keep the processor from it for a whole turn.
    """
    for task in Path(f"/proc/{pid}/task").iterdir():
        thread = int(task.name)
        priority = 0 if policy == os.SCHED_OTHER else 2 if thread == pid else 1
        os.sched_setscheduler(thread, policy, os.sched_param(priority))


@contextlib.contextmanager
def before_others(*pids: int) -> Iterator[None]:
    """Give processes priority over all others within the block."""
    for pid in pids:
        go_ahead(pid, os.SCHED_RR)
    try:
        yield
    finally:
        for pid in pids:
            go_ahead(pid, os.SCHED_OTHER)


def observe(process: Process, begin: Callable[[], None], ended: Callable[[], bool], options: argparse.Namespace) -> Run:
    """Call ``begin`` and measure the client's round trips, from shortly before until ``ended`` is true."""
    with ExitStack() as stack:
        if options.ahead:  # the client inherits the priority
            stack.enter_context(before_others(process.pid, os.getpid()))
        found = stack.enter_context(asking(process.port, options.pause, options.cpu))
        time.sleep(0.2)  # the first round trips of a client are slower
        waited = waited_ns(process)
        first_ns = time.monotonic_ns()
        time.sleep(QUIET_SECONDS)
        begun_ns = time.monotonic_ns()
        begin()
        while not ended():
            if time.monotonic_ns() - begun_ns > MOST_SECONDS * 1e9:
                raise RuntimeError(f"not freed in {MOST_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        ended_ns = time.monotonic_ns()
        time.sleep(QUIET_SECONDS)
        last_ns = time.monotonic_ns()
        waited = waited_ns(process) - waited
    taken = found.within(first_ns, last_ns)
    if options.trace:
        tell_long_ones(found, begun_ns)
    longest, p999, p99, p50 = (quantile(taken, share) / 1e6 for share in (1, 0.999, 0.99, 0.5))
    return Run(longest, p999, p99, p50, (ended_ns - begun_ns) / 1e9, len(taken), waited / 1e6)


def tell_long_ones(found: RoundTrips, begun_ns: int) -> None:
    """Print when the longest round trips were."""
    pairs = sorted(zip(found.taken_ns, found.started_ns, strict=True), reverse=True)[:12]
    for taken, started in sorted(pairs, key=lambda pair: pair[1]):
        print(f"    {(started - begun_ns) / 1e6:10.2f} ms after: {taken / 1e6:.2f} ms", file=sys.stderr)


def measure(
    contender: Contender, operations: list[Operation], writes: list[bytes], options: argparse.Namespace
) -> dict[str, Run]:
    """Run one round on a new server."""
    found: dict[str, Run] = {}
    with running(contender) as process:
        connection = Connection(process.port, timeout=120)
        empty = information(connection)["used_memory"]
        for operation in operations:
            load(connection, writes, options.members)
            for name, value in operation.settings.items():
                connection.do("CONFIG", "SET", name, value)
            rest = empty + FREED_SHARE * (information(connection)["used_memory"] - empty)

            def ended(rest: float = rest) -> bool:
                figures = information(connection)
                return figures["lazyfree_pending_objects"] == 0 and figures["used_memory"] <= rest

            def begin(operation: Operation = operation) -> None:
                operation.begin(connection)

            found[operation.name] = observe(process, begin, ended, options)
            connection.do("CONFIG", "SET", "maxmemory", "0")
            print(f"  {contender.name}, {operation.name}: {found[operation.name]}", file=sys.stderr)
        if options.idle:
            found[IDLE] = observe_idle(process, connection, found, options)
        connection.close()
    return found


def observe_idle(process: Process, connection: Connection, found: dict[str, Run], options: argparse.Namespace) -> Run:
    """Let nothing happen, for as long as the slowest operation took, or for two seconds."""
    length = max([run.freed_seconds for run in found.values()] or [2.0])
    until = time.monotonic() + QUIET_SECONDS + length

    def ended() -> bool:
        information(connection)
        return time.monotonic() >= until

    return observe(process, lambda: None, ended, options)


def table(runs: dict[str, list[dict[str, Run]]], operations: list[Operation]) -> tuple[list[str], bool]:
    """Markdown lines, and whether a figure of ours is above its bar."""
    columns = ["operation", "server", "longest ms, min/median", "p99.9 ms", "p99 ms", "p50 ms", "freed after s"]
    columns += ["waited for CPU ms", ""]
    lines = ["| " + " | ".join(columns) + " |", "|---|---|---:|---:|---:|---:|---:|---:|---|"]
    above = False
    background = {operation.name for operation in operations if operation.background}
    names = [operation.name for operation in operations]
    for name in [*names, IDLE]:
        for server, rounds in runs.items():
            seen = [found[name] for found in rounds if name in found]
            if not seen:
                continue
            longest = statistics.median(run.longest_ms for run in seen)
            p999 = statistics.median(run.p999_ms for run in seen)
            over = server != REDIS and name in background and (longest > LONGEST_MS or p999 > P999_MS)
            above = above or over
            columns = [name, server, f"{min(run.longest_ms for run in seen):.2f} / {longest:.2f}", f"{p999:.2f}"]
            columns += [f"{statistics.median(run.p99_ms for run in seen):.2f}"]
            columns += [f"{statistics.median(run.p50_ms for run in seen):.3f}"]
            columns += ["" if name == IDLE else f"{statistics.median(run.freed_seconds for run in seen):.1f}"]
            columns += [f"{statistics.median(run.waited_ms for run in seen):.0f}", "above the bar" if over else ""]
            lines.append("| " + " | ".join(columns) + " |")
    return lines, above


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--python-interpreted", metavar="PATH", help="interpreter with the plain package")
    parser.add_argument("--members", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=int, default=50, help="microseconds from a reply to the next request")
    parser.add_argument("--cpu", type=int, help="the processor of the client that waits")
    parser.add_argument("--only", default="", help="operations, separated by commas; idle is one of them")
    parser.add_argument("--no-redis", action="store_true", help="do not measure redis-server")
    parser.add_argument("--ahead", action="store_true", help="give server and client priority over all other processes")
    parser.add_argument("--trace", action="store_true", help="print when the longest round trips were")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [operation.name for operation in OPERATIONS] + [IDLE]
    options.operations = [name for name in wanted if name != IDLE]
    options.idle = IDLE in wanted
    return options


def contenders(options: argparse.Namespace) -> list[Contender]:
    """redis-server first, then the packages that are asked for, or this interpreter's own one."""
    given = [text for text in (options.python_compiled, options.python_interpreted) if text]
    ours = [own_contender(text) for text in given or [f"{sys.executable}:{ROOT}"]]
    return ours if options.no_redis else [redis_contender(), *ours]


def main() -> None:
    options = arguments()
    operations = [operation for operation in OPERATIONS if operation.name in options.operations]
    writes = payload(options.members)
    runs: dict[str, list[dict[str, Run]]] = {}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for contender in contenders(options):
            runs.setdefault(contender.name, []).append(measure(contender, operations, writes, options))
    lines, above = table(runs, operations)
    print("\n".join(lines))
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "options": vars(options),
        "rounds": {
            name: [{operation: asdict(run) for operation, run in found.items()} for found in rounds]
            for name, rounds in runs.items()
        },
    }
    write_results("lazyfree_latency", record, lines)
    sys.exit(1 if above else 0)


if __name__ == "__main__":
    main()
