"""The dashboard for Grafana: all that it asks Prometheus for exists, and Prometheus understands it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from pyredmem.alerts.dashboard import dashboard
from pyredmem.alerts.rules import default_alerts, parsed_alerts
from pyredmem.metrics.engine_reading import reading_of
from pyredmem.metrics.exposition import text_of
from pyredmem.metrics.families import families
from pyredmem.metrics.own import own_families
from tests.alerts.test_rules import ONE
from tests.support.hosted import Hosted

PROMTOOL = shutil.which("promtool")


def panels() -> list[dict[str, Any]]:
    found = json.loads(dashboard(default_alerts()))["panels"]
    assert isinstance(found, list)
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def test_every_query_names_metrics_that_exist() -> None:
    world = Hosted()
    world.do("SET", "key", "value")
    world.do("LATENCY", "RESET")
    world.do("CONFIG", "SET", "latency-monitor-threshold", 100)
    world.engine.slow_commands.monitor.observe(b"fork", 250, world.now_ms // 1000)
    reading = reading_of(world.engine)
    text = text_of(chain(families(reading), own_families(world.engine, reading, 0.0, 0.0)))
    there = set(re.findall(r"^(\w+)", text.decode(), re.MULTILINE))
    named = {name for query in queries() for name in re.findall(r"(?:redis|pyredmem)_\w+", query)}
    assert len(named) >= 30
    assert named - there == set()


def test_every_query_asks_for_the_chosen_server_alone() -> None:
    for query in queries():
        assert query.count('{instance="$instance"}') == len(re.findall(r"(?:redis|pyredmem)_\w+", query)) > 0 or (
            re.fullmatch(r"[\d.]+", query)  # the limit of an alert
        )


def test_each_alert_has_a_panel_with_what_is_measured_and_its_limit() -> None:
    found = {panel["title"]: panel for panel in panels()}
    assert {f"Alert: {alert.name}" for alert in default_alerts()} <= set(found)
    targets = found["Alert: MemoryFragmented"]["targets"]
    assert [(target["legendFormat"], target["expr"]) for target in targets] == [
        ("measured", 'redis_allocator_frag_ratio{instance="$instance"}'),
        ("limit", "1.5"),
    ]


def test_an_alert_that_compares_nothing_has_one_curve() -> None:
    [alert] = parsed_alerts(ONE.replace("a > 5", "a / b"))
    targets = json.loads(dashboard([alert]))["panels"][-1]["targets"]
    assert [target["expr"] for target in targets] == ['a{instance="$instance"} / b{instance="$instance"}']


def test_panels_do_not_lie_upon_each_other() -> None:
    places = [panel["gridPos"] for panel in panels()]
    for one, other in combinations(places, 2):
        assert one["x"] + one["w"] <= 24
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool")
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries())]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML too
    done = subprocess.run([PROMTOOL, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(rules)} rules found" in done.stdout
