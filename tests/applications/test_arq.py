"""arq: asyncio jobs, which a worker in the test's event loop runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

arq = pytest.importorskip("arq")
connections = pytest.importorskip("arq.connections")
workers = pytest.importorskip("arq.worker")

SECONDS = 30


async def add(context: dict[str, object], first: int, second: int) -> int:
    return first + second


async def stubborn(context: dict[str, Any]) -> int:
    """Fails twice before it succeeds."""
    if context["job_try"] < 3:
        raise arq.Retry(defer=0.01)
    return int(context["job_try"])


async def fail(context: dict[str, object]) -> None:
    raise ValueError("this job fails")


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Any]:
    connected = await arq.create_pool(connections.RedisSettings.from_dsn(url))
    yield connected
    await connected.aclose()


async def work_off(pool: Any) -> Any:
    """Run all jobs, those that are deferred for a moment as well."""
    worker = workers.Worker(
        functions=[add, stubborn, fail], redis_pool=pool, burst=True, poll_delay=0.01, handle_signals=False
    )
    await worker.main()
    return worker


async def test_jobs_return_their_results(pool: Any) -> None:
    jobs = [await pool.enqueue_job("add", number, number) for number in range(30)]
    worker = await work_off(pool)
    assert worker.jobs_complete == 30
    assert [await job.result(timeout=SECONDS) for job in jobs] == [2 * number for number in range(30)]
    assert len(await pool.all_job_results()) == 30


async def test_an_id_is_used_once(pool: Any) -> None:
    first = await pool.enqueue_job("add", 1, 2, _job_id="only")
    assert await pool.enqueue_job("add", 3, 4, _job_id="only") is None
    await work_off(pool)
    assert await first.result(timeout=SECONDS) == 3


async def test_a_deferred_job_runs_later(pool: Any) -> None:
    job = await pool.enqueue_job("add", 1, 2, _defer_by=0.1)
    assert (await job.status()).value == "deferred"
    await work_off(pool)
    assert await job.result(timeout=SECONDS) == 3


async def test_a_job_is_retried(pool: Any) -> None:
    job = await pool.enqueue_job("stubborn")
    worker = await work_off(pool)
    assert await job.result(timeout=SECONDS) == 3
    assert worker.jobs_retried == 2


async def test_an_exception_comes_back(pool: Any) -> None:
    job = await pool.enqueue_job("fail")
    await work_off(pool)
    with pytest.raises(ValueError, match="this job fails"):
        await job.result(timeout=SECONDS)


async def test_the_worker_tells_of_its_health(pool: Any) -> None:
    await pool.enqueue_job("add", 1, 2)
    await work_off(pool)
    assert b"j_complete=" in await pool.get("arq:queue:health-check")
