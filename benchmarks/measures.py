"""What `vs_redis.py` measures: workloads of redis-benchmark, numbers of keys, the time to start, memory per key."""

from __future__ import annotations

import subprocess
import time
from dataclasses import asdict, dataclass

from processes import Connection, Contender, Process, running

CLIENTS = 50
#: The tests of redis-benchmark on collections (and MSET), in the order of the table.
COLLECTIONS = (
    "lpush", "rpush", "lpop", "rpop", "sadd", "hset", "hget", "spop", "zadd", "zpopmin",
    "lrange_100", "lrange_600", "mset",
)  # fmt: skip
#: Tests that need data, and the test that makes the data with this many times as many requests.
FILLS = {
    "lpop": "rpush",
    "rpop": "lpush",
    "hget": "hset",
    "spop": "sadd",
    "zpopmin": "zadd",
    "lrange_100": "lpush",
    "lrange_600": "lpush",
}
FILL_FACTOR = 3
#: redis-benchmark has no test of HGET. Its own versions of the others begin with a fill, which would be measured, too.
COMMANDS = {
    "hget": ("HGET", "myhash", "element:__rand_int__"),
    "lrange_100": ("LRANGE", "mylist", "0", "99"),
    "lrange_600": ("LRANGE", "mylist", "0", "599"),
}
#: The requests of these tests are large; this many times fewer are enough.
FEWER = {"lrange_100": 10, "lrange_600": 40}
LITERAL_KEY = "key:__rand_int__"  # the key that redis-benchmark uses without a key range


@dataclass(frozen=True)
class Workload:
    """One test of redis-benchmark: its pipeline depth, and the range of its random keys or members if it has any."""

    test: str
    pipeline: int
    keys: int = 0
    members: int = 0

    @property
    def label(self) -> str:
        suffix = f", {self.keys} keys" if self.keys else f", {self.members} members" if self.members else ""
        return f"{self.test.upper()} P={self.pipeline}{suffix}"


@dataclass(frozen=True)
class Figure:
    """The figures of one run of a workload."""

    requests_per_second: float
    cpu_us_per_command: float


def run_workload(process: Process, workload: Workload, requests: int) -> Figure:
    """Run redis-benchmark once; the keys exist already."""
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
    """The command line of redis-benchmark, without the test."""
    command = ["redis-benchmark", "-p", str(process.port), "-n", str(requests)]
    command += ["-c", str(CLIENTS), "-P", str(workload.pipeline), "--csv"]
    if workload.keys or workload.members:
        command += ["-r", str(workload.keys or workload.members)]
    return command


def measure_collections(contender: Contender, workloads: list[Workload], requests: int) -> dict[str, dict[str, float]]:
    """Run workloads on collections; each begins with an empty server, which is filled if the test reads or removes."""
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
    """Run all workloads on a fresh server; those with keys run on servers of their own."""
    found: dict[str, dict[str, float]] = {}
    for keys in dict.fromkeys(workload.keys for workload in workloads):
        with running(contender) as process:
            preload(process, keys, b"xxx")
            for workload in workloads:
                if workload.keys == keys:
                    found[workload.label] = asdict(run_workload(process, workload, requests))
    return found


def preload(process: Process, keys: int, value: bytes) -> None:
    """Set the keys that redis-benchmark uses: names of 16 bytes, or the one key that it uses without a range."""
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
    """By how much the process and `used_memory` grow per key, once both are stable."""
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
    """Wait until the server's timer has rehashed, fitted buffers and freed pages."""
    deadline = time.monotonic() + seconds
    last, same = (-1, -1), 0
    while same < 4 and time.monotonic() < deadline:
        time.sleep(0.5)
        now = (process.resident_bytes() >> 16, process.used_memory() >> 10)
        same = same + 1 if now == last else 0
        last = now
