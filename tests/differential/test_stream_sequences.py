"""Random sequences of commands: the recorded stream is that of the real server.

Known differences between 7.2 and the installed 7.0.15 are removed from both streams first: SELECT is moved into MULTI,
and the XGROUP SETID after the XCLAIMs of XREADGROUP, which 7.0 does not send, is left out. For fields with a time to
live the judge is a server of version 8.2, which propagates HINCRBYFLOAT as HSETEX even if no field has one.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import Phase, given, seed, settings

from tests.differential import command_streams
from tests.differential.command_streams import (
    NEEDS_NEWER,
    Case,
    OurPlayer,
    RealPlayer,
    disagreement,
    newer_player,
    real_player,
)
from tests.differential.grammar import sequences, with_few_names
from tests.differential.grammar_field_times import SLEEP, Generator
from tests.differential.harness import Step
from tests.differential.test_blocking_at_random import CHANGING, WAITING
from tests.differential.test_blocking_at_random import command as drawn
from tests.differential.test_sequences import FOREIGN, GROUPS, Disagreeing
from tests.support.replica_link import Command
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Argument, Closed, encode

pytestmark = pytest.mark.needs_redis
EXAMPLES = 20
SEQUENCES_OF_FIELDS = 100
SCRIPTS_OF_BLOCKING = 60
READING_GROUPS = """|
XREADGROUP GROUP g c BLOCK 0 STREAMS K >|XREADGROUP GROUP g d BLOCK 0 NOACK STREAMS K >
"""
CHANGING_GROUPS = """|
XGROUP CREATE K g 0 MKSTREAM|XGROUP CREATE K g $ MKSTREAM|XGROUP DESTROY K g|XADD K * f v|SELECT 0|SELECT 1
"""
PAUSE = b"(pause)"  # the name of a step that lets time pass; no command of the grammar has it
TIME_ID = re.compile(rb"\d{13}-\d+")
GROUPS_COMPARED = [name for name in GROUPS if name not in {"connection", "scan"}]


@pytest.fixture(scope="module")
def real() -> Iterator[RealPlayer]:
    with real_player() as player:
        yield player


@pytest.fixture(scope="module")
def newer() -> Iterator[RealPlayer]:
    with newer_player() as player:
        yield player


@pytest.fixture(scope="module")
def ours() -> OurPlayer:
    return OurPlayer()


def _step(step: Step) -> command_streams.Step:
    """A step of a sequence, as a step of a case."""
    if step.argv[0] == PAUSE:
        return command_streams.Step(wait_ms=int(step.argv[1]))
    return command_streams.Step(step.connection, step.argv)


def as_case(steps: Sequence[Step]) -> Case:
    """A case that consists of these commands."""
    played = tuple(map(_step, steps))
    return Case(" ; ".join(f"{one.connection}: {command_streams.shown([list(one.argv)])}" for one in steps), (), played)


def alike(commands: Sequence[Command]) -> list[Command]:
    """A stream without the known differences of 7.0."""
    units: list[list[Command]] = [[]]
    for command in commands:
        if command == [b"MULTI"]:
            moved = [units[-1].pop()] if units[-1] and units[-1][-1][0] == b"SELECT" else []
            units.append([command, *moved])
        elif command == [b"EXEC"]:
            units[-1].append(command)
            units.append([])
        elif command[:1] == [b"HSETEX"] and command[2:4] == [b"KEEPTTL", b"FIELDS"]:
            units[-1].append([b"HSET", command[1], *command[5:]])
        elif not (command[:2] == [b"XGROUP", b"SETID"] and command[5:6] == [b"ENTRIESREAD"]):
            units[-1].append(command)
    return [command for unit in units for command in _deletions_sorted(_unwrapped(unit))]


def _deletions_sorted(unit: list[Command]) -> list[Command]:
    """The stream with deletions of fields sorted: fields that expire at one moment are deleted in any order."""
    runs = itertools.groupby(unit, lambda command: command[0] == b"HDEL")
    return [command for is_deletion, run in runs for command in (sorted(run) if is_deletion else run)]


def _unwrapped(unit: list[Command]) -> list[Command]:
    """The stream with each transaction of a single command replaced by that command."""
    inner = [command for command in unit if command[0] not in {b"MULTI", b"EXEC", b"SELECT"}]
    wrapped = unit[:1] == [[b"MULTI"]] and len(inner) <= 1
    return [command for command in unit if command[0] not in {b"MULTI", b"EXEC"}] if wrapped else unit


@pytest.mark.parametrize("group", GROUPS_COMPARED)
def test_streams_of_sequences_agree(real: RealPlayer, ours: OurPlayer, group: str) -> None:
    explore(real, ours, group, EXAMPLES, number=0)


@pytest.mark.slow
@time_limit(1200)
@pytest.mark.parametrize("group", GROUPS_COMPARED)
def test_streams_of_many_sequences_agree(real: RealPlayer, ours: OurPlayer, group: str) -> None:
    explore(real, ours, group, SUITE.streams_per_group, number=1)


def explore(real: RealPlayer, ours: OurPlayer, group: str, examples: int, number: int) -> None:
    """Compare random sequences; another number means other sequences."""
    forms, connections = GROUPS[group]
    failing: list[str] = []

    @seed(number)
    @settings(max_examples=examples, derandomize=False, database=None, phases=[Phase.generate])
    @given(sequences([*forms, *FOREIGN], connections).map(with_few_names))
    def agree(steps: list[Step]) -> None:
        if failing:
            raise Disagreeing  # run once more, which may not show the difference again
        why = difference(as_case([one for one in steps if one.argv]), real, ours)
        if why is not None:
            failing.append(why)
            raise Disagreeing

    with contextlib.suppress(Disagreeing):
        agree()
    if failing:
        pytest.fail(failing[0].replace(" ; ", "\n    "), pytrace=False)


def field_steps(commands: Sequence[Sequence[Argument]]) -> list[Step]:
    """The commands of the generator; its DEBUG SLEEP becomes a step that lets time pass."""
    return [Step((PAUSE, b"4") if one == SLEEP else tuple(map(encode, one))) for one in commands]


@NEEDS_NEWER
def test_streams_of_fields_with_times_agree(newer: RealPlayer, ours: OurPlayer) -> None:
    compare_fields(newer, ours, range(SEQUENCES_OF_FIELDS))


@NEEDS_NEWER
@pytest.mark.slow
@time_limit(1200)
def test_streams_of_many_fields_with_times_agree(newer: RealPlayer, ours: OurPlayer) -> None:
    compare_fields(newer, ours, range(SEQUENCES_OF_FIELDS, SEQUENCES_OF_FIELDS + SUITE.streams_of_fields))


def compare_fields(newer: RealPlayer, ours: OurPlayer, numbers: range) -> None:
    """Compare the sequences with these numbers."""
    for number in numbers:
        commands = Generator(random.Random(number)).sequence(25)
        why = difference(as_case(field_steps(commands)), newer, ours)
        if why is not None:
            pytest.fail(f"sequence {number}: " + why.replace(" ; ", "\n    "), pytrace=False)


def difference(case: Case, real: RealPlayer, ours: OurPlayer) -> str | None:
    """Where the streams differ; None if they agree or if a command closed the connection."""
    try:
        theirs = real.play(case)
    except Closed:
        return None
    _, stream = ours.play(case, theirs.times_us, theirs.start_ms)
    stream = list(command_streams.without_first_select(stream))
    return disagreement(case, _without_ids(alike(theirs.stream)), _without_ids(alike(stream)))


def _without_ids(commands: Sequence[Command]) -> list[Command]:
    """A stream without the ids that the clock has made: a millisecond may begin between two of them."""
    return [[TIME_ID.sub(b"(time)", word) for word in command] for command in commands]


@NEEDS_NEWER
@pytest.mark.parametrize("number", range(SCRIPTS_OF_BLOCKING))
def test_streams_of_clients_that_are_blocked_agree(newer: RealPlayer, ours: OurPlayer, number: int) -> None:
    source = random.Random(number)
    steps = [step for _ in range(40) for step in blocking_steps(source)]
    text = "\n    ".join(f"{step.connection}: {command_streams.shown([list(step.words)])}" for step in steps)
    why = difference(Case(text, (), tuple(steps)), newer, ours)
    if why is not None:
        pytest.fail(why.replace(" ; ", "\n    "), pytrace=False)


def blocking_steps(source: random.Random) -> list[command_streams.Step]:
    """A command of a client that it may block, or one or several of a client that serve others."""
    if source.random() < 0.5:
        name = source.choice("abc")
        return [step_of(name, drawn(source, WAITING + READING_GROUPS))]
    commands = [drawn(source, CHANGING + CHANGING_GROUPS) for _ in range(source.choice((1, 1, 1, 2, 3)))]
    if len(commands) > 1:
        commands = ["MULTI", *commands, "EXEC"]
    return [step_of("x", one) for one in commands]


def step_of(name: str, text: str) -> command_streams.Step:
    """A step that is left out while its client is blocked."""
    return command_streams.Step(name, tuple(word.encode() for word in text.split()), optional=True)
