"""The recordings of newer servers are what these servers reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.cases import DIRECTORY, FIGURES
from tests.golden.record import JUDGES, OPTIONS, Recording, measured, recordings, warm
from tests.support.servers import Server, running
from tests.support.wire import Wire

STEP = 41
#: So many servers are asked for a case that differs.
SERVERS = 4
#: How far a random figure may be outside of what was recorded; the few processes of a recording do not show all of it.
MARGIN = 0.15
#: Blocks of libc, which Valkey has here, are 16 bytes larger or smaller now and then; a small key has two or three.
LIBC_SLACK = 48


def recorded(judge: str) -> dict[str, dict[str, Any]]:
    """The lines of a recording by the id of the case."""
    lines = (DIRECTORY / f"{judge}.jsonl").read_text().splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def agrees(judge: str, value: object, wanted: object) -> bool:
    """Whether a figure, the encoding or the error is as recorded."""
    slack = LIBC_SLACK if judge.startswith("valkey") else 0
    if isinstance(wanted, list):
        return isinstance(value, int) and wanted[0] * (1 - MARGIN) - slack <= value <= wanted[-1] * (1 + MARGIN) + slack
    if isinstance(value, int) and isinstance(wanted, int):
        return abs(value - wanted) <= slack
    return value == wanted


def differences(judge: str, case: Recording, expected: dict[str, Any], found: dict[str, int | str]) -> list[str]:
    faults = []
    for name in (*FIGURES, "encoding", "error"):
        wanted, value = expected.get(name), found.get(name)
        if not agrees(judge, value, wanted):
            faults.append(f"{case.id} {case.category} {name}: {value}, not {wanted}")
    return faults


def lasting_faults(judge: str, case: Recording, expected: dict[str, Any], server: Server, control: Wire) -> list[str]:
    """What differs in a case each time, as the server's timer may disturb it."""
    faults: list[str] = []
    for _ in range(3):
        faults = differences(judge, case, expected, measured(case, server, control))
        if not faults:
            break
    return faults


@pytest.mark.parametrize("judge", JUDGES)
def test_a_sample_of_the_cases_is_as_recorded(judge: str) -> None:
    command = JUDGES[judge]()
    if command is None:
        pytest.skip(f"{judge} is not installed (pip install -e '.[test]')")
    known = recorded(judge)
    cases = recordings()
    assert [case.id for case in cases] == [name for name in known if name.startswith(("mu-", "new-"))]
    cases = cases[::STEP]
    faults: list[str] = []
    for _ in range(SERVERS):  # which elements share a bucket depends on the server's hash seed
        with running(judge, command, *OPTIONS) as server, server.connect() as control:
            warm(control)
            wrong = [(case, lasting_faults(judge, case, known[case.id], server, control)) for case in cases]
        cases = [case for case, found in wrong if found]
        faults = [fault for _, found in wrong for fault in found]
        if not cases:
            break
    assert not faults, "\n" + "\n".join(faults)
