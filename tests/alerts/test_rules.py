"""The table of alerts, and the one that comes with the package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pyredmem.alerts.prometheus import rules_file
from pyredmem.alerts.rules import AlertFileError, default_alerts, parsed_alerts
from pyredmem.metrics.names import NAMES, OWN_NAMES

PROMTOOL = shutil.which("promtool")
ONE = """
[[alert]]
name = "Full"
if = "a > 5"
measured = "There are {value:.1f}."
meaning = "Too many."
advice = "Fewer."
"""


def test_a_table_is_read() -> None:
    [alert] = parsed_alerts(ONE + 'severity = "critical"\nfor = 30\n')
    assert (alert.name, alert.severity, alert.for_s) == ("Full", "critical", 30)
    assert alert.told(7) == "There are 7.0."
    assert alert.duration() == "for 30 s"
    [usual] = parsed_alerts(ONE)
    assert (usual.severity, usual.for_s, usual.duration()) == ("warning", 0, "at once")
    assert parsed_alerts("") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[alert", "Expected"),
        ("alert = 1", "[[alert]]"),
        ("[[doctor]]\ntitle = 'x'", "only tables [[alert]] are possible, and there is 'doctor'"),
        ("[alert]\nname = 'x'", "[[alert]]"),
        (ONE.replace('name = "Full"', ""), "alert 1 needs a text 'name'"),
        (ONE.replace('"a > 5"', "5"), "alert Full needs a text 'if'"),
        (ONE.replace("a > 5", "a >"), "alert Full: "),
        (ONE.replace("Full", "a b"), "letters, digits"),
        (ONE.replace("{value:.1f}", "{number}"), "only {value}"),
        (ONE.replace("{value:.1f}", "{value:q}"), "only {value}"),
        (ONE + 'severity = "bad"', "info, warning, critical"),
        (ONE + "for = -1", "'for' is a number"),
        (ONE + "for = true", "'for' is a number"),
        (ONE + 'color = "red"', "unknown key 'color'"),
        (ONE + ONE, "two alerts Full"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text: str, why: str) -> None:
    with pytest.raises(AlertFileError) as caught:
        parsed_alerts(text)
    assert why in str(caught.value)


def test_every_metric_of_the_usual_alerts_exists() -> None:
    known = {name.metric for name in (*NAMES, *OWN_NAMES)} | {"redis_latency_spike_last"}
    used = {metric for alert in default_alerts() for metric in alert.condition.metrics()}
    assert used <= known


def test_the_usual_alerts_tell_a_value() -> None:
    for alert in default_alerts():
        assert "{value" in alert.measured
        assert "{" not in alert.told(0.5)


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool")
def test_prometheus_accepts_the_rules(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    path = tmp_path / "rules.yml"
    odd = ONE.replace('"Fewer."', """'Say "x": #1, {{ \\ }}'""").replace("{value:.1f}", "{value:.0%}")
    path.write_text(rules_file([*default_alerts(), *parsed_alerts(odd)]))
    done = subprocess.run([PROMTOOL, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(default_alerts()) + 1} rules found" in done.stdout
