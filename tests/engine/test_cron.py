"""The periodic jobs of the timer: at which ticks each of them runs."""

from __future__ import annotations

from pyredmem.engine.cron import Cron

START_MS = 1_700_000_000_000


def runs(period_ms: int, ticks: list[int]) -> list[int]:
    """The ticks out of `ticks` at which a job runs, in milliseconds from the start."""
    cron = Cron()
    done: list[int] = []
    now = [0]
    cron.every(period_ms, lambda: done.append(now[0]))
    for tick in ticks:
        now[0] = tick
        cron.run(START_MS + tick)
    return done


def test_a_job_runs_at_the_first_tick_and_then_once_a_period() -> None:
    assert runs(300, list(range(0, 1000, 100))) == [0, 300, 600, 900]


def test_a_job_of_period_zero_runs_at_every_tick() -> None:
    assert runs(0, [0, 1, 2, 50]) == [0, 1, 2, 50]


def test_ticks_that_come_slightly_early_do_not_halve_the_rate() -> None:
    ticks = [2, 101, 200, 301, 401, 500]
    assert len(runs(100, ticks)) >= len(ticks) - 1


def test_a_late_job_does_not_catch_up() -> None:
    assert runs(100, [0, 1000, 1010, 1020, 1100]) == [0, 1000, 1100]


def test_a_clock_that_is_set_back_does_not_stop_the_jobs() -> None:
    assert runs(100, [0, 100, -100_000, -99_900]) == [0, 100, -99_900]


def test_no_job_runs_while_the_timer_is_paused() -> None:
    cron = Cron()
    done: list[int] = []
    cron.every(0, lambda: done.append(1))
    cron.paused = True
    cron.run(START_MS)
    assert not done
