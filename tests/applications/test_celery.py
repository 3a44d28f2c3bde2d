"""Celery: the server is the broker and keeps the results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.applications.processes import worker

celery = pytest.importorskip("celery")

SECONDS = 60


class Tasks:
    """The application of `celery_app`, connected to a server."""

    def __init__(self, url: str) -> None:
        self.app = celery.Celery("client", broker=url, backend=url)

    def signature(self, name: str, *arguments: object) -> Any:
        return self.app.signature(name, arguments)

    def send(self, name: str, *arguments: object, **options: object) -> Any:
        return self.app.send_task(name, arguments, **options)


@pytest.fixture(scope="module")
def tasks(lasting_url: str) -> Iterator[Tasks]:
    """The application, with a worker process that runs two tasks at once."""
    arguments = ("celery", "-A", "tests.applications.celery_app", "worker", "-c", "2", "-E", "-l", "WARNING")
    with worker(*arguments, CELERY_URL=lasting_url):
        client = Tasks(lasting_url)
        yield client
        client.app.close()


def test_a_task_returns_its_result(tasks: Tasks) -> None:
    result = tasks.send("add", 2, 3)
    assert result.get(SECONDS) == 5
    assert result.successful()


def test_many_tasks_are_all_run_once(tasks: Tasks) -> None:
    results = [tasks.send("add", number, number) for number in range(200)]
    assert [result.get(SECONDS) for result in results] == [2 * number for number in range(200)]


def test_an_exception_comes_back(tasks: Tasks) -> None:
    with pytest.raises(ValueError, match="this task fails"):
        tasks.send("fail").get(SECONDS)


def test_a_task_is_retried(tasks: Tasks) -> None:
    assert tasks.send("stubborn").get(SECONDS) == 2


def test_a_task_with_a_countdown_runs_later(tasks: Tasks) -> None:
    assert tasks.send("add", 1, 1, countdown=0.2).get(SECONDS) == 2


def test_a_chord_joins_the_results_of_its_tasks(tasks: Tasks) -> None:
    header = [tasks.signature("add", number, 1) for number in range(10)]
    result = celery.chord(header, app=tasks.app)(tasks.signature("total"))
    assert result.get(SECONDS) == 55


def test_a_chain_passes_results_on(tasks: Tasks) -> None:
    chain = celery.chain(tasks.signature("add", 1, 2), tasks.signature("add", 10), app=tasks.app)
    assert chain.apply_async().get(SECONDS) == 13


def test_a_group_returns_all_results(tasks: Tasks) -> None:
    group = celery.group([tasks.signature("add", number, number) for number in range(5)], app=tasks.app)
    assert group.apply_async().get(SECONDS) == [0, 2, 4, 6, 8]


def test_the_worker_replies_to_remote_control(tasks: Tasks) -> None:
    assert tasks.send("add", 1, 1).get(SECONDS) == 2
    [reply] = tasks.app.control.broadcast("ping", reply=True, timeout=SECONDS, limit=1)
    assert list(reply.values()) == [{"ok": "pong"}]


def test_a_forgotten_result_is_gone(tasks: Tasks) -> None:
    result = tasks.send("add", 1, 1)
    assert result.get(SECONDS) == 2
    result.forget()
    assert tasks.app.AsyncResult(result.id).status == "PENDING"
