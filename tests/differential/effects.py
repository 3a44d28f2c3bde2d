"""Compares what random sequences of commands cause besides replies: events, invalidations."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from tests.differential.grammar_hyperloglogs import DAMAGED_TAILS
from tests.differential.harness import Step
from tests.differential.test_sequences import GROUPS, OTHERS, Disagreeing

COMPARED = [name for name in GROUPS if name not in OTHERS - {"keys"}]

Event = tuple[bytes, bytes]


class Observed(ABC):
    """A server with its clients."""

    @abstractmethod
    def play(self, steps: Sequence[Step]) -> list[Event]:
        """Run a sequence in an empty database; returns what it causes besides replies."""


def _blocks(step: Step) -> bool:
    words = [word.upper() for word in step.argv]
    return b"BLOCK" in words or words[0].startswith((b"BL", b"BR", b"BZ"))


def _is_known_to_differ(step: Step) -> bool:
    """7.0 takes the least number as a RANK of LPOS; 8.2 takes + as an id of XREAD; PFADD see `parts_ways`."""
    known = {b"LPOS": b"-9223372036854775808", b"XREAD": b"+"}
    return known.get(step.argv[0].upper(), b"(none)") in step.argv or _corrupts(step)


def _corrupts(step: Step) -> bool:
    """Whether the step may make a corrupt HyperLogLog."""
    return step.argv[-1] in DAMAGED_TAILS or step.argv[-1].startswith(b"HYLL")


def compare_effects(
    pair: tuple[Observed, Observed],
    generated: st.SearchStrategy[list[Step]],
    examples: int,
    number: int,
    is_ordered: bool = True,
) -> None:
    """Compare what ``examples`` sequences cause; another ``number`` means other sequences."""
    failing: list[str] = []

    @seed(number)
    @settings(max_examples=examples, derandomize=False, database=None, phases=[Phase.generate])
    @given(generated)
    def agree(steps: list[Step]) -> None:
        if failing:
            raise Disagreeing
        played = [step for step in steps if not _blocks(step) and not _is_known_to_differ(step)]
        theirs, ours = (one.play(played) for one in pair)
        if not is_ordered:
            theirs, ours = sorted(theirs), sorted(ours)
        if theirs != ours:
            shown = "\n".join(f"{step.connection}> {b' '.join(step.argv).decode('latin-1')}" for step in played)
            shorter = min(len(theirs), len(ours))
            at = next((at for at in range(shorter) if theirs[at] != ours[at]), shorter)
            failing.append(f"event {at}:\nredis-server {theirs[at:][:4]}\npyredmem {ours[at:][:4]}\nafter:\n{shown}")
            raise Disagreeing

    with contextlib.suppress(Disagreeing):
        agree()
    if failing:
        pytest.fail(failing[0], pytrace=False)
