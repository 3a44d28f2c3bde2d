"""How much the long tests try. PYREDMEM_SUITE chooses one of five suites; nothing else reads it.

    default   leaves out the tests marked slow; `--slow` runs them too, with full counts
    ci        runs all tests, the long ones with about a tenth of their counts
    full      runs all tests with full counts and without time limits, and loads a server for ten minutes
    hour      the same, and loads it for an hour
    explore   is the default suite with more examples, and other ones each time

Except in `explore`, every run tries the same examples, so that a failure can be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import pytest
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, settings


@dataclass(frozen=True)
class Suite:
    """The counts of the long tests."""

    commands_per_type: int = 100_000  # compared with each real server, for each type of value
    commands_per_group: int = 20_000  # the same for each group of commands that do not belong to one type
    sequences_per_round: int = 100  # that are made until enough of their commands have been compared
    calls: int = 200_000  # nearly correct calls, made from COMMAND DOCS
    inputs: int = 100_000  # random byte strings, and random commands
    connections: int = 10_000  # connections that are opened and closed again
    every_case: int = 7  # of the cases that start several servers each, every n-th
    kills: int = 2_000  # of a server with an append-only file, while clients write
    sequences_of_fields: int = 3_000  # of commands on hashes whose fields have times
    streams_per_group: int = 300  # random sequences whose recorded streams are compared, for each group of commands
    streams_of_fields: int = 1_950  # the same for hashes whose fields have times
    damaged_files: int = 3_000  # RDB files with a wrong byte that are checked, for each judge
    damaged_inputs: int = 200_000  # RDB files, append-only files and payloads, damaged anyhow
    hash_seeds: int = 60  # processes in which random figures are drawn
    data_set_step: int = 1  # of the recorded data sets that take long to make, every n-th
    byte_step: int = 1  # of the 256 values that each byte of an RDB file is replaced by, every n-th
    round_trips: int = 200  # random datasets that are saved and loaded, for each group of commands
    traced_keys: int = 2_500_000  # of a trace of which a sample is replayed; more than a million of them are used
    churn_seconds: float = 20.0
    double_seconds: float = 20.0  # threads and tasks on one server inside the process
    redis_py_files: tuple[str, ...] = ()  # of redis-py's own tests; none of them means all
    redis_py_profiles: tuple[str, ...] = (
        "redis-7.2",
        "redis-7.4",
        "redis-8.2",
        "redis-8.4",
        "valkey-9.1",
    )  # and `mixed`
    redis_py_files_of_profiles: tuple[str, ...] = ()  # of these profiles; some means RESP3 only
    fakeredis_files: tuple[str, ...] = ()  # the same of fakeredis's own tests
    runs_slow_tests: bool = False  # the default suite runs no slow tests without `--slow`
    has_time_limits: bool = True
    explores: bool = False


DEFAULT: Final = Suite()
SUITES: Final = {
    "default": DEFAULT,
    "ci": Suite(
        commands_per_type=800,
        commands_per_group=350,
        sequences_per_round=25,
        calls=10_000,
        inputs=4_000,
        connections=2_000,
        kills=12,
        sequences_of_fields=200,
        streams_per_group=8,
        streams_of_fields=60,
        damaged_files=100,
        damaged_inputs=800,
        hash_seeds=30,
        data_set_step=3,  # all data sets, each with one of the allocators
        byte_step=23,
        round_trips=4,
        traced_keys=100_000,
        churn_seconds=20.0,
        double_seconds=4.0,
        redis_py_files=("tests/test_lock.py", "tests/test_function.py", "tests/test_asyncio/test_lock.py"),
        redis_py_profiles=("redis-8.2", "valkey-9.1"),
        redis_py_files_of_profiles=("tests/test_function.py", "tests/test_pipeline.py", "tests/test_scripting.py"),
        fakeredis_files=("test/test_mixins/test_set_commands.py", "test/test_async/test_asyncredis.py"),
        runs_slow_tests=True,
    ),
    "hour": replace(
        DEFAULT, every_case=1, churn_seconds=3600.0, double_seconds=60.0, runs_slow_tests=True, has_time_limits=False
    ),
    "full": replace(
        DEFAULT, every_case=1, churn_seconds=600.0, double_seconds=60.0, runs_slow_tests=True, has_time_limits=False
    ),
    "explore": replace(DEFAULT, explores=True),
}


def _chosen() -> Suite:
    name = os.environ.get("PYREDMEM_SUITE") or "default"
    if name not in SUITES:
        raise pytest.UsageError(f"PYREDMEM_SUITE must be one of {', '.join(SUITES)}, not {name!r}")
    return SUITES[name]


SUITE: Final = _chosen()


def time_limit(seconds: float) -> pytest.MarkDecorator:
    """A time limit for a long test; the full suite has none."""
    return pytest.mark.timeout(seconds if SUITE.has_time_limits else 0)


def configure_hypothesis() -> None:
    """Tell hypothesis how many examples to try, and whether to try the same ones each time.

    Shrinking needs the same verdict for the same sequence, so examples are not timed.
    """
    unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("repeatable", unhurried, derandomize=True)
    settings.register_profile("explore", unhurried, max_examples=2000, print_blob=True)
    settings.load_profile("explore" if SUITE.explores else "repeatable")


def every_nth(cases: Iterable[object]) -> list[ParameterSet]:
    """Those of many cases that the suite tries, each of which starts several servers; all of them are a long test."""
    marks = [pytest.mark.slow] if SUITE.every_case == 1 else []
    chosen = list(cases)[:: SUITE.every_case]
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=marks) for case in chosen]
