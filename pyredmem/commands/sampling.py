"""Random choices without repetition, for the commands that return or remove random elements."""

from __future__ import annotations

from typing import TypeVar

from mypy_extensions import i64

from pyredmem.base.rng import Random

T = TypeVar("T")


def distinct_numbers(count: i64, total: i64, rng: Random) -> dict[int, None]:
    """``count`` different numbers below ``total``; fast if they are a small share of all numbers."""
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen[int(rng.below(total))] = None
    return chosen


def shuffled_front(items: list[T], count: i64, rng: Random) -> list[T]:
    """``count`` different items, by the first steps of a shuffle, which takes one step per item; changes ``items``."""
    at: i64 = 0
    while at < count:
        other = at + rng.below(len(items) - at)
        items[at], items[other] = items[other], items[at]
        at += 1
    return items[:count]
