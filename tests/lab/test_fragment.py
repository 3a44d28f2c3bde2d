"""Patterns of allocations, run on engines in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from pyredmem.lab.errors import PatternError
from pyredmem.lab.fragment import Run, run_pattern, try_pattern
from pyredmem.lab.fragment_report import ratio
from pyredmem.lab.fragment_spec import Pattern, Phase

SETTINGS = {"active-defrag-ignore-bytes": "100kb"}
HOLES = Pattern(
    (
        Phase("set", keys=8000, size=(300, 300)),
        Phase("delete", share=0.75),
        Phase("wait", seconds=20),
    ),
    settings=SETTINGS,
)


def run_of(*phases: Phase, allocator: str = "jemalloc", defrag: bool = False, **options: int) -> Run:
    return run_pattern(Pattern(phases, settings=SETTINGS, **options), allocator, defrag)


def test_there_is_a_point_for_each_second_and_for_the_end_of_each_phase() -> None:
    run = run_of(Phase("set", keys=250, size=(10, 10)), Phase("wait", seconds=2), per_second=100)
    assert [(point.second, point.phase) for point in run.points] == [
        *[(0, 1), (1, 1), (2, 1), (2.5, 1)],
        *[(3, 2), (4, 2), (4.5, 2)],
    ]
    assert [point.keys for point in run.points] == [0, 100, 200, 250, 250, 250, 250]
    assert run.array("keys").tolist() == [point.keys for point in run.points]
    assert bool(np.all(run.array("used") <= run.array("active")))


def test_deleting_at_random_tears_holes_and_active_defragmentation_closes_them() -> None:
    [without, with_defrag] = try_pattern(HOLES, ("jemalloc",))
    assert (without.name, with_defrag.name) == ("jemalloc", "jemalloc with activedefrag")
    assert ratio(without.points[-1]) > 1.5
    assert without.points[-1].moved == 0
    assert ratio(with_defrag.points[-1]) < 1.15
    assert with_defrag.points[-1].moved > 1000
    assert with_defrag.points[-1].keys == without.points[-1].keys == 2000


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_deleting_in_order_leaves_hardly_any_holes(order: str) -> None:
    run = run_of(Phase("set", keys=8000, size=(300, 300)), Phase("delete", share=0.75, order=order))
    assert run.points[-1].keys == 2000
    assert ratio(run.points[-1]) < 1.15


def test_values_are_overwritten_appended_to_and_replaced() -> None:
    run = run_of(
        Phase("set", keys=100, size=(100, 100)),
        Phase("overwrite", share=1.0, size=(1000, 1000)),
        Phase("append", share=0.5, size=(5000, 5000), order="oldest"),
        Phase("replace", keys=100, size=(100, 100)),
    )
    used = [point.used for point in run.phase_ends()]
    assert used[0] + 80_000 < used[1] < used[2] - 200_000
    assert used[3] < used[2]
    assert {point.keys for point in run.phase_ends()} == {100}


def test_replacing_where_there_is_no_key_sets_keys() -> None:
    assert run_of(Phase("replace", keys=1, size=(1, 1))).points[-1].keys == 1


def test_the_same_seed_gives_the_same_points() -> None:
    phases = (Phase("set", keys=500, size=(10, 500)), Phase("replace", keys=500, size=(10, 500)))
    assert run_of(*phases).points == run_of(*phases).points
    assert run_of(*phases).points != run_of(*phases, seed=2).points


def test_processes_find_the_same_as_one() -> None:
    pattern = Pattern((Phase("set", keys=200, size=(10, 500)), Phase("delete", share=0.5)))
    seen: list[int] = []
    found = try_pattern(pattern, ("libc", "jemalloc"), jobs=2, done=lambda: seen.append(1))
    assert found == try_pattern(pattern, ("libc", "jemalloc"))
    assert [run.name for run in found] == ["libc", "jemalloc", "jemalloc with activedefrag"]
    assert len(seen) == 3


def test_an_allocator_without_active_defragmentation_is_not_tried_with_it() -> None:
    with pytest.raises(PatternError, match="libc has no active defragmentation"):
        run_pattern(HOLES, "libc", defrag=True)


def test_a_server_that_refuses_a_command_ends_the_run() -> None:
    pattern = Pattern((Phase("set", keys=100, size=(10_000, 10_000)),), settings={"maxmemory": "1500kb"})
    with pytest.raises(PatternError, match="the server refused a command of phase 1: OOM"):
        run_pattern(pattern, "jemalloc", defrag=False)
