"""Figures that parts of the server provide."""

from __future__ import annotations

import pytest

from pyredmem.engine import figures
from pyredmem.engine.figures import Figures


def test_a_figure_has_the_value_that_its_source_gives_now() -> None:
    counts = [7]
    known = Figures()
    known.provide(figures.EVICTED_KEYS, lambda: counts[0])
    assert known.value(figures.EVICTED_KEYS) == 7
    counts[0] = 8
    assert known.value(figures.EVICTED_KEYS) == 8


def test_a_figure_without_a_source_is_zero() -> None:
    assert Figures().value(figures.EVICTED_KEYS) == 0


def test_a_figure_has_one_source() -> None:
    known = Figures()
    known.provide(figures.EVICTED_KEYS, lambda: 1)
    with pytest.raises(AssertionError):
        known.provide(figures.EVICTED_KEYS, lambda: 2)


def test_the_figures_of_memory_reclaim_can_be_reset_alone() -> None:
    done: list[str] = []
    known = Figures()
    known.on_reset(lambda: done.append("clients"))
    known.on_reclaim_reset(lambda: done.append("eviction"))
    known.reset_reclaim()
    assert done == ["eviction"]
    known.reset()
    assert done == ["eviction", "clients", "eviction"]


def test_a_reset_reaches_every_part() -> None:
    done: list[str] = []
    known = Figures()
    known.on_reset(lambda: done.append("one"))
    known.on_reset(lambda: done.append("other"))
    known.reset()
    assert done == ["one", "other"]
