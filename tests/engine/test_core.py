"""The core, and parts of the engine that are built on a core alone."""

from __future__ import annotations

import pytest

from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.config.settings import Settings
from pyredmem.engine.core import Chores, Core
from pyredmem.engine.gates import GATE_MONITORED, GATE_PAUSED
from pyredmem.engine.heap_trim import HeapTrim
from pyredmem.engine.host import Host
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.monitor import Monitors
from pyredmem.engine.pause import Pause
from pyredmem.engine.slow_commands import SlowCommands
from pyredmem.engine.tracking import Tracking
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.memory.allocator import Allocator


@pytest.fixture
def core() -> Core:
    allocator = Allocator()
    layout = create_layout(REDIS_7_2.layout, allocator)
    allocator.begin()
    return Core(Settings(()), ManualClock(), Random(1), layout, Host())


def test_a_pause_needs_nothing_but_a_core(core: Core) -> None:
    pause = Pause(core)
    pause.begin(int(core.keyspace.now_ms()) + 100, everything=True)
    assert core.gates.bits & GATE_PAUSED
    pause.end()
    assert not core.gates.bits & GATE_PAUSED


def test_a_part_registers_its_blocks_and_jobs_with_the_core(core: Core) -> None:
    slow_commands = SlowCommands(core)
    MemoryLimit(core, slow_commands.monitor)
    slow_commands.log.add([b"GET", b"k"], 20_000, 0, b"127.0.0.1:50000", b"")
    assert core.owners.audit().ok


def test_monitors_tracking_and_the_heap_trim_are_built_on_a_core(core: Core) -> None:
    Monitors(core)
    Tracking(core)
    HeapTrim(core)
    core.cron.run(1000)
    assert not core.gates.bits & GATE_MONITORED


def test_a_chore_that_defers_another_one_has_it_run_too() -> None:
    seen: list[str] = []
    chores = Chores()

    def first() -> None:
        seen.append("first")
        chores.defer(second)
        chores.run()  # as a batch that runs inside a chore does

    def second() -> None:
        seen.append("second")

    chores.defer(first)
    chores.run()
    assert seen == ["first", "second"]


def test_the_chores_run_again_after_one_has_failed() -> None:
    seen: list[str] = []
    chores = Chores()

    def fail() -> None:
        raise RuntimeError

    chores.defer(fail)
    with pytest.raises(RuntimeError):
        chores.run()
    chores.defer(lambda: seen.append("ran"))
    chores.run()
    assert seen == ["ran"]
