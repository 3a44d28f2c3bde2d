"""Reads a server again and again, and makes of each reading what is to be shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyredmem.alerts.evaluator import Evaluator
from pyredmem.alerts.rules import Alert
from pyredmem.metrics.reading import Reading, as_number
from pyredmem.monitor.server_reading import ServerError, WatchedServer
from pyredmem.monitor.top.big_keys import BigKeys
from pyredmem.monitor.top.clients import UNKNOWN_CLIENTS, client_table
from pyredmem.monitor.top.commands import command_rates, command_table
from pyredmem.monitor.top.figures import Line, Moment, lines_of, trend_values
from pyredmem.monitor.top.rates import Rates
from pyredmem.monitor.top.slow_log import slow_log_table
from pyredmem.monitor.top.table import Table
from pyredmem.monitor.top.texts import duration
from pyredmem.monitor.top.trends import Trends

#: The share of the time in which the server may be busy with the search for large keys.
_SHARE_FOR_KEYS: Final = 0.01
#: Fields of INFO that tell what a server is, with its name; the first one that is there counts.
_VERSIONS: Final = (("pyredmem_version", "pyredmem"), ("valkey_version", "Valkey"), ("redis_version", "Redis"))


@dataclass(frozen=True)
class HeldAlert:
    """An alert whose condition holds."""

    alert: Alert
    value: float
    is_on: bool  # it has held for as long as the alert wants


@dataclass(frozen=True)
class Frame:
    """What is shown of a server after a reading."""

    server: str
    about: str  # what kind of server it is, and how long it has been up
    unix_s: float
    reading: Reading
    sections: Mapping[str, Sequence[Line]]  # by the title of the section
    commands: Table
    clients: Table
    slow_log: Table
    big_keys: Table
    alerts: Sequence[HeldAlert]

    def tables(self) -> tuple[Table, ...]:
        """The tables, in the order of their panes."""
        return (self.commands, self.clients, self.slow_log, self.big_keys)


class Watch:
    """A server and what is known of its last readings. ``clock`` returns the Unix time in seconds."""

    def __init__(
        self, server: WatchedServer, alerts: Sequence[Alert], interval_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.server = server
        self.interval_s = interval_s
        self.wants_clients = False  # with many clients their list is long, so it is read only while it is shown
        self._clock = clock
        self._evaluator = Evaluator(alerts)
        self._rates = Rates(interval_s)
        self._trends = Trends()
        self._keys = BigKeys(server)
        self._clients = UNKNOWN_CLIENTS

    def read(self) -> Frame:
        """Read the server. Raises ServerError; the next reading is then like the first one, but for the sparklines."""
        try:
            return self._read()
        except ServerError:
            self._rates.forget()
            self._trends.add({})
            self._keys = BigKeys(self.server)
            self._clients = UNKNOWN_CLIENTS
            raise

    def _read(self) -> Frame:
        reading = self.server.read()
        now_s = self._clock()
        self._evaluator.add(now_s, self._rates.add(now_s, reading))
        moment = Moment(reading, self._rates)
        self._trends.add({**trend_values(moment), **command_rates(reading, self._rates)})
        databases = {int(number): int(as_number(parts.get("keys", "")) or 0) for number, parts in reading.rows("db")}
        self._keys.look(databases, self.interval_s * _SHARE_FOR_KEYS)
        if self.wants_clients:
            self._clients = client_table(self.server)
        return Frame(
            server=self.server.name,
            about=_about(reading),
            unix_s=now_s,
            reading=reading,
            sections=lines_of(moment, self._trends),
            commands=command_table(reading, self._rates, self._trends),
            clients=self._clients,
            slow_log=slow_log_table(self.server, now_s),
            big_keys=self._keys.table(reading.number("used_memory"), sum(databases.values())),
            alerts=self._alerts(),
        )

    def _alerts(self) -> list[HeldAlert]:
        on = {alert.name for alert, _ in self._evaluator.firing()}
        return [HeldAlert(alert, value, alert.name in on) for alert, value in self._evaluator.holding()]


def _about(reading: Reading) -> str:
    known = [f"{name} {reading.info[field]}" for field, name in _VERSIONS if field in reading.info]
    return f"{known[0] if known else 'unknown server'}, up {duration(reading.number('uptime_in_seconds'))}"
