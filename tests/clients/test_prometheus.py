"""A real Prometheus scrapes the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.server.processes import on_port
from tests.support.servers import free_port
from tests.support.wire import Wire

PROMETHEUS = shutil.which("prometheus")
CONFIGURATION = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: pyredmem
    basic_auth: {{username: default, password: secret}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="needs prometheus")


def asked(port: int, query: str) -> list[float]:
    """The values that Prometheus has for a query; none while it starts."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}", timeout=20) as answer:
            return [float(row["value"][1]) for row in json.load(answer)["data"]["result"]]
    except URLError:
        return []


def wait_for(port: int, query: str, wanted: list[float]) -> None:
    deadline = time.monotonic() + 40
    while (found := asked(port, query)) != wanted:
        assert time.monotonic() < deadline, (query, found)
        time.sleep(0.05)  # Prometheus scrapes on its own clock


def test_prometheus_scrapes_the_server_with_a_password(tmp_path: Path) -> None:
    metrics, own = free_port(), free_port()
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(port=metrics))
    options = ("--metrics-port", str(metrics), "--requirepass", "secret", "--save", "")
    with on_port(tmp_path, *options) as (_, port), Wire(port) as wire:
        wire.do("AUTH", "secret")
        assert PROMETHEUS is not None
        words = [f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path}/data", "--log.level=error"]
        words.append(f"--web.listen-address=127.0.0.1:{own}")
        with (tmp_path / "prometheus.log").open("wb") as log:
            prometheus = subprocess.Popen([PROMETHEUS, *words], stdout=log, stderr=log)
        try:
            wait_for(own, "up", [1.0])
            wire.do("SET", "key", "value")
            wait_for(own, 'redis_db_keys{db="db0"}', [1.0])
            wait_for(own, 'redis_commands_total{cmd="set"}', [1.0])
            wait_for(own, "sum(pyredmem_ledger_bytes) == bool scalar(redis_memory_used_bytes)", [1.0])
        finally:
            prometheus.kill()
            prometheus.wait()
