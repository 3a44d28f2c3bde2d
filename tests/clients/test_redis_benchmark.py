"""redis-benchmark, which comes with Redis."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis  # the tool is installed together with the server

LIMIT_SECONDS = 30.0


@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_benchmark_runs_its_workloads(ours: Server, pipeline: str) -> None:
    command = ["redis-benchmark", "-p", str(ours.port), "-t", "ping,set,get,incr,mset", "-n", "2000"]
    done = subprocess.run(
        [*command, "-c", "50", "-P", pipeline, "--csv"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.split(",")[0].strip('"') for line in done.stdout.splitlines()]
    assert names == ["test", "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]
    assert "rror" not in done.stderr + done.stdout


def test_benchmark_runs_its_workloads_on_collections(ours: Server) -> None:
    tests = "lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset"
    done = subprocess.run(
        ["redis-benchmark", "-p", str(ours.port), "-t", tests, "-n", "1000", "-P", "4", "--csv"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rror" not in done.stderr + done.stdout
    assert len(done.stdout.splitlines()) == 16
