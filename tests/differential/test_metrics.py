"""Our metrics beside redis_exporter's, which asks the same server: the same names and types, and equal values."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.metrics.test_families import samples
from tests.server.processes import on_port, wait_until
from tests.support.servers import free_port
from tests.support.wire import Wire

EXPORTER = shutil.which("prometheus-redis-exporter")
#: About the exporter itself, and about its process.
OF_THE_EXPORTER = ("redis_exporter_", "go_", "process_", "promhttp_")
#: It takes the fourth part of a database's line, the number of hashes whose fields expire, for something else.
MISREAD = "redis_db_keys_cached"
#: What the exporter's own commands change, and what the time does.
CHANGING = (
    *("redis_commands_total", "redis_commands_duration_seconds_total", "redis_commands_processed_total"),
    *("redis_latency_percentiles_usec", "redis_cpu_", "redis_memory_", "redis_allocator_", "redis_mem_"),
    *("redis_net_", "redis_total_reads_processed", "redis_total_writes_processed", "redis_connected_clients"),
    *("redis_uptime_in_seconds", "redis_slowlog_", "redis_last_slow_execution", "redis_client_recent_max"),
)

pytestmark = pytest.mark.skipif(EXPORTER is None, reason="needs prometheus-redis-exporter")


def fetched(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        content: bytes = answer.read()
        return content


@contextmanager
def exporter(port: int) -> Iterator[int]:
    """A redis_exporter in front of a server; its own port."""
    own = free_port()
    assert EXPORTER is not None
    address = f"127.0.0.1:{own}"
    with tempfile.TemporaryFile() as log:
        arguments = [EXPORTER, "-redis.addr", f"redis://127.0.0.1:{port}", "-web.listen-address", address]
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    fetched(own)
                    break
                except URLError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)  # the process is starting
            yield own
        finally:
            process.kill()
            process.wait()


def types(text: bytes) -> dict[str, str]:
    """The type of each metric."""
    lines = [line.split() for line in text.decode().splitlines() if line.startswith("# TYPE ")]
    return {line[2]: line[3] for line in lines if not line[2].startswith((*OF_THE_EXPORTER, "pyredmem_", MISREAD))}


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_names_types_and_values_are_those_of_redis_exporter(tmp_path: Path, appendonly: str) -> None:
    port = free_port()
    options = ["--metrics-port", str(port), "--appendonly", appendonly, "--latency-monitor-threshold", "1"]
    options += ["--save", "", "--enable-debug-command", "yes", "--latency-tracking-info-percentiles", "50 99 100"]
    with on_port(tmp_path, *options) as (_, server), Wire(server) as wire:
        for line in (
            *("SET a 1", "SET b 2 EX 1000", "GET a", "GET none", "NOSUCH", "LPUSH a 1", "CONFIG GET maxmemory"),
            *("DEBUG SLEEP 0.01", "SELECT 3", "HSET h f v", "PFADD p 1", "EVAL return 0"),
        ):
            wire.do(*line.split())
        # The active expire cycle estimates the time to live, anew each time: so it is turned off before the readings.
        wait_until(lambda: samples(fetched(port))['redis_db_avg_ttl_seconds{db="db0"}'] > 0, "an estimate")
        wire.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        with exporter(server) as its:
            theirs, ours = fetched(its), fetched(port)
            assert types(theirs) == types(ours)
            expected = samples(theirs)
            found = samples(ours)
            for name, value in expected.items():
                if not name.startswith((*OF_THE_EXPORTER, *CHANGING, MISREAD)):
                    assert found[name] == pytest.approx(value, abs=2e-6), name


def test_the_used_memory_is_that_of_info(tmp_path: Path) -> None:
    port = free_port()
    with on_port(tmp_path, "--metrics-port", str(port), "--save", "") as (_, server), Wire(server) as wire:
        wire.do("SET", "key", "x" * 100_000)
        before = samples(fetched(port))["redis_memory_used_bytes"]
        wire.do("UNLINK", "key")
        assert before - samples(fetched(port))["redis_memory_used_bytes"] > 90_000
