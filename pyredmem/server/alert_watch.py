"""What ``alerts yes`` does: once a second the server looks at itself, and tells which alerts begin and end.

They are told in the log, to the subscribers of a channel, and to a webhook, as one JSON object each. The webhook is
called in another thread; while it does not answer, only some events wait, and the later ones are lost to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
import urllib.request
from collections.abc import Callable
from typing import Final

from pyredmem.alerts.evaluator import FIRING, Evaluator, Event
from pyredmem.alerts.rules import Alert, AlertFileError, default_alerts, parsed_alerts
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.metrics.engine_reading import reading_of
from pyredmem.metrics.values import values_of
from pyredmem.server.errors import StartError
from pyredmem.server.logs import Log
from pyredmem.server.ticker import Ticker

INTERVAL_MS: Final = 1000
CHANNEL: Final = b"__redis__:alert"
_TIMEOUT_S: Final = 5.0
_MOST_WAITING: Final = 100


def alerts_of(settings: Settings) -> list[Alert]:
    """The alerts that the settings ask for. Raises StartError."""
    path = settings.text("alerts-file")
    if not path:
        return default_alerts()
    try:
        with open(path, encoding="utf-8") as file:
            return parsed_alerts(file.read())
    except (OSError, UnicodeError, AlertFileError) as error:
        raise StartError(f"alerts-file {path} cannot be used: {error}") from None


class AlertWatch:
    """Looks at an engine. All but the webhook's thread is in the thread of the engine."""

    def __init__(self, engine: Engine, settings: Settings, log: Log) -> None:
        self._engine = engine
        self._log = log
        self._evaluator = Evaluator(alerts_of(settings))
        self._ticker: Ticker | None = None
        url = settings.text("alerts-webhook")
        self._webhook = Webhook(url, log.warning) if url else None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look from now on."""
        self._ticker = Ticker(loop, self.look, lambda: INTERVAL_MS)
        self._ticker.start()

    def look(self) -> None:
        """Read the engine, and tell what has begun or ended."""
        now_s = int(self._engine.clock.now_us()) / 1e6
        for event in self._evaluator.add(now_s, values_of(reading_of(self._engine))):
            self._tell(event)

    def _tell(self, event: Event) -> None:
        alert = event.alert
        if event.state == FIRING:
            self._log.warning(f"Alert {alert.name} ({alert.severity}): {alert.told(event.value)} {alert.meaning}")
        else:
            self._log.notice(f"Alert {alert.name} is over.")
        message = as_json(event).encode()
        self._engine.pubsub.publish(CHANNEL, message)
        if self._webhook is not None:
            self._webhook.send(message)

    def close(self) -> None:
        """Look no more."""
        if self._ticker is not None:
            self._ticker.stop()
        if self._webhook is not None:
            self._webhook.close()


def as_json(event: Event) -> str:
    """An event for a program."""
    alert = event.alert
    fields = {"alert": alert.name, "state": event.state, "severity": alert.severity, "time": round(event.unix_s, 3)}
    texts = {"measured": alert.told(event.value), "meaning": alert.meaning, "advice": alert.advice}
    return json.dumps({**fields, "value": event.value, "for_seconds": alert.for_s, **texts})


class Webhook:
    """Posts messages to a URL, one after another, in a thread of its own. ``warn`` is told when that fails."""

    def __init__(self, url: str, warn: Callable[[str], object]) -> None:
        self._url = url
        self._warn = warn
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="pyredmem-webhook", daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> None:
        """Post a message soon. If too many wait already it is lost."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._warn(f"The webhook {self._url} does not answer: an alert is lost to it.")

    def close(self) -> None:
        """End the thread when what waits has been sent; nobody waits for that."""
        with contextlib.suppress(queue.Full):  # then the thread ends with the process
            self._waiting.put_nowait(None)

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                self._post(message)
            except (OSError, ValueError) as error:
                self._warn(f"The webhook {self._url} failed: {error}")

    def _post(self, message: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url, data=message, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
            pass
