"""A dashboard for Grafana: ``pyredmem alerts --grafana > dashboard.json``.

Its panels are those of ``dashboard.toml``, and one for each alert with both sides of its condition. Menus choose the
data source and the server.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

from pyredmem.alerts.expression import Expression
from pyredmem.alerts.rules import Alert

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SELECTOR: Final = '{instance="$instance"}'
_COLUMNS: Final = 24  # of Grafana's grid
_WIDTH: Final = 8
_HEIGHT: Final = 8
_SCHEMA_VERSION: Final = 39  # Grafana 11; newer ones read it too


def dashboard(alerts: Sequence[Alert]) -> str:
    """The dashboard as JSON."""
    panels = list(_panels(alerts))
    for number, panel in enumerate(panels):
        left = number * _WIDTH % _COLUMNS
        top = number * _WIDTH // _COLUMNS * _HEIGHT
        panel |= {"id": number + 1, "gridPos": {"x": left, "y": top, "w": _WIDTH, "h": _HEIGHT}}
    made = {
        "title": "pyredmem",
        "uid": "pyredmem",
        "tags": ["redis"],
        "schemaVersion": _SCHEMA_VERSION,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source_menu(), _server_menu()]},
        "panels": panels,
    }
    return json.dumps(made, indent=2) + "\n"


def _source_menu() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _server_menu() -> dict[str, Any]:
    return {
        "name": "instance",
        "label": "Server",
        "type": "query",
        "datasource": _SOURCE,
        "refresh": 2,
        "query": "label_values(redis_up, instance)",
    }


def _panels(alerts: Sequence[Alert]) -> Iterator[dict[str, Any]]:
    tables = tomllib.loads(files("pyredmem.alerts").joinpath("dashboard.toml").read_text("utf-8"))
    for table in tables["panel"]:
        queries = {legend: Expression(text).promql(_SELECTOR) for legend, text in table["show"].items()}
        yield _panel(table["title"], table["about"], table["unit"], queries)
    for alert in alerts:
        sides = alert.condition.sides(_SELECTOR)
        queries = dict(zip(("measured", "limit"), sides, strict=False))
        yield _panel(f"Alert: {alert.name}", f"{alert.meaning} {alert.advice}", "short", queries)


def _panel(title: str, about: str, unit: str, queries: dict[str, str]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
        for number, (legend, query) in enumerate(queries.items())
    ]
    return {
        "type": "timeseries",
        "title": title,
        "description": about,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}},
    }
