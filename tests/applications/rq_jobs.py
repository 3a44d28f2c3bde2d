"""The jobs of the test of rq, which a worker process imports."""

from __future__ import annotations

import importlib
import os

import redis


def add(first: int, second: int) -> int:
    return first + second


def fail() -> None:
    raise ValueError("this job fails")


def total(*job_ids: str) -> int:
    """The sum of the results of other jobs."""
    jobs = importlib.import_module("rq.job")
    with redis.Redis.from_url(os.environ["RQ_REDIS_URL"]) as connection:
        return sum(jobs.Job.fetch(job_id, connection).return_value() for job_id in job_ids)
