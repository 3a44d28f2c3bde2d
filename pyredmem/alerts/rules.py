"""The tables of ``alerts.toml``: alerts, for which a file of the user's can take its place, and MEMORY DOCTOR's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from pyredmem.alerts.expression import Expression, ExpressionError

SEVERITIES: Final = ("info", "warning", "critical")
_TEXTS: Final = ("name", "if", "measured", "meaning", "advice")
_KEYS: Final = {*_TEXTS, "severity", "for"}
_ALERT: Final = "alert"
_DOCTOR: Final = "doctor"


class AlertFileError(Exception):
    """A table of alerts that cannot be used; the text says why."""


@dataclass(frozen=True)
class Alert:
    """Something that somebody should know of."""

    name: str
    condition: Expression
    for_s: float  # for how many seconds the condition has to hold
    severity: str
    measured: str  # a sentence with {value}, the left-most value of the condition
    meaning: str
    advice: str

    def told(self, value: float) -> str:
        """What was measured."""
        return self.measured.format(value=value)

    def duration(self) -> str:
        """Over how long the condition has to hold, for a reader."""
        return f"for {self.for_s:g} s" if self.for_s else "at once"


@dataclass(frozen=True)
class Finding:
    """Something that MEMORY DOCTOR tells if its condition holds."""

    title: str
    condition: Expression
    text: str


def default_alerts() -> list[Alert]:
    """The alerts that come with the package."""
    return _alerts(_default_tables().get(_ALERT))


def doctor_findings() -> list[Finding]:
    """What MEMORY DOCTOR looks for."""
    return [Finding(row["title"], Expression(row["if"]), row["text"]) for row in _default_tables()[_DOCTOR]]


def _default_tables() -> dict[str, Any]:
    return tomllib.loads(files("pyredmem.alerts").joinpath("alerts.toml").read_text("utf-8"))


def parsed_alerts(text: str) -> list[Alert]:
    """The alerts of a file in TOML. Raises AlertFileError."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AlertFileError(str(error)) from None
    unknown = sorted(set(tables) - {_ALERT})
    if unknown:
        raise AlertFileError(f"only tables [[alert]] are possible, and there is {unknown[0]!r}")
    return _alerts(tables.get(_ALERT, []))


def _alerts(tables: Any) -> list[Alert]:
    """The alerts of tables. Raises AlertFileError."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise AlertFileError("alerts are tables [[alert]]")
    alerts = [_alert(table, number) for number, table in enumerate(tables, 1)]
    names = [alert.name for alert in alerts]
    for name in names:
        if names.count(name) > 1:
            raise AlertFileError(f"there are two alerts {name}")
    return alerts


def _alert(table: dict[str, Any], number: int) -> Alert:
    where = f"alert {table.get('name', number)}"
    for key in _TEXTS:
        if not isinstance(table.get(key), str) or not table[key]:
            raise AlertFileError(f"{where} needs a text {key!r}")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise AlertFileError(f"{where} has an unknown key {unknown[0]!r}")
    if not table["name"].isidentifier():
        raise AlertFileError(f"{where}: a name consists of letters, digits and underscores")
    severity = table.get("severity", "warning")
    if severity not in SEVERITIES:
        raise AlertFileError(f"{where}: a severity is one of {', '.join(SEVERITIES)}")
    for_s = table.get("for", 0)
    if isinstance(for_s, bool) or not isinstance(for_s, int | float) or for_s < 0:
        raise AlertFileError(f"{where}: 'for' is a number of seconds")
    try:
        condition = Expression(table["if"])
        table["measured"].format(value=1.0)
    except ExpressionError as error:
        raise AlertFileError(f"{where}: {error}") from None
    except (LookupError, ValueError):
        raise AlertFileError(f"{where}: in 'measured' only {{value}} is possible") from None
    return Alert(
        name=table["name"],
        condition=condition,
        for_s=float(for_s),
        severity=severity,
        measured=table["measured"],
        meaning=table["meaning"],
        advice=table["advice"],
    )
