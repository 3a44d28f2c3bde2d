"""MEMORY USAGE, encodings and really allocated bytes of recorded keys, byte for byte.

Every case runs as it was recorded: after FLUSHALL, over a fresh connection, one request at a time. The bytes
a key really holds are the drop of used_memory when another connection deletes it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.golden.cases import ALLOCATORS, Case, Span, categories, profiles, supported_cases
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
    for case in supported_cases():
        if case.category == category:
            faults += _faults(case, _measure_locally(case, local, control))
    assert not faults, "\n" + "\n".join(faults[:40])
    local.assert_sound()


def test_a_sample_of_cases_is_met_over_a_socket(ours: Server) -> None:
    """Over TCP the query buffer, the reply buffers and the timer take part."""
    faults = []
    with ours.connect() as control:
        _warm(control)
        for case in supported_cases()[::7]:
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
    for case in supported_cases():
        recorded = profiles()[case.id][profile]
        expected = {name: Span(value, value) for name, value in recorded.items() if isinstance(value, int)}
        found = _measure_locally(case, local, control)
        faults += _faults(Case(case.id, case.category, case.commands, case.key, case.encoding, expected), found)
    assert len(faults) <= len(supported_cases()) / 100, "\n" + "\n".join(faults[:40])


def test_libc_stays_near_the_recordings() -> None:
    """A real libc process is not exactly reproducible: each block may get 16 bytes more than the formula says."""
    blocks, slack = 4, 16
    local = local_engine(("mem-allocator", "libc"))
    control = _control(local)
    faults = []
    for case in supported_cases():
        recorded = profiles()[case.id]["libc"]
        runs = recorded.get("memory_usage_runs") or [recorded["memory_usage"]]
        assert isinstance(runs, list)
        if max(runs) > 100_000:
            continue  # mapped blocks: the threshold moves with the history of the process
        span = Span(min(runs) - blocks * slack, max(runs) + slack)
        found = _measure_locally(case, local, control)["memory_usage"]
        assert isinstance(found, int)
        if not span.holds(found):
            faults.append(f"{case.id} {case.category} {_short(case)}: {found}, not {span}")
    assert len(faults) <= len(supported_cases()) / 100, "\n" + "\n".join(faults[:40])
