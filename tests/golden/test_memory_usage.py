"""MEMORY USAGE, the encoding and the allocated bytes of recorded keys, byte for byte.

Every case runs as it was recorded: after FLUSHALL, over a fresh connection, one request at a time. The bytes that a key
holds are those by which used_memory falls when another connection deletes it.

Some figures are random in Redis, because of the hash seed or the heights of skip list nodes. The bytes that a key holds
still follow from its other figures, to the byte, and every run checks that. The distribution is checked apart, over
many processes with given hash seeds.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.golden.cases import (
    ALLOCATORS,
    ENTRY_SIZE,
    Case,
    Span,
    all_cases,
    categories,
    profiles,
    random_cases,
)
from tests.golden.record import warm
from tests.support.local import LocalEngine, local_engine
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Bulk, Error, Integer, Reply, info

Do = Callable[..., Reply]
# A set most of whose members were removed.
THINNED = "set/srem-ht"


def _number(reply: Reply) -> int:
    assert isinstance(reply, Integer), reply
    return reply.value


def _measure(case: Case, fresh: Do, control: Do, used_memory: Callable[[], int]) -> dict[str, object]:
    """Run a case; `control` is a second connection, whose first-use costs are paid."""
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
    if case.random and case.category.startswith("set/"):
        found |= _hash_table(control("DEBUG", "HTSTATS-KEY", case.key, "full"))
    before = used_memory()
    assert control("DEL", case.key) == Integer(1), case.id
    found["allocated"] = before - used_memory()
    return found


def _hash_table(reply: Reply) -> dict[str, int]:
    """The number of members of a set, and the number of buckets that they are in."""
    assert isinstance(reply, Bulk), reply
    numbers = {
        name: sum(map(int, re.findall(rb"%b: ([0-9]+)" % name, reply.data)))
        for name in (b"number of elements", b"different slots")
    }
    return {"members": numbers[b"number of elements"], "buckets": numbers[b"different slots"]}


def _measure_locally(case: Case, local: LocalEngine, control: Do) -> dict[str, object]:
    client = local.client()
    try:
        return _measure(case, client.do, control, lambda: local.used_memory)
    finally:
        local.drop(client)


def _control(local: LocalEngine) -> Do:
    """A connection that has used all its commands once, so that their first-use costs are paid."""
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


def _contradictions(case: Case, found: dict[str, object]) -> list[str]:
    """Contradictions between the bytes that a hash table or skip list holds and its other figures.

    MEMORY USAGE counts an entry of 24 bytes for each member of a set. In fact the first member of a bucket has no
    entry, and the others have one of 16 bytes. After deletions a member that is now alone may still have its entry.
    """
    whole, allocated = found["memory_usage_samples_0"], found["allocated"]
    members, buckets = found.get("members", 0), found.get("buckets", 0)
    assert isinstance(whole, int)
    assert isinstance(members, int)
    assert isinstance(buckets, int)
    follows = whole - 24 * members + ENTRY_SIZE * (members - buckets)
    if not case.random or allocated == follows or case.category == THINNED:
        return []
    return [f"{case.id} {case.category}: allocated {allocated}, where {follows} follows from the rest"]


def _short(case: Case) -> str:
    command = case.commands[-1]
    words = " ".join(repr(word)[1:] if len(word) < 30 else f"<{len(word)} bytes>" for word in command[:6])
    return f"{len(case.commands)} commands, last {words}"


@pytest.mark.parametrize("category", categories())
def test_figures_are_the_recorded_ones_to_the_byte(category: str) -> None:
    local = local_engine(("enable-debug-command", "yes"))
    control = _control(local)
    faults = []
    for case in all_cases():
        if case.category == category:
            found = _measure_locally(case, local, control)
            faults += _faults(case, found) + _contradictions(case, found)
    assert not faults, "\n" + "\n".join(faults[:40])
    local.assert_sound()


def test_figures_over_a_socket_are_the_recorded_ones(ours: Server) -> None:
    """A sample of the cases. Over TCP the query buffer, the reply buffers and the timer take part.

    On a slow machine the timer may shrink a buffer in the middle of a case, so a case that fails is measured again.
    """
    faults = []
    with ours.connect() as control:
        warm(control)
        for case in all_cases()[::7]:
            for _ in range(3):
                with ours.connect() as fresh:
                    found = _measure(case, fresh.do, control.do, lambda: int(info(control, "memory")["used_memory"]))
                wrong = _faults(case, found) + _contradictions(case, found)
                if not wrong:
                    break
            faults += wrong
    assert not faults, "\n" + "\n".join(faults[:40])


@pytest.mark.parametrize("profile", ["tcmalloc", "jemalloc-lg4"])
def test_other_allocators_agree_on_99_percent_of_the_cases(profile: str) -> None:
    local = local_engine(("mem-allocator", ALLOCATORS.get(profile, profile)), ("enable-debug-command", "yes"))
    control = _control(local)
    faults = []
    for case in all_cases():
        recorded = profiles()[case.id][profile]
        found = _measure_locally(case, local, control)
        expected = {
            name: _around(case, name, value, found) for name, value in recorded.items() if isinstance(value, int)
        }
        faults += _faults(replace(case, expected=expected), found)
    assert len(faults) <= len(all_cases()) / 100, "\n" + "\n".join(faults[:40])


def _around(case: Case, name: str, value: int, found: dict[str, object]) -> Span:
    """The range of a figure of another allocator; random ones were recorded once and may vary as with the usual one."""
    if name not in case.random:
        usual = case.expected[name]
        return Span(value * usual.low / usual.high, value * usual.high / usual.low)
    usual = case.random[name].span(_members(found) if name == "allocated" else 0)
    return Span(value * usual.low / usual.high, value * usual.high / usual.low)


def test_libc_stays_near_the_recordings() -> None:
    """A real libc process cannot be reproduced exactly: each block may be 16 bytes larger than the formula says."""
    slack = 16
    local = local_engine(("mem-allocator", "libc"))
    control, fresh = local.client(), local.client()
    database = local.engine.keyspace.databases[0]
    faults = []
    for case in all_cases():
        recorded = profiles()[case.id]["libc"]
        runs = recorded.get("memory_usage_runs") or [recorded["memory_usage"]]
        assert isinstance(runs, list)
        if max(runs) > 100_000 or "memory_usage" in case.random:
            continue  # mapped blocks: the threshold depends on the history of the process
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


# Random figures.

TOLERANCE = 0.02
# The estimate from five values of many lengths varies so much that more draws are needed.
WIDE = "hash/"
DRAWS = 12
# The newest fields of a bucket are sampled first, so the oldest, here the longest, are rarely among the five.
SKEWED = "hash/ht-var-small"
# Heights of nodes have a geometric distribution: more values are high than the deviation suggests.
TALL = 0.05
DIGITS = b"0123456789"


def figures_of_random_cases(seed: int) -> dict[str, list[dict[str, object]]]:
    """The random figures of the cases, each measured one or more times."""
    local = local_engine(("enable-debug-command", "yes"), seed=seed)
    control = _control(local)
    chance = random.Random(seed)
    return {
        case.id: [
            _measure_locally(_renamed(case, chance) if number else case, local, control)
            for number in range(DRAWS if case.category.startswith(WIDE) else 1)
        ]
        for case in drawn_cases()
    }


def drawn_cases() -> list[Case]:
    """The cases with random figures that the suite tries."""
    return random_cases()[:: SUITE.data_set_step]


def _renamed(case: Case, chance: random.Random) -> Case:
    """The case with other digits in the names of fields, so that they are in other buckets."""
    digits = bytes.maketrans(DIGITS, bytes(chance.sample(DIGITS, len(DIGITS))))
    commands = tuple((*command[:2], *(word.translate(digits) for word in command[2:])) for command in case.commands)
    return replace(case, commands=commands)


def _figures_of_a_process(number: int) -> dict[str, list[dict[str, object]]]:
    """The same, in a process with a hash seed of its own."""
    program = (
        f"from {__name__} import figures_of_random_cases as figures; import json; print(json.dumps(figures({number})))"
    )
    environment = os.environ | {"PYTHONHASHSEED": str(number), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return found


def _members(found: dict[str, object]) -> int:
    members = found.get("members", 0)
    assert isinstance(members, int)
    return members


def _mean_of_all(case: Case) -> int:
    """The mean of what MEMORY USAGE estimates from a few members: it is known better from all members."""
    whole = "memory_usage_samples_0"
    return case.random[whole].mean if whole in case.random else int(case.expected[whole].low)


@pytest.mark.slow
@time_limit(600)
def test_random_figures_have_the_recorded_mean_and_range() -> None:
    """Means differ by at most 2 percent, and no value by more than chance can explain."""
    processes = [_figures_of_a_process(number) for number in range(1, SUITE.hash_seeds + 1)]
    faults = []
    for case in drawn_cases():
        draws = [draw for process in processes for draw in process[case.id]]
        for name, recorded in case.random.items():
            values = [value for draw in draws if isinstance(value := draw[name], int)]
            mean = statistics.mean(values)
            members = _members(draws[0]) if name == "allocated" else 0
            # Five or sixty values do not give the mean of a small key, or of an estimate, to two percent.
            unsure = 2 * recorded.deviation(members) / math.sqrt(recorded.values)
            percent = TOLERANCE * recorded.mean
            if abs(mean - recorded.mean) > (percent + unsure if name == "memory_usage" else max(percent, unsure)):
                faults.append(f"{case.id} {case.category} {name}: mean {mean:.0f}, recorded {recorded.mean}")
            middle = _mean_of_all(case)
            if name == "memory_usage" and case.category != SKEWED and abs(mean - middle) > TOLERANCE * middle:
                faults.append(f"{case.id} {case.category} {name}: mean {mean:.0f}, not {middle}")
            span = recorded.span(members)
            outside = [value for value in values if not span.holds(value)]
            if len(outside) > (TALL * len(values) if case.category.startswith("zset/") else 0):
                faults.append(f"{case.id} {case.category} {name}: {outside} of {len(values)} not in {span}")
    assert not faults, "\n" + "\n".join(faults)
