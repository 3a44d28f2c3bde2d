"""The measurements: redis-benchmark workloads, key counts, start, and memory per key."""

from __future__ import annotations

import subprocess
import time
from dataclasses import asdict, dataclass

from processes import Connection, Contender, Process, running

CLIENTS = 50
#: The tests of redis-benchmark on collections (and MSET), in the order in which they are told.
COLLECTIONS = (
    "lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin", "lrange_100", "lrange_600", "mset",
)  # fmt: skip
#: What has to be there before a test: what another test leaves. It is run for so many times the requests.
FILLS = {
    "lpop": "rpush",
    "rpop": "lpush",
    "spop": "sadd",
    "zpopmin": "zadd",
    "lrange_100": "lpush",
    "lrange_600": "lpush",
}
FILL_FACTOR = 3
#: redis-benchmark's own tests of these begin with a fill that could not be told from them.
COMMANDS = {"lrange_100": ("LRANGE", "mylist", "0", "99"), "lrange_600": ("LRANGE", "mylist", "0", "599")}
#: Their requests are large; so many times fewer are enough.
FEWER = {"lrange_100": 10, "lrange_600": 40}
LITERAL_KEY = "key:__rand_int__"  # what redis-benchmark uses without a key range


@dataclass(frozen=True)
class Workload:
    """One test of redis-benchmark with a pipeline depth and, with keys or members, a range of random ones."""

    test: str
    pipeline: int
    keys: int = 0
    members: int = 0

    @property
    def label(self) -> str:
        """For tables."""
        suffix = f", {self.keys} keys" if self.keys else f", {self.members} members" if self.members else ""
        return f"{self.test.upper()} P={self.pipeline}{suffix}"


@dataclass(frozen=True)
class Figure:
    """What one run of a workload came to."""

    requests_per_second: float
    cpu_us_per_command: float


def run_workload(process: Process, workload: Workload, requests: int) -> Figure:
    """Run redis-benchmark once; the keys are there already."""
    requests //= FEWER.get(workload.test, 1)
    command = _benchmark(process, workload, requests)
    command += COMMANDS.get(workload.test, ("-t", workload.test))
    before = process.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    cpu = process.cpu_seconds() - before
    rows = [line.split(",") for line in done.stdout.splitlines() if line.startswith('"')]
    rates = [float(row[1].strip('"')) for row in rows if row[1].strip('"').replace(".", "").isdigit()]
    if not rates:
        raise RuntimeError(f"redis-benchmark said: {done.stdout}{done.stderr}")
    return Figure(rates[0], cpu * 1e6 / requests)


def _benchmark(process: Process, workload: Workload, requests: int) -> list[str]:
    """redis-benchmark without the test."""
    command = ["redis-benchmark", "-p", str(process.port), "-n", str(requests)]
    command += ["-c", str(CLIENTS), "-P", str(workload.pipeline), "--csv"]
    if workload.keys or workload.members:
        command += ["-r", str(workload.keys or workload.members)]
    return command


def measure_collections(contender: Contender, workloads: list[Workload], requests: int) -> dict[str, dict[str, float]]:
    """Workloads on collections: each begins with an empty server, filled if the test takes something out or reads."""
    found: dict[str, dict[str, float]] = {}
    with running(contender) as process:
        connection = Connection(process.port)
        for workload in workloads:
            connection.do("FLUSHALL")
            if workload.test in FILLS:
                fill = [*_benchmark(process, workload, requests * FILL_FACTOR), "-t", FILLS[workload.test]]
                subprocess.run(fill, capture_output=True, check=True, stdin=subprocess.DEVNULL)
            found[workload.label] = asdict(run_workload(process, workload, requests))
        connection.close()
    return found


def measure_round(contender: Contender, workloads: list[Workload], requests: int) -> dict[str, dict[str, float]]:
    """All workloads on a fresh server; those with keys on servers of their own."""
    found: dict[str, dict[str, float]] = {}
    for keys in dict.fromkeys(workload.keys for workload in workloads):
        with running(contender) as process:
            preload(process, keys, b"xxx")
            for workload in workloads:
                if workload.keys == keys:
                    found[workload.label] = asdict(run_workload(process, workload, requests))
    return found


def preload(process: Process, keys: int, value: bytes) -> None:
    """The names that redis-benchmark asks for: 16 bytes each, or the one it uses without a range."""
    connection = Connection(process.port)
    try:
        if keys:
            connection.load(("SET", f"key:{number:012}", value) for number in range(keys))
        else:
            connection.do("SET", LITERAL_KEY, value)
    finally:
        connection.close()


def measure_start(contender: Contender) -> float:
    """Seconds from starting the process to the first PONG."""
    with running(contender) as process:
        return process.seconds_to_first_pong


def measure_memory(contender: Contender, keys: int, value_bytes: int) -> dict[str, float]:
    """Growth per key, of the process and of the server's own account, once both stand still."""
    with running(contender) as process:
        _settle(process)
        rss, used = process.resident_bytes(), process.used_memory()
        preload(process, keys, b"v" * value_bytes)
        _settle(process)
        return {
            "rss_bytes_per_key": (process.resident_bytes() - rss) / keys,
            "used_memory_bytes_per_key": (process.used_memory() - used) / keys,
        }


def _settle(process: Process, seconds: float = 30.0) -> None:
    """Wait for timers (rehashing, buffers, purging) to have had their turn."""
    deadline = time.monotonic() + seconds
    last, same = (-1, -1), 0
    while same < 4 and time.monotonic() < deadline:
        time.sleep(0.5)
        now = (process.resident_bytes() >> 16, process.used_memory() >> 10)
        same = same + 1 if now == last else 0
        last = now
