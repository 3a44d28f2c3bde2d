"""``pyredmem alerts``: the table of alerts and what MEMORY DOCTOR looks for, as text; or for Prometheus or Grafana."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from pyredmem.alerts.dashboard import dashboard
from pyredmem.alerts.prometheus import rules_file
from pyredmem.alerts.rules import AlertFileError, doctor_findings
from pyredmem.monitor.check import alerts_of

OK: Final = 0
FAILED: Final = 2


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``alerts`` ask for; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"{program} alerts", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--prometheus", action="store_true", help="rules for Prometheus, in YAML")
    form.add_argument("--grafana", action="store_true", help="a dashboard for Grafana, in JSON")
    parser.add_argument("--alerts", metavar="FILE", help="a table of alerts in place of the usual one")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else FAILED
    try:
        alerts = alerts_of(options.alerts)
    except (AlertFileError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    if options.prometheus:
        sys.stdout.write(rules_file(alerts))
        return OK
    if options.grafana:
        sys.stdout.write(dashboard(alerts))
        return OK
    for alert in alerts:
        print(f"{alert.severity:<9} {alert.name}: {alert.condition.text}, {alert.duration()}")
    for finding in doctor_findings():
        print(f"{'doctor':<9} {finding.title}: {finding.condition.text}")
    return OK
