"""Replays of one trace in many configurations, on all cores.

The numbers depend on the trace, the configuration and the seed alone, not on how many processes share the work.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from pyredmem.lab.charges import charges_of
from pyredmem.lab.engine_run import Configuration, Outcome, run_engine, scaled_limit, started
from pyredmem.lab.errors import ReplayError
from pyredmem.lab.exact import ALGORITHMS, run_exact
from pyredmem.lab.plan import Plan, plan_of
from pyredmem.lab.results import Results
from pyredmem.lab.sampling import sampled
from pyredmem.lab.trace import Numbers, Trace

_CHUNK: Final = 1 << 16
#: How often the progress is shown while other processes work.
_LOOK_S: Final = 0.2


@dataclass
class Job:
    """What all replays of a trace share."""

    plan: Plan
    rate: float
    startup: int  # bytes of a server without data
    charges: Numbers
    expire_bytes: int
    next_reads: Numbers

    def run(self, configuration: Configuration, advance: Callable[[int], None]) -> Outcome:
        """Replay the trace in a configuration."""
        started = time.process_time()
        if configuration.policy in ALGORITHMS:
            outcome = self._run_exact(configuration, advance)
        else:
            outcome = run_engine(self.plan, configuration, self.rate, advance)
        outcome.cpu_seconds = time.process_time() - started
        return outcome

    def _run_exact(self, configuration: Configuration, advance: Callable[[int], None]) -> Outcome:
        count = len(self.plan.trace)
        chunks = [*range(0, count, _CHUNK), count]
        budget = scaled_limit(self.startup, configuration.maxmemory, self.rate) - self.startup
        fills = configuration.fills
        cache = run_exact(configuration.policy, budget, self.expire_bytes, fills, chunks, self._columns, advance)
        return Outcome(
            configuration,
            reads=cache.reads,
            misses=cache.misses,
            evicted=cache.evicted,
            used_memory=self.startup + cache.used,
            keys=len(cache),
        )

    def _columns(self, start: int, end: int) -> list[list[int]]:
        trace = self.plan.trace
        columns = (trace.times, trace.operations, trace.keys, self.charges, trace.ttls, self.plan.fill_ttls)
        return [column[start:end].tolist() for column in (*columns, self.next_reads)]


def prepared(trace: Trace, rate: float, fills: bool, settings: tuple[tuple[str, str], ...]) -> Job:
    """Everything about a trace that does not depend on the configuration."""
    plan = plan_of(sampled(trace, rate))
    charges, expire_bytes = charges_of(plan, settings)
    startup = started(settings, 1, plan, fills).startup_bytes
    return Job(plan, min(rate, 1.0), startup, charges, expire_bytes, plan.next_reads())


def replay_all(
    trace: Trace,
    configurations: Sequence[Configuration],
    rate: float = 1.0,
    jobs: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> Results:
    """Replay a trace in all configurations, in ``jobs`` processes (0: one for each core). Raises ReplayError."""
    if not configurations:
        raise ReplayError("Nothing to replay: no policy and no size was given")
    if trace.reads == 0:
        raise ReplayError("The trace has no reads, so it has no hit ratio")
    outcomes: list[Outcome] = []
    for version in dict.fromkeys(one.version for one in configurations):
        outcomes += _replay(trace, [one for one in configurations if one.version == version], rate, jobs, advance)
    if rate < 1:
        for outcome in outcomes:
            outcome.expected_reads = trace.reads * rate
    return Results(outcomes, operations=len(trace), distinct_keys=len(trace.names), rate=min(rate, 1.0))


def _replay(
    trace: Trace, configurations: Sequence[Configuration], rate: float, jobs: int, advance: Callable[[int], None]
) -> list[Outcome]:
    """Replay a trace in configurations of one version."""
    job = prepared(trace, rate, configurations[0].fills, configurations[0].server_settings())
    if len(job.plan.trace) == 0:
        raise ReplayError("The sample is empty: the trace has too few keys for it")
    too_small = min(configuration.maxmemory for configuration in configurations)
    if too_small <= job.startup:
        raise ReplayError(f"maxmemory must be more than {job.startup} bytes, which a server takes without data")
    jobs = min(jobs or cores(), len(configurations))
    run = _run_here if jobs == 1 else _run_in_processes
    return run(job, configurations, jobs, advance)


def cores() -> int:
    """On how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_here(
    job: Job, configurations: Sequence[Configuration], jobs: int, advance: Callable[[int], None]
) -> list[Outcome]:
    return [job.run(configuration, advance) for configuration in configurations]


class _Process:
    """What a process of the pool has: the job, and the number of operations that all have replayed."""

    job: Job
    done: Synchronized[int]


def _begin(job: Job, done: Synchronized[int]) -> None:
    _Process.job = job
    _Process.done = done


def _advance(count: int) -> None:
    with _Process.done.get_lock():
        _Process.done.value += count


def _run_one(configuration: Configuration) -> Outcome:
    return _Process.job.run(configuration, _advance)


def _run_in_processes(
    job: Job, configurations: Sequence[Configuration], jobs: int, advance: Callable[[int], None]
) -> list[Outcome]:
    # Each process gets a copy of the trace. A fork would need none, but it hangs where the caller has threads.
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    with context.Pool(jobs, _begin, (job, done)) as pool:
        result = pool.map_async(_run_one, configurations, chunksize=1)
        shown = 0
        while not result.ready():
            result.wait(_LOOK_S)
            now = done.value
            advance(now - shown)
            shown = now
        outcomes: list[Outcome] = result.get()
    return outcomes
