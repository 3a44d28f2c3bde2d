"""The page pool: lowest run first, merging, states, limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.memory.pages import PAGE_LIMIT, OutOfMemory, PagePool, class_ceiling, class_floor


def test_there_are_four_page_classes_per_doubling() -> None:
    sizes = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40]
    assert [class_floor(size) for size in sizes] == list(range(len(sizes)))


def test_ceiling_and_floor_differ_only_between_classes() -> None:
    for pages in range(1, 3000):
        assert class_ceiling(pages) - class_floor(pages) in (0, 1)
    assert (class_floor(9), class_ceiling(9)) == (7, 8)


def test_pages_are_taken_from_the_lowest_address() -> None:
    pool = PagePool()
    assert [pool.take(3), pool.take(1), pool.take(5)] == [1, 4, 5]


def test_a_freed_run_is_used_again_before_new_pages() -> None:
    pool = PagePool()
    first, _second = pool.take(3), pool.take(3)
    pool.give(first, 3)
    assert pool.take(2) == first


def test_dirty_pages_are_taken_before_retained_ones() -> None:
    pool = PagePool()
    runs = [pool.take(2) for _ in range(4)]
    pool.give_to_system(runs[0], 2)
    pool.give(runs[2], 2)
    assert pool.take(2) == runs[2]


def test_neighbouring_runs_of_one_state_merge() -> None:
    pool = PagePool()
    runs = [pool.take(2) for _ in range(4)]
    for index in (0, 2, 1):
        pool.give(runs[index], 2)
    pool.check()
    assert pool.take(6) == runs[0]


def test_dirty_and_retained_neighbours_stay_apart() -> None:
    pool = PagePool()
    runs = [pool.take(2) for _ in range(3)]
    pool.give(runs[0], 2)
    pool.give_to_system(runs[1], 2)
    pool.check()
    assert (pool.dirty_pages, pool.tags[runs[0]] >> 1) == (2, 2)


def test_purge_leaves_the_given_number_of_dirty_pages() -> None:
    pool = PagePool()
    run = pool.take(10)
    pool.give(run, 10)
    assert pool.purge(3) == 7
    pool.check()
    assert (pool.dirty_pages, pool.take(3)) == (3, run)


def test_a_run_is_extended_in_place() -> None:
    pool = PagePool()
    run = pool.take(4)
    assert pool.extend_run(run + 4, 2)
    pool.check()
    assert pool.used_pages == 6


def test_a_run_is_not_extended_into_its_neighbour() -> None:
    pool = PagePool()
    run, _neighbour = pool.take(4), pool.take(1)
    assert not pool.extend_run(run + 4, 1)


def test_a_request_above_the_limit_is_refused_and_changes_nothing() -> None:
    pool = PagePool()
    pool.page_limit = 8
    run = pool.take(6)
    with pytest.raises(OutOfMemory, match="limit of 8 pages"):
        pool.take(3)
    assert not pool.extend_run(run + 6, 3)
    pool.check()
    assert pool.used_pages == 6


def test_a_request_for_more_than_the_address_space_is_refused() -> None:
    pool = PagePool()
    with pytest.raises(OutOfMemory, match="no 4194304 consecutive pages"):
        pool.take(PAGE_LIMIT)
    assert (pool.frontier, pool.used_pages) == (1, 0)


def test_dead_entries_do_not_pile_up() -> None:
    pool = PagePool()
    runs = [pool.take(1) for _ in range(64)]
    for _ in range(100):
        for run in runs:
            pool.give(run, 1)
        for run in runs:
            assert pool.take(1) == run
    assert sum(len(heap) for heap in pool._heaps) < 1000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "take", "give", "system", "purge"]),
            st.integers(1, 600),
            st.integers(0, 99),
        ),
        max_size=80,
    )
)
def test_runs_never_overlap_and_totals_agree(operations: list[tuple[str, int, int]]) -> None:
    pool = PagePool()
    runs: dict[int, int] = {}
    for operation, pages, choice in operations:
        if operation == "take":
            page = pool.take(pages)
            assert all(page + pages <= start or start + length <= page for start, length in runs.items())
            runs[page] = pages
        elif operation == "purge":
            pool.purge(choice)
            assert pool.dirty_pages <= choice
        elif runs:
            page = sorted(runs)[choice % len(runs)]
            if operation == "give":
                pool.give(page, runs.pop(page))
            else:
                pool.give_to_system(page, runs.pop(page))
        pool.check()
    assert pool.used_pages == sum(runs.values())
