"""dramatiq: a broker whose queues are Lua scripts, with results and rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

dramatiq = pytest.importorskip("dramatiq")
brokers = pytest.importorskip("dramatiq.brokers.redis")
results = pytest.importorskip("dramatiq.results")
result_backends = pytest.importorskip("dramatiq.results.backends")
limits = pytest.importorskip("dramatiq.rate_limits")
limit_backends = pytest.importorskip("dramatiq.rate_limits.backends")

MILLISECONDS = 30_000


@pytest.fixture
def broker(url: str) -> Iterator[Any]:
    """A broker that keeps results, and threads that run its tasks."""
    made = brokers.RedisBroker(url=url)
    made.add_middleware(results.Results(backend=result_backends.RedisBackend(url=url)))
    dramatiq.set_broker(made)
    yield made
    made.close()
    dramatiq.set_broker(None)


def actor(broker: Any, function: Any, **options: object) -> Any:
    return dramatiq.actor(function, broker=broker, store_results=True, **options)


def _add(first: int, second: int) -> int:
    return first + second


@pytest.fixture
def working(broker: Any) -> Iterator[Any]:
    """Threads that run the tasks."""
    worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=4)
    worker.start()
    yield worker
    worker.stop()


def test_tasks_return_their_results(broker: Any, working: Any) -> None:
    add = actor(broker, _add)
    messages = [add.send(number, number) for number in range(50)]
    assert [one.get_result(block=True, timeout=MILLISECONDS) for one in messages] == [2 * at for at in range(50)]
    broker.join("default", timeout=MILLISECONDS)


def test_a_delayed_task_runs_later(broker: Any, working: Any) -> None:
    add = actor(broker, _add)
    message = add.send_with_options(args=(1, 2), delay=200)
    assert message.get_result(block=True, timeout=MILLISECONDS) == 3


def test_a_failed_task_is_retried(broker: Any, working: Any) -> None:
    attempts: list[int] = []

    def fail_twice() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError
        return len(attempts)

    message = actor(broker, fail_twice, max_retries=5, min_backoff=10, max_backoff=20).send()
    broker.join("default", timeout=MILLISECONDS)
    working.join()
    assert message.get_result(block=True, timeout=MILLISECONDS) == 3


def test_a_pipeline_passes_results_on(broker: Any, working: Any) -> None:
    add = actor(broker, _add)
    pipeline = dramatiq.pipeline([add.message(1, 2), add.message(10), add.message(100)], broker=broker).run()
    assert pipeline.get_result(block=True, timeout=MILLISECONDS) == 113


def test_a_purged_queue_is_empty(broker: Any) -> None:
    add = actor(broker, _add, queue_name="idle")
    add.send(1, 1)
    add.send_with_options(args=(1, 1), delay=100_000)
    assert broker.do_qsize("idle") == 2
    broker.flush("idle")
    assert broker.do_qsize("idle") == 0


def test_limits_of_rates_and_of_concurrency(url: str) -> None:
    backend = limit_backends.RedisBackend(url=url)
    mutex = limits.ConcurrentRateLimiter(backend, "mutex", limit=1)
    with mutex.acquire(raise_on_failure=False) as first, mutex.acquire(raise_on_failure=False) as second:
        assert (first, second) == (True, False)
    bucket = limits.BucketRateLimiter(backend, "bucket", limit=2, bucket=60_000)
    window = limits.WindowRateLimiter(backend, "window", limit=3, window=60)
    assert [_acquired(bucket) for _ in range(3)] == [True, True, False]
    assert [_acquired(window) for _ in range(4)] == [True, True, True, False]


def _acquired(limiter: Any) -> bool:
    with limiter.acquire(raise_on_failure=False) as acquired:
        return bool(acquired)
