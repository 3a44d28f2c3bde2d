"""huey: a queue with a schedule, whose consumer runs in threads of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

huey = pytest.importorskip("huey")
signals = pytest.importorskip("huey.signals")

SECONDS = 30


@contextmanager
def consuming(queue: Any) -> Iterator[None]:
    """Let two threads run the tasks of a queue."""
    consumer = queue.create_consumer(
        workers=2, periodic=False, initial_delay=0.01, max_delay=0.05, scheduler_interval=1
    )
    consumer.start()
    try:
        yield
    finally:
        consumer.stop(graceful=True)
        queue.storage.conn.connection_pool.disconnect()


def _add(first: int, second: int) -> int:
    return first + second


@pytest.fixture
def queue(url: str) -> Any:
    return huey.RedisHuey("tests", url=url)


@pytest.mark.parametrize("kind", ["RedisHuey", "PriorityRedisHuey", "RedisExpireHuey", "PriorityRedisExpireHuey"])
def test_tasks_return_their_results(url: str, kind: str) -> None:
    """Whichever way huey stores tasks and results: in a list, a sorted set, a hash, keys that expire."""
    queue = getattr(huey, kind)("tests", url=url)
    add = queue.task()(_add)
    with consuming(queue):
        results = [add(number, number) for number in range(50)]
        assert [result.get(blocking=True, timeout=SECONDS) for result in results] == [2 * at for at in range(50)]
    assert len(queue) == 0


def test_a_scheduled_task_runs_when_it_is_due(queue: Any) -> None:
    add = queue.task()(_add)
    result = add.schedule((1, 2), delay=1)
    later = add.schedule((1, 2), delay=1000)
    with consuming(queue):
        assert result.get(blocking=True, timeout=SECONDS) == 3
    assert queue.scheduled_count() == 1
    assert later.get() is None


def test_a_failed_task_is_retried(queue: Any) -> None:
    attempts: list[int] = []

    def fail_once() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return "done"

    completed = threading.Event()  # the result of the first attempt is its error
    queue.signal(signals.SIGNAL_COMPLETE)(lambda signal, task: completed.set())
    task = queue.task(retries=1)(fail_once)
    with consuming(queue):
        result = task()
        assert completed.wait(SECONDS)
        assert result.get(blocking=True, timeout=SECONDS) == "done"
    assert len(attempts) == 2


def test_a_revoked_task_does_not_run(queue: Any) -> None:
    ran: list[int] = []
    add = queue.task()(_add)
    note = queue.task()(ran.append)
    note(1).revoke()
    with consuming(queue):
        assert add(1, 1).get(blocking=True, timeout=SECONDS) == 2
        assert add(2, 2).get(blocking=True, timeout=SECONDS) == 4
    assert ran == []


def test_a_pipeline_passes_results_on(queue: Any) -> None:
    add = queue.task()(_add)
    with consuming(queue):
        results = queue.enqueue(add.s(1, 2).then(add, 10).then(add, 100))
        assert results.get(blocking=True, timeout=SECONDS) == [3, 13, 113]


def test_a_lock_is_held_by_one_at_a_time(queue: Any) -> None:
    held = threading.Event()
    with queue.lock_task("only"):
        held.set()
        assert queue.is_locked("only")
        with pytest.raises(huey.exceptions.TaskLockedException), queue.lock_task("only"):
            held.clear()
    assert held.is_set()
    assert not queue.is_locked("only")
