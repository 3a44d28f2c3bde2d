"""``pyredmem check URL``: whether there is something that somebody should know of, now."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

from pyredmem.alerts.evaluator import Evaluator
from pyredmem.alerts.rules import Alert, AlertFileError, default_alerts, parsed_alerts
from pyredmem.metrics.values import values_of
from pyredmem.monitor.server_reading import ServerError, WatchedServer

OK: Final = 0
FOUND: Final = 1
FAILED: Final = 2

_EPILOG: Final = """\
Rates are taken of two readings, --seconds apart. Whether a condition has been holding for as long as the alert
wants is not known: what holds now is told. The exit status is 0 if nothing is found, 1 if something is, and 2 if the
server cannot be asked.
"""


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``check`` ask for; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"{program} check", description=(__doc__ or "").split("\n", maxsplit=1)[0], epilog=_EPILOG
    )
    parser.add_argument("url", nargs="?", default="redis://localhost:6379", metavar="URL")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--alerts", metavar="FILE", help="a table of alerts in place of the usual one")
    parser.add_argument("--seconds", type=float, default=2.0, help="between the two readings; default: %(default)s")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else FAILED
    try:
        alerts = alerts_of(options.alerts)
        found = checked(options.url, alerts, options.seconds)
    except (ServerError, AlertFileError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(_as_json(found) if options.json else _as_text(found, len(alerts)))
    return FOUND if found else OK


def alerts_of(path: str | None) -> list[Alert]:
    """The alerts of a file, or the usual ones. Raises AlertFileError or OSError."""
    if path is None:
        return default_alerts()
    with open(path, encoding="utf-8") as file:
        return parsed_alerts(file.read())


def checked(url: str, alerts: Sequence[Alert], seconds: float) -> list[tuple[Alert, float]]:
    """The alerts whose condition holds, each with the value that was measured. Raises ServerError."""
    server = WatchedServer(url)
    evaluator = Evaluator(alerts)
    try:
        evaluator.add(time.time(), values_of(server.read()))
        time.sleep(max(seconds, 0.01))
        evaluator.add(time.time(), values_of(server.read()))
    finally:
        server.close()
    return evaluator.holding()


def _as_text(found: Sequence[tuple[Alert, float]], alerts: int) -> str:
    if not found:
        return f"Nothing found; {alerts} alerts were looked at."
    return "\n".join(
        f"{alert.severity.upper()} {alert.name}: {alert.told(value)} {alert.meaning} {alert.advice}"
        for alert, value in found
    )


def _as_json(found: Sequence[tuple[Alert, float]]) -> str:
    rows = [
        {
            "name": alert.name,
            "severity": alert.severity,
            "value": value,
            "for_seconds": alert.for_s,
            "measured": alert.told(value),
            "meaning": alert.meaning,
            "advice": alert.advice,
        }
        for alert, value in found
    ]
    return json.dumps({"alerts": rows}, indent=2)
