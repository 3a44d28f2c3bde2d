"""By how much whole data sets raise used_memory in Redis 8.2 and Valkey 9.1, and what an empty server takes.

It is measured as it was recorded (record.py): in a server of its own, in which the command has been used before.
"""

from __future__ import annotations

import math
import statistics

import pytest

from tests.golden.cases import DEVIATIONS, SET_DEVIATION, Load
from tests.golden.record import usual_loads
from tests.golden.test_recordings import recorded
from tests.golden.test_used_memory import QUICK, _fill, _settle
from tests.support.local import local_engine

#: The settings for each judge.
JUDGES = {
    "redis-8.2": {"redis-version": "8.2.3"},
    "valkey-9.1": {"redis-version": "valkey-9.1"},
    "valkey-9.1-jemalloc": {"redis-version": "valkey-9.1", "mem-allocator": "jemalloc-lg4"},
}
TOLERANCE = 0.005
#: How far a data set of few bytes may be away, besides the entries of keys that share a bucket by chance.
SLACK_BYTES = 100
STARTUP_TOLERANCE = 0.02
LOADS = usual_loads()


def _mean(judge: str, name: str) -> float:
    values: list[int] = recorded(judge)[name]["used_memory"]
    return statistics.mean(values)


def _parameters() -> list[object]:
    """Of Valkey only the smallest load is quick."""
    quick = [(load, judge) for load in LOADS for judge in JUDGES if load.id in QUICK and judge == "redis-8.2"]
    quick.append((next(load for load in LOADS if load.id == "str10-4"), "valkey-9.1"))
    return [
        pytest.param(load, judge, id=f"{load.id}-{judge}", marks=[] if (load, judge) in quick else pytest.mark.slow)
        for load in LOADS
        for judge in JUDGES
    ]


@pytest.mark.parametrize(("load", "judge"), _parameters())
def test_a_data_set_takes_as_much_memory_as_was_recorded(load: Load, judge: str) -> None:
    settings = {"save": "", "slowlog-log-slower-than": "-1", "lazyfree-lazy-user-flush": "no", **JUDGES[judge]}
    local = local_engine(*settings.items(), hash_seed=1)
    watcher = local.client()
    command = load.command(0)
    watcher.do(command[0], "warm", *command[2:])
    watcher.do("SET", "warm", "1")
    watcher.do("FLUSHALL")
    watcher.do("INFO", "memory")
    before = _settle(local, watcher)
    _fill(load, local)
    delta = _settle(local, watcher) - before
    slack = SLACK_BYTES + DEVIATIONS * SET_DEVIATION * math.sqrt(load.count)
    assert delta == pytest.approx(_mean(judge, f"load-{load.id}"), rel=TOLERANCE, abs=slack)
    local.assert_sound()


@pytest.mark.parametrize("judge", ["redis-8.2", "valkey-9.1"])
def test_an_empty_server_takes_as_much_memory_as_was_recorded(judge: str) -> None:
    local = local_engine(*JUDGES[judge].items())
    assert local.engine.allocator.startup == pytest.approx(_mean(judge, "startup"), rel=STARTUP_TOLERANCE)
