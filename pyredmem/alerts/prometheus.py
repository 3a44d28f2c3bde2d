"""The alerts as rules for Prometheus: ``pyredmem alerts --prometheus > rules.yml``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pyredmem.alerts.rules import Alert


def rules_file(alerts: Sequence[Alert]) -> str:
    """A file of rules. A text in quotation marks is the same in YAML as in JSON."""
    return "\n".join(_lines(alerts)) + "\n"


def _lines(alerts: Sequence[Alert]) -> Iterator[str]:
    yield "groups:"
    yield "  - name: pyredmem"
    yield "    rules:"
    for alert in alerts:
        yield f"      - alert: {alert.name}"
        yield f"        expr: {json.dumps(alert.condition.promql())}"
        if alert.for_s:
            yield f"        for: {alert.for_s:g}s"
        yield "        labels:"
        yield f"          severity: {alert.severity}"
        yield "        annotations:"
        yield f"          summary: {json.dumps(_template(alert.measured))}"
        yield f"          description: {json.dumps(_escaped(f'{alert.meaning} {alert.advice}'))}"


def _template(measured: str) -> str:
    """The sentence with Prometheus's own placeholder for the value."""
    head, _, rest = measured.partition("{value")
    if not rest:
        return _escaped(measured)
    form, _, tail = rest.partition("}")
    function = " | humanizePercentage" if form.endswith("%") else " | humanize"
    return f"{_escaped(head)}{{{{ $value{function} }}}}{_escaped(tail)}"


def _escaped(text: str) -> str:
    """The text where Prometheus looks for placeholders."""
    return text.replace("{{", '{{ "{{" }}')
