"""Defragmentation of the process: when a run begins, that it ends, what it does not change."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from pyredmem.base.build import COMPILED
from pyredmem.engine.process_defrag import ProcessDefrag
from pyredmem.memory.process_heap import HeapFigures, obstacle
from tests.support.world import World

SUPPORTED = not obstacle()
pytestmark = pytest.mark.skipif(not SUPPORTED, reason="this interpreter has another heap")

#: Moves the objects of a sparse heap of bytes together; prints the number of arenas before and after.
SCENARIO = """
import random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.process_heap import HeapCensus, PoolMemory, read_regions
from pyredmem.memory.steering import Steering, choose_victims

def census():
    found = HeapCensus(read_regions(), memory.header)
    while not found.step(1000):
        pass
    return found.arenas()

memory = PoolMemory()
chance = random.Random(1)
texts = [chance.randbytes(chance.randint(20, 250)) for _ in range(150_000)]
chance.shuffle(texts)
del texts[37_500:]
expected = hash(b''.join(texts))  # no reference to the objects
arenas = census()
before = len(arenas)
steering = Steering(Allocator("jemalloc"), choose_victims(arenas, {}), arenas)
del arenas
postponed = -1
while steering.postponed != postponed:
    postponed = steering.postponed
    for index in range(len(texts)):
        texts[index] = steering.text(texts[index])
while not steering.drop_plugs(1000):
    pass
assert hash(b''.join(texts)) == expected
print(before, len(census()))
"""

#: The same with an engine.
SERVER = """
import random
from tests.support.world import World

world = World(activedefrag="yes", active_defrag_ignore_bytes="1", active_defrag_cycle_min="50",
              active_defrag_cycle_max="50", enable_debug_command="yes")
chance = random.Random(1)
for number in range(200_000):
    world.do("HSET", f"key:{number:010}", "field", chance.randbytes(chance.randint(20, 60)))
for number in range(200_000):
    if chance.random() < 0.75:
        world.do("DEL", f"key:{number:010}")
before = world.do("DEBUG", "DIGEST")
defrag = world.engine.process_defrag
arenas = defrag.figures().arenas
defrag.begin(50)
while defrag.effort() > 0:
    world.advance(100)
world.clock.advance_ms(1001)
assert world.do("DEBUG", "DIGEST") == before
world.check()
print(arenas, defrag.figures().arenas)
"""


def run(code: str) -> list[int]:
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def world_of(**settings: Any) -> World:
    made = World(activedefrag="yes", enable_debug_command="yes", **settings)
    for number in range(300):
        made.do("SET", f"key:{number}", "value " * (number % 40))
        made.do("HSET", "hash", f"field {number}", "v" * 50)
    made.do("DEBUG", "DIGEST")
    return made


def finish(world: World, defrag: ProcessDefrag) -> None:
    ticks = 0
    while defrag.effort() > 0:
        world.advance(100)
        ticks += 1
        assert ticks < 20_000


def test_sparse_arenas_of_bytes_go_back_to_the_operating_system() -> None:
    before, after = run(SCENARIO)
    assert before >= 10
    assert after <= before * 0.8


@pytest.mark.skipif(not COMPILED, reason="the heap of an interpreted package cannot be compacted")
def test_the_arenas_of_a_sparse_keyspace_go_back_to_the_operating_system() -> None:
    before, after = run(SERVER)
    assert after <= before * 0.65


def test_a_run_ends_and_leaves_data_and_ledger_as_they_were() -> None:
    world = world_of()
    world.advance(5000)  # until no table is rehashing
    keyspace = world.engine.keyspace
    before = world.do("DEBUG", "DIGEST"), sorted(keyspace.addresses())
    defrag = world.engine.process_defrag
    defrag.begin(50)
    assert defrag.state_name() == "census"
    finish(world, defrag)
    assert defrag.state_name() == "idle"
    assert (world.do("DEBUG", "DIGEST"), sorted(keyspace.addresses())) == before
    assert defrag.held_plugs() == 0
    assert defrag.runs == 1
    world.check()


def test_a_run_ends_early_when_activedefrag_is_switched_off() -> None:
    world = world_of()
    defrag = world.engine.process_defrag
    defrag.begin(50)
    world.do("CONFIG", "SET", "activedefrag", "no")
    finish(world, defrag)
    assert (defrag.passes, defrag.held_plugs()) == (0, 0)


def test_no_run_begins_while_activedefrag_is_off() -> None:
    world = World()
    world.engine.process_defrag.check()
    assert world.engine.process_defrag.effort() == 0


def test_no_run_begins_below_the_thresholds() -> None:
    world = world_of(active_defrag_ignore_bytes="1000000mb")
    world.engine.process_defrag.check()
    assert world.engine.process_defrag.effort() == 0


def test_the_obstacle_is_determined_once() -> None:
    defrag = World().engine.process_defrag
    assert defrag.obstacle() is defrag.obstacle()
    assert bool(defrag.obstacle()) != COMPILED


def test_the_figures_are_kept_for_a_second() -> None:
    world = World()
    defrag = world.engine.process_defrag
    first = defrag.figures()
    assert isinstance(first, HeapFigures)
    assert defrag.figures() is first
    world.clock.advance_ms(1000)
    assert defrag.figures() is not first


def test_the_entries_of_the_slow_log_survive_a_run() -> None:
    world = world_of(slowlog_log_slower_than="0")
    before = world.do("SLOWLOG", "GET", "5")
    log = world.engine.slow_commands.log
    count = len(log)
    from_first = log.get(-1)[0].entry_id
    defrag = world.engine.process_defrag
    defrag.begin(50)
    finish(world, defrag)
    assert (len(log), log.get(-1)[0].entry_id) == (count, from_first)
    assert before
    world.check()
