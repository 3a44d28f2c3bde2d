"""rq: jobs in queues, which worker processes run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis

from tests.applications import rq_jobs
from tests.applications.processes import worker

rq = pytest.importorskip("rq")
registry = pytest.importorskip("rq.registry")

SECONDS = 60


@pytest.fixture
def connection(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as connected:
        yield connected


def work_off(url: str, *options: str) -> None:
    """Let a worker process run the jobs of both queues until none is left."""
    arguments = ("rq.cli", "worker", "--url", url, "--burst", "--quiet", *options, "high", "low")
    with worker(*arguments, RQ_REDIS_URL=url) as process:
        assert process.wait(SECONDS) == 0


def queue(connection: redis.Redis, name: str = "low") -> Any:
    return rq.Queue(name, connection=connection)


def test_a_worker_runs_the_jobs_of_all_queues_and_stores_the_results(connection: redis.Redis, url: str) -> None:
    jobs = [queue(connection, name).enqueue(rq_jobs.add, at, 1) for at, name in enumerate(("low", "high", "low"))]
    assert queue(connection).count == 2
    work_off(url)
    assert [job.return_value(refresh=True) for job in jobs] == [1, 2, 3]
    assert [job.get_status() for job in jobs] == ["finished"] * 3
    assert queue(connection).count == 0
    assert set(queue(connection).finished_job_registry.get_job_ids()) == {jobs[0].id, jobs[2].id}


def test_a_job_that_fails_is_tried_again_and_then_registered_as_failed(connection: redis.Redis, url: str) -> None:
    job = queue(connection).enqueue(rq_jobs.fail, retry=rq.Retry(max=2))
    work_off(url)
    assert job.get_status() == "failed"
    assert job.id in queue(connection).failed_job_registry
    assert "this job fails" in job.latest_result().exc_string
    job.refresh()
    assert job.retries_left == 0
    job.requeue()
    assert queue(connection).job_ids == [job.id]


def test_a_job_waits_for_those_that_it_depends_on(connection: redis.Redis, url: str) -> None:
    parts = [queue(connection).enqueue(rq_jobs.add, at, at) for at in range(3)]
    whole = queue(connection, "high").enqueue(rq_jobs.total, *[part.id for part in parts], depends_on=parts)
    assert whole.get_status() == "deferred"
    work_off(url)
    assert whole.return_value(refresh=True) == 6


def test_a_scheduled_job_is_enqueued_when_it_is_due(connection: redis.Redis, url: str) -> None:
    job = queue(connection).enqueue_in(timedelta(milliseconds=10), rq_jobs.add, 20, 3)
    later = queue(connection).enqueue_in(timedelta(days=1), rq_jobs.add, 1, 1)
    assert job.get_status() == "scheduled"
    scheduled = registry.ScheduledJobRegistry(queue=queue(connection))
    assert scheduled.count == 2
    arguments = ("rq.cli", "worker", "--url", url, "--with-scheduler", "--quiet", "low")
    with worker(*arguments):
        assert job.latest_result(timeout=SECONDS).return_value == 23
    assert scheduled.get_job_ids() == [later.id]


def test_a_worker_obeys_the_command_to_shut_down(connection: redis.Redis, url: str) -> None:
    command = pytest.importorskip("rq.command")
    with worker("rq.cli", "worker", "--url", url, "--name", "obedient", "--quiet", "low") as process:
        assert queue(connection).enqueue(rq_jobs.add, 1, 2).latest_result(timeout=SECONDS).return_value == 3
        command.send_shutdown_command(connection, "obedient")
        assert process.wait(SECONDS) == 0
    assert rq.Worker.all(connection) == []


def test_a_unique_job_is_not_enqueued_twice(connection: redis.Redis, url: str) -> None:
    job = queue(connection).enqueue(rq_jobs.add, 1, 1, job_id="only")
    with pytest.raises(Exception, match="only"):
        queue(connection).enqueue(rq_jobs.add, 2, 2, job_id="only", unique=True)
    work_off(url)
    assert job.return_value(refresh=True) == 2
