"""What a server of its own costs a test: to make one, a client and the first PING, in time and in memory.

    python benchmarks/fresh_server.py

Compared with redis-py's own cost for the same (see `floor`) and with `FakeRedis()`, if fakeredis is installed. Each
time is the best of some rounds, in microseconds, with the garbage collector on. What the pytest fixtures cost is the
difference between 1,000 empty tests and 1,000 tests that use one.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from floor import floor_client

from pyredmem.base.build import COMPILED
from pyredmem.client.server import Server
from pyredmem.memory.process import resident_bytes

ROUNDS = 7
REPEATS = 300
IDLE_SERVERS = 200
CLOSED_SERVERS = 10_000
TESTS = 1000

TEST = """\
import pytest

@pytest.mark.parametrize("turn", range({count}))
def test_it({fixtures}):
    {body}
"""


def microseconds(run: Callable[[], None]) -> float:
    """The time of one run."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(REPEATS):
            run()
        best = min(best, time.perf_counter() - started)
    return best / REPEATS * 1e6


def alone() -> None:
    """A client of redis-py without a server."""
    client, script = floor_client()
    script.say((b"+PONG\r\n",))
    client.ping()
    client.close()


def fresh() -> None:
    """A server of its own, a client, and the first PING."""
    with Server() as server, server.client() as client:
        client.ping()


def bare() -> None:
    """A server that nobody uses."""
    Server().close()


def fake() -> Callable[[], None] | None:
    """The same with fakeredis."""
    try:
        module = importlib.import_module("fakeredis")
    except ImportError:
        return None

    def run() -> None:
        client = module.FakeRedis()
        client.ping()
        client.close()

    return run


def idle_bytes() -> float:
    """By how much the process grows for each server that is there."""
    before = resident_bytes()
    servers = [Server() for _ in range(IDLE_SERVERS)]
    grown = resident_bytes() - before
    for server in servers:
        server.close()
    return grown / IDLE_SERVERS


def left_bytes() -> int:
    """By how much the process has grown after many servers that are closed."""
    for _ in range(CLOSED_SERVERS // 10):
        fresh()
    before = resident_bytes()
    for _ in range(CLOSED_SERVERS):
        fresh()
    return resident_bytes() - before


def milliseconds_per_test(fixtures: str, body: str) -> float:
    """How long a run of many tests takes, for each of them."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "test_it.py").write_text(TEST.format(count=TESTS, fixtures=fixtures, body=body))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", directory]
        # pytest rewrites the modules of a plugin's package: at each start, where it may not keep them.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, cwd=directory, env=environment)
            times.append(time.perf_counter() - started)
    return min(times[1:]) / TESTS * 1000  # the first run compiles the modules


def import_milliseconds(module: str) -> float:
    """How long a fresh interpreter takes to import a module, in addition to its start."""

    def run(code: str) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - started)
        return min(times) * 1000

    return run(f"import {module}") - run("")


def main() -> None:
    """Print all figures."""
    print(f"pyredmem is {'compiled' if COMPILED else 'interpreted'}")
    floor = microseconds(alone)
    rows = [("redis-py alone: a client and a PING", floor), ("server, client and PING", microseconds(fresh))]
    fake_run = fake()
    if fake_run is not None:
        rows.append(("FakeRedis() and PING", microseconds(fake_run)))
    rows.append(("Server() alone", microseconds(bare)))
    for name, value in rows:
        print(f"{name:40} {value:7.0f} us ({value / floor:.2f})")
    print(f"{'an idle server':40} {idle_bytes() / 1024:7.0f} KB of RSS")
    print(f"{f'after {CLOSED_SERVERS:,} closed servers':40} {left_bytes() / 1024:+7.0f} KB of RSS")
    empty = milliseconds_per_test("turn", "pass")
    for fixture, body in (("redmem_server", "pass"), ("redmem", "redmem.ping()")):
        cost = milliseconds_per_test(f"turn, {fixture}", body) - empty
        print(f"{f'a test with {fixture}':40} {cost:7.2f} ms over an empty one ({empty:.2f})")
    print(f"{'import pyredmem':40} {import_milliseconds('pyredmem'):7.0f} ms")
    print(f"{'import redis':40} {import_milliseconds('redis'):7.0f} ms")
    print(f"{'import pyredmem, redis':40} {import_milliseconds('pyredmem, redis'):7.0f} ms")


if __name__ == "__main__":
    main()
