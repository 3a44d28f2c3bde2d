"""The application of the test of Celery, which its worker process imports."""

from __future__ import annotations

import importlib
import os
from typing import Any

celery = importlib.import_module("celery")

URL = os.environ.get("CELERY_URL", "")

app: Any = celery.Celery("tests", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_send_task_events = True
app.conf.task_track_started = True


def _add(first: int, second: int) -> int:
    return first + second


def _total(numbers: list[int]) -> int:
    return sum(numbers)


def _stubborn(self: Any) -> int:
    """Fails twice before it succeeds."""
    if self.request.retries < 2:
        raise self.retry(countdown=0, max_retries=3)
    return int(self.request.retries)


def _fail() -> None:
    raise ValueError("this task fails")


add = app.task(name="add")(_add)
total = app.task(name="total")(_total)
stubborn = app.task(name="stubborn", bind=True)(_stubborn)
fail = app.task(name="fail")(_fail)
