"""By how much whole data sets raise used_memory, within one percent of the recordings.

It is measured as it was recorded: one connection pays all first-use costs, another one loads the data and disconnects,
and the timer runs until nothing changes any more. The difference is due to the data set.
"""

from __future__ import annotations

import pytest

from tests.golden.cases import ALLOCATORS, Load, all_loads
from tests.support.local import LocalClient, LocalEngine, local_engine
from tests.support.suites import SUITE
from tests.support.wire import Error

TOLERANCE = 0.01
PIPELINE = 100
POLL_MS = 250
STABLE_POLLS = 4
QUICK = {"str10-4", "str10-1000", "hashes-10f", "streams", "hll", "zset", "set", "list", "stream"}


def _prepare(load: Load, watcher: LocalClient) -> None:
    watcher.do("DEBUG", "REPLYBUFFER", "RESIZING", "0")
    command = load.command(0)
    watcher.do(command[0], "warm", *command[2:])
    watcher.do("DEL", "warm")
    watcher.do("FLUSHALL")
    for measuring in (["INFO", "memory"], ["MEMORY", "STATS"], ["DBSIZE"]):
        watcher.do(*measuring)


def _fill(load: Load, local: LocalEngine) -> None:
    loader = local.client()
    for start in range(0, load.count, PIPELINE):
        replies = loader.pipeline(load.command(i) for i in range(start, min(start + PIPELINE, load.count)))
        assert not any(isinstance(reply, Error) for reply in replies), replies[:1]
    local.drop(loader)


def _settle(local: LocalEngine, watcher: LocalClient) -> int:
    """used_memory, once it is stable; the watching client stays busy, so that its buffers keep their size."""
    before, same = -1, 0
    while same < STABLE_POLLS:
        local.pass_time(POLL_MS)
        watcher.do("INFO", "memory")
        same = same + 1 if local.used_memory == before else 0
        before = local.used_memory
    return before


def _is_quick(load: Load) -> bool:
    return load.id in QUICK and load.profile == "jemalloc-lg3"


def _name(load: Load) -> str:
    return f"{load.profile}-{load.id}"


def _loads() -> list[object]:
    """The quick ones, and as many of the others as the suite tries."""
    others = [load for load in all_loads() if not _is_quick(load)]
    return [
        *[pytest.param(load, id=_name(load)) for load in all_loads() if _is_quick(load)],
        *[pytest.param(load, id=_name(load), marks=pytest.mark.slow) for load in others[:: SUITE.data_set_step]],
    ]


@pytest.mark.parametrize("load", _loads())
def test_a_data_set_takes_as_much_memory_as_in_redis(load: Load) -> None:
    local = local_engine(
        ("save", ""),
        ("slowlog-log-slower-than", "-1"),
        ("mem-allocator", ALLOCATORS.get(load.profile, load.profile)),
        ("enable-debug-command", "yes"),
    )
    watcher = local.client()
    _prepare(load, watcher)
    before = local.used_memory
    _fill(load, local)
    delta = _settle(local, watcher) - before
    assert delta == pytest.approx(load.delta, rel=TOLERANCE)
    local.assert_sound()
