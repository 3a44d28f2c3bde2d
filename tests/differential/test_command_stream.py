"""The stream of commands that replays our changes is the one that a real redis-server sends to its replicas.

The cases are the lines of the files in `streams/`; `command_streams` says how to read and play them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.differential.command_streams import (
    DIFFERENCES,
    FOLDER,
    NEEDS_NEWER,
    Case,
    OurPlayer,
    Played,
    RealPlayer,
    cases,
    disagreement,
    expected_stream,
    newer_player,
    real_player,
)
from tests.differential.replicas import dataset, replay, replica
from tests.support.world import World

ALL = [case for file in sorted(FOLDER.glob("*.txt")) for case in cases(file.stem)]
OLD = [case for case in ALL if not case.difference]
#: Changes of the dataset that Redis does not propagate: keys made by DEBUG, the zeros by which BITFIELD lengthens a
#: string before its overflow fails, and another delivery of pending entries to the same consumer.
NOT_PROPAGATED = ("POPULATE", "OVERFLOW FAIL", "STREAMS k > => XREADGROUP GROUP g c STREAMS k 0")
PROPAGATED = [case for case in ALL if not any(words in case.text for words in NOT_PROPAGATED)]
NEW = [case for case in ALL if case.difference]


@pytest.fixture(scope="module")
def real() -> Iterator[RealPlayer]:
    with real_player() as player:
        yield player


@pytest.fixture(scope="module")
def newer() -> Iterator[RealPlayer]:
    with newer_player() as player:
        yield player


@pytest.fixture(scope="module")
def ours() -> Iterator[OurPlayer]:
    player = OurPlayer()
    yield player
    player.world.check()


@pytest.fixture(scope="module")
def copy() -> World:
    return replica()


def fail(why: str) -> NoReturn:
    """Fail without showing the test's code, which says nothing about the case."""
    pytest.fail(why, pytrace=False)


def difference(case: Case, ours: OurPlayer, theirs: Played) -> str | None:
    """Play the case on our engine, at the times at which the real server played it; None if both agree."""
    _, stream = ours.play(case, theirs.times_us, theirs.start_ms)
    return disagreement(case, theirs.stream, stream)


@pytest.mark.needs_redis
@pytest.mark.parametrize("case", OLD, ids=[case.text for case in OLD])
def test_the_stream_is_that_of_the_real_server(real: RealPlayer, ours: OurPlayer, case: Case) -> None:
    # Redis 7.0 reads the clock for each command of an EXEC, so its time can pass there: then it plays once more.
    why = difference(case, ours, real.play(case)) and difference(case, ours, real.play(case))
    if why is not None:
        fail(why)


@NEEDS_NEWER
@pytest.mark.parametrize("case", NEW, ids=[case.text for case in NEW])
def test_where_7_0_differs_the_stream_is_that_of_the_newer_server(
    newer: RealPlayer, ours: OurPlayer, case: Case
) -> None:
    theirs = newer.play(case)
    if (why := disagreement(case, theirs.stream, expected_stream(case, theirs.start_ms))) is not None:
        fail("the case does not say what the server does: " + why)
    if (why := difference(case, ours, theirs)) is not None:
        fail(why)


@pytest.mark.parametrize("case", NEW, ids=[case.text for case in NEW])
def test_where_7_0_differs_the_stream_is_the_one_in_the_case(ours: OurPlayer, case: Case) -> None:
    start_ms = ours.next_start_ms()
    _, stream = ours.play(case, ours.times_us(case, start_ms), start_ms)
    if (why := disagreement(case, expected_stream(case, start_ms), stream)) is not None:
        fail(why)


@pytest.mark.parametrize("case", PROPAGATED, ids=[case.text for case in PROPAGATED])
def test_replaying_the_stream_gives_the_same_dataset(ours: OurPlayer, copy: World, case: Case) -> None:
    start_ms = ours.next_start_ms()
    whole, _ = ours.play(case, ours.times_us(case, start_ms), start_ms)
    replay(copy, whole, ours.world.clock.now_us())
    assert dataset(copy) == dataset(ours.world)


def test_no_two_cases_are_the_same() -> None:
    texts = [case.text for case in ALL]
    assert len(set(texts)) == len(texts)


def test_every_difference_has_a_case_and_every_case_of_a_difference_its_stream() -> None:
    assert {case.difference for case in NEW} == DIFFERENCES.keys()
    assert all(case.expected is not None for case in NEW)
