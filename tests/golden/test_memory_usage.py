"""MEMORY USAGE, encodings and really allocated bytes of recorded keys, byte for byte.

Every case runs as it was recorded: after FLUSHALL, over a fresh connection, one request at a time. The bytes
a key really holds are the drop of used_memory when another connection deletes it.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.golden.cases import (
    ALLOCATORS,
    RECORDED_PROCESSES,
    RECORDED_RUNS,
    Case,
    Span,
    all_cases,
    categories,
    profiles,
    random_cases,
)
from tests.support.local import LocalEngine, local_engine
from tests.support.servers import Server
from tests.support.wire import Bulk, Error, Integer, Reply, Wire, info

Do = Callable[..., Reply]


def _number(reply: Reply) -> int:
    assert isinstance(reply, Integer), reply
    return reply.value


def _measure(case: Case, fresh: Do, control: Do, used_memory: Callable[[], int]) -> dict[str, object]:
    """Run a case; `control` is a second connection that has been in use."""
    control("FLUSHALL")
    for command in case.commands:
        reply = fresh(*command)
        assert not isinstance(reply, Error), (case.id, command[:1], reply)
    encoding = control("OBJECT", "ENCODING", case.key)
    found: dict[str, object] = {
        "encoding": encoding.data.decode() if isinstance(encoding, Bulk) else repr(encoding),
        "memory_usage": _number(control("MEMORY", "USAGE", case.key)),
        "memory_usage_samples_0": _number(control("MEMORY", "USAGE", case.key, "SAMPLES", 0)),
    }
    before = used_memory()
    assert control("DEL", case.key) == Integer(1), case.id
    found["allocated"] = before - used_memory()
    return found


def _measure_locally(case: Case, local: LocalEngine, control: Do) -> dict[str, object]:
    client = local.client()
    try:
        return _measure(case, client.do, control, lambda: local.used_memory)
    finally:
        local.drop(client)


def _control(local: LocalEngine) -> Do:
    """A connection whose commands have all been used once, so that their first-use costs are paid."""
    control = local.client()
    for command in (["DEL", "k"], ["OBJECT", "ENCODING", "k"], ["MEMORY", "USAGE", "k"], ["FLUSHALL"]):
        control.do(*command)
    return control.do


def _faults(case: Case, found: dict[str, object]) -> list[str]:
    faults = []
    if found["encoding"] != case.encoding:
        faults.append(f"encoding {found['encoding']}, not {case.encoding}")
    for name, span in case.expected.items():
        value = found[name]
        assert isinstance(value, int)
        if not span.holds(value):
            faults.append(f"{name} {value}, not {span}")
    return [f"{case.id} {case.category} {_short(case)}: {', '.join(faults)}"] if faults else []


def _short(case: Case) -> str:
    command = case.commands[-1]
    words = " ".join(repr(word)[1:] if len(word) < 30 else f"<{len(word)} bytes>" for word in command[:6])
    return f"{len(case.commands)} commands, last {words}"


@pytest.mark.parametrize("category", categories())
def test_recorded_figures_are_met_to_the_byte(category: str) -> None:
    local = local_engine()
    control = _control(local)
    faults = []
    for case in all_cases():
        if case.category == category:
            faults += _faults(case, _measure_locally(case, local, control))
    assert not faults, "\n" + "\n".join(faults[:40])
    local.assert_sound()


def test_a_sample_of_cases_is_met_over_a_socket(ours: Server) -> None:
    """Over TCP the query buffer, the reply buffers and the timer take part."""
    faults = []
    with ours.connect() as control:
        _warm(control)
        for case in all_cases()[::7]:
            with ours.connect() as fresh:
                found = _measure(case, fresh.do, control.do, lambda: int(info(control, "memory")["used_memory"]))
                faults += _faults(case, found)
    assert not faults, "\n" + "\n".join(faults[:40])


def _warm(control: Wire) -> None:
    for command in (["DEL", "k"], ["OBJECT", "ENCODING", "k"], ["MEMORY", "USAGE", "k"], ["INFO", "memory"]):
        control.do(*command)


@pytest.mark.parametrize("profile", ["tcmalloc", "jemalloc-lg4"])
def test_other_allocators_agree_on_99_percent_of_the_cases(profile: str) -> None:
    local = local_engine(("mem-allocator", ALLOCATORS.get(profile, profile)))
    control = _control(local)
    faults = []
    for case in all_cases():
        recorded = profiles()[case.id][profile]
        expected = {name: _around(case, name, value) for name, value in recorded.items() if isinstance(value, int)}
        found = _measure_locally(case, local, control)
        faults += _faults(replace(case, expected=expected), found)
    assert len(faults) <= len(all_cases()) / 100, "\n" + "\n".join(faults[:40])


def _around(case: Case, name: str, value: int) -> Span:
    """A figure of another allocator; what is random may be as far from it as with the one measured often."""
    usual = case.expected[name]
    room = usual.high / usual.low
    return Span(value / room, value * room)


def test_libc_stays_near_the_recordings() -> None:
    """A real libc process is not exactly reproducible: each block may get 16 bytes more than the formula says."""
    slack = 16
    local = local_engine(("mem-allocator", "libc"))
    control, fresh = local.client(), local.client()
    database = local.engine.keyspace.databases[0]
    faults = []
    for case in all_cases():
        recorded = profiles()[case.id]["libc"]
        runs = recorded.get("memory_usage_runs") or [recorded["memory_usage"]]
        assert isinstance(runs, list)
        if max(runs) > 100_000 or "memory_usage" in case.means:
            continue  # mapped blocks: the threshold moves with the history of the process
        control.do("FLUSHALL")
        for command in case.commands:
            fresh.do(*command)
        found = _number(control.do("MEMORY", "USAGE", case.key))
        value = database.peek(case.key)
        assert value is not None
        blocks = len(value.addresses()) + 3
        span = Span(min(runs) - blocks * slack, max(runs) + slack)
        if not span.holds(found):
            faults.append(f"{case.id} {case.category} {_short(case)}: {found}, not {span}")
    assert len(faults) <= len(all_cases()) / 100, "\n" + "\n".join(faults[:40])


# What is random.

PROCESSES = 40


def figures_of_random_cases(seed: int) -> dict[str, dict[str, object]]:
    """The figures of the cases that are random, measured once."""
    local = local_engine(seed=seed)
    control = _control(local)
    return {case.id: _measure_locally(case, local, control) for case in random_cases()}


def _figures_of_a_process(number: int) -> dict[str, dict[str, int]]:
    """As above, in a process with a hash seed of its own."""
    program = (
        f"from {__name__} import figures_of_random_cases as figures; import json; print(json.dumps(figures({number})))"
    )
    environment = os.environ | {"PYTHONHASHSEED": str(number), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_random_figures_have_the_recorded_means_and_ranges() -> None:
    """Within 2 percent, and what the mean of a recording is uncertain by."""
    processes = [_figures_of_a_process(number) for number in range(1, PROCESSES + 1)]
    faults = []
    for case in random_cases():
        for name, recorded in case.means.items():
            values = [process[case.id][name] for process in processes]
            mean, deviation = statistics.mean(values), statistics.stdev(values)
            # The hash seed makes a table what it is; the heights of nodes are drawn anew in each run.
            independent = RECORDED_RUNS if case.category.startswith("zset/") else RECORDED_PROCESSES
            allowed = 0.02 * recorded + 2 * deviation * math.sqrt(1 / independent + 1 / PROCESSES)
            if abs(mean - recorded) > allowed:
                faults.append(f"{case.id} {case.category} {name}: mean {mean:.0f}, recorded {recorded}")
            inside = sum(case.expected[name].holds(value) for value in values)
            if inside < 0.95 * PROCESSES:
                faults.append(f"{case.id} {case.category} {name}: {PROCESSES - inside} outside {case.expected[name]}")
    assert not faults, "\n" + "\n".join(faults)
