"""Work between commands: which slice runs when, and when the shell is asked to wake the engine."""

from __future__ import annotations

from pyredmem.base.clock import ManualClock
from pyredmem.engine.host import Host
from pyredmem.engine.tasks import DONE, Tasks
from tests.support.world import World


class Shell(Host):
    """Records the alarms that it is asked for."""

    def __init__(self) -> None:
        self.alarms: list[int] = []

    def wake_after(self, delay_us: int) -> None:
        self.alarms.append(delay_us)


class Bench:
    """Tasks, their clock and their shell."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.shell = Shell()
        self.tasks = Tasks(self.clock, self.shell)
        self.slices = 0

    def work(self, slices: int, pause_us: int) -> int:
        """One slice of a piece of work that takes `slices` slices."""
        self.slices += 1
        return pause_us if self.slices < slices else DONE

    def pass_us(self, microseconds: int) -> None:
        self.clock.advance_us(microseconds)
        self.tasks.run()


def test_a_task_sleeps_until_it_is_woken() -> None:
    bench = Bench()
    task = bench.tasks.create(lambda: bench.work(1, 0))
    bench.pass_us(10**9)
    assert (bench.slices, task.is_awake(), bench.shell.alarms) == (0, False, [])


def test_a_task_runs_when_it_is_due() -> None:
    bench = Bench()
    task = bench.tasks.create(lambda: bench.work(1, 0))
    task.wake(300)
    bench.pass_us(299)
    assert bench.slices == 0
    bench.pass_us(1)
    assert (bench.slices, task.is_awake()) == (1, False)


def test_a_task_knows_how_late_it_is() -> None:
    bench = Bench()
    task = bench.tasks.create(lambda: bench.work(1, 0))
    task.wake(300)
    bench.pass_us(1000)
    assert task.late_us == 700


def test_a_task_goes_on_after_the_pause_that_it_asked_for() -> None:
    bench = Bench()
    bench.tasks.create(lambda: bench.work(3, 200)).wake()
    for _ in range(10):
        bench.pass_us(100)
    assert (bench.slices, bench.shell.alarms) == (3, [0, 200, 100, 200, 100])


def test_waking_a_task_again_does_not_delay_it() -> None:
    bench = Bench()
    task = bench.tasks.create(lambda: bench.work(1, 0))
    task.wake(100)
    task.wake(500)
    bench.pass_us(100)
    assert (bench.slices, bench.shell.alarms) == (1, [100])


def test_the_shell_is_asked_again_only_for_an_earlier_alarm() -> None:
    bench = Bench()
    for delay_us in (400, 600, 200):
        bench.tasks.create(lambda: DONE).wake(delay_us)
    assert bench.shell.alarms == [400, 200]


def test_a_task_that_wakes_itself_while_it_works_runs_again() -> None:
    bench = Bench()

    def work() -> int:
        bench.slices += 1
        if bench.slices == 1:
            task.wake(50)
        return DONE

    task = bench.tasks.create(work)
    task.wake()
    bench.pass_us(0)
    bench.pass_us(50)
    bench.pass_us(50)
    assert bench.slices == 2


def test_a_clock_that_is_set_back_does_not_delay_a_task() -> None:
    bench = Bench()
    bench.tasks.create(lambda: bench.work(1, 0)).wake(300)
    bench.pass_us(-3_600_000_000)
    assert bench.slices == 1


def test_an_engine_without_a_shell_runs_its_tasks_at_the_ticks(world: World) -> None:
    slices: list[int] = []

    def work() -> int:
        slices.append(1)
        return 0 if len(slices) < 3 else DONE

    world.engine.core.tasks.create(work).wake()
    for expected in (1, 2, 3, 3):
        world.engine.tick(world.clock.now_us() // 1000)
        assert len(slices) == expected


def test_the_shell_runs_tasks_between_the_ticks(world: World) -> None:
    slices: list[int] = []

    def work() -> int:
        slices.append(1)
        return DONE

    world.engine.core.tasks.create(work).wake()
    world.run_tasks()
    assert len(slices) == 1


def test_between_the_ticks_only_one_task_runs_at_a_time(world: World) -> None:
    turns: list[str] = []

    def note(name: str) -> int:
        turns.append(name)
        world.clock.advance_us(50)
        return DONE

    later = world.engine.core.tasks.create(lambda: note("later"))
    sooner = world.engine.core.tasks.create(lambda: note("sooner"))
    sooner.wake(100)
    later.wake(200)
    world.clock.advance_us(300)
    world.run_tasks()
    assert turns == ["sooner"]
    world.run_tasks()
    assert turns == ["sooner"]  # the other task waits for as long as this slice took
    world.clock.advance_us(50)
    world.run_tasks()
    assert turns == ["sooner", "later"]


def test_a_task_waits_only_once_for_another_one_that_never_pauses(world: World) -> None:
    turns: list[str] = []

    def note(name: str) -> int:
        turns.append(name)
        world.clock.advance_us(200)
        return 0

    world.engine.core.tasks.create(lambda: note("hungry")).wake()
    world.engine.core.tasks.create(lambda: note("modest")).wake(100)
    for _ in range(10):
        world.run_tasks()
    assert turns.count("modest") >= 4
