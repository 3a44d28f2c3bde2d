"""Eviction as recorded on a real server: how many keys stay, which ones, and how well a policy spares hot keys.

The server was recorded under load. So the recordings depend on when a second began (the LRU clock), and on how far a
table had been rehashed when the load ended; there are three runs of each load. A run here has to agree with one of them
as a whole. The numbers of keys held and evicted may differ by half a percent. Chance decides how many keys of each
tenth are left. Both counts have about the deviation of a binomial distribution, and they may differ by five times the
deviation of their difference. Chance exceeds that once in a million comparisons; if half of the keys remain, of which
2858 are looked at, it is 189. If nearly all or none of them remain it is close to nothing, so a hundredth of the tenth
is allowed as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.local import LocalClient, LocalEngine, local_engine
from tests.support.suites import SUITE

HERE = Path(__file__).parent
TOLERANCE = 0.005
KEYS = 200_000
PIPELINE = 100
EVERY = 7  # the recording looked up every such key
VALUE = b"v" * 100
#: Commands between two ticks: the recorded server took about a second for the whole load.
PER_TICK = 20_000
QUICK = {"allkeys-lru", "noeviction"}


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    keys: int
    evicted: int
    refused: int
    survivors: tuple[int, ...]  # of the first tenth of the keys, the second ...

    def resembles(self, recorded: Outcome, left_out: int = -1) -> bool:
        """Whether both may be runs of the same kind; the survivors of one tenth may be left out."""
        figures = zip(
            (self.keys, self.evicted, self.refused), (recorded.keys, recorded.evicted, recorded.refused), strict=True
        )
        return all(ours == pytest.approx(theirs, rel=TOLERANCE) for ours, theirs in figures) and all(
            abs(ours - theirs) <= allowance(theirs)
            for tenth, (ours, theirs) in enumerate(zip(self.survivors, recorded.survivors, strict=True))
            if tenth != left_out
        )


def allowance(survivors: int) -> float:
    """By how much the number of survivors of a tenth may differ from the recorded one."""
    asked = KEYS / 10 / EVERY
    share = min(survivors / asked, 1.0)
    return 5 * math.sqrt(2 * asked * share * (1 - share)) + asked / 100


class Scenario:
    """A recorded load."""

    def __init__(self, line: str) -> None:
        record = json.loads(line)
        self.policy: str = record["policy"]
        self.maxmemory: int = record["maxmemory"]
        self.samples: int = record["maxmemory_samples"]
        self.times: str | None = record["ttl"]
        self.recorded = [
            Outcome(run["dbsize"], run["evicted"], run["oom_errors"], tuple(run["survivors_by_decile_sampled_every_7"]))
            for run in record["runs"]
        ]

    def settings(self) -> list[tuple[str, str]]:
        """The server's settings."""
        return [
            ("save", ""),
            ("slowlog-log-slower-than", "-1"),
            ("maxmemory", str(self.maxmemory)),
            ("maxmemory-policy", self.policy),
            ("maxmemory-samples", str(self.samples)),
        ]

    def request(self, number: int) -> bytes:
        """One command of the load."""
        plain = b"$3\r\nSET\r\n$16\r\nkey:%012d\r\n$100\r\n%b\r\n" % (number, VALUE)
        if self.times == "all" or (self.times == "half" and number % 2 == 0):
            return b"*5\r\n%b$2\r\nEX\r\n$6\r\n%06d\r\n" % (plain, 100_000 + number)
        return b"*3\r\n" + plain

    def run(self, phase_ms: int = 0) -> Outcome:
        """Run the load, which begins ``phase_ms`` after the beginning of a second."""
        local = local_engine(*self.settings())
        local.client().do("INFO", "memory")  # the recorder's own connection
        local.pass_time(phase_ms)
        loader = local.client()
        refused = 0
        for start in range(0, KEYS, PIPELINE):
            loader.session.receive(b"".join(map(self.request, range(start, start + PIPELINE))))
            refused += loader.session.take_output().count(b"-OOM")
            if (start + PIPELINE) % PER_TICK == 0:
                local.pass_time(100)
        return Outcome(*counts(local), refused, tuple(survivors(local)))


def counts(local: LocalEngine) -> tuple[int, int]:
    """Keys held and evicted."""
    return int(local.engine.keyspace.size()), local.engine.figures.value("evicted_keys")


def survivors(local: LocalEngine) -> Iterator[int]:
    """How many of the keys that are looked at still exist, for each tenth."""
    table = local.engine.keyspace.databases[0].keys
    tenth = KEYS // 10
    for first in range(0, KEYS, tenth):
        numbers = [number for number in range(first, first + tenth) if number % EVERY == 0]
        yield sum(table.find(b"key:%012d" % number) >= 0 for number in numbers)


SCENARIOS = {
    scenario.policy: scenario
    for scenario in map(Scenario, (HERE / "eviction_scenarios.jsonl").read_text().splitlines())
}


def _policies() -> list[object]:
    """The quick ones, and as many of the others as the suite tries."""
    others = [policy for policy in SCENARIOS if policy not in QUICK][:: SUITE.data_set_step]
    return [*sorted(QUICK), *[pytest.param(policy, marks=pytest.mark.slow) for policy in others]]


@pytest.mark.parametrize("policy", _policies())
def test_a_load_above_the_limit_ends_as_recorded(policy: str) -> None:
    scenario = SCENARIOS[policy]
    outcome = scenario.run()
    assert any(outcome.resembles(recorded) for recorded in scenario.recorded), (outcome, scenario.recorded)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "run", "phase_ms", "tenth"), [("allkeys-lru", 1, 600, 4), ("volatile-lru", 2, 400, 6)]
)
def test_a_second_that_begins_during_the_load_separates_old_keys_from_new_ones(
    policy: str, run: int, phase_ms: int, tenth: int
) -> None:
    """In the recording it began within a tenth of the load, here it begins between two tenths."""
    outcome = SCENARIOS[policy].run(phase_ms)
    assert outcome.resembles(SCENARIOS[policy].recorded[run], left_out=tenth), outcome


# Hot and cold keys.

QUALITY_KEYS = 10_000
TO_EVICT = 2500
READS = {"allkeys-lru": 1, "allkeys-lfu": 20}
#: The bytes of a key of this load: entry, name, object, value.
BYTES_PER_KEY = 24 + 16 + 16 + 112


def requests(local: LocalEngine, client: LocalClient, commands: list[bytes]) -> None:
    for start in range(0, len(commands), PIPELINE):
        client.session.receive(b"".join(commands[start : start + PIPELINE]))
        client.session.take_output()


def hot_lost(policy: str, samples: int) -> int:
    """How many keys of the hot half are among the 2500 that are evicted."""
    local = local_engine(("maxmemory-policy", policy), ("maxmemory-samples", str(samples)), ("save", ""))
    client = local.client()
    names = [b"key:%05d" % number for number in range(QUALITY_KEYS)]
    requests(local, client, [b"*3\r\n$3\r\nSET\r\n$9\r\n%b\r\n$100\r\n%b\r\n" % (name, VALUE) for name in names])
    local.pass_time(2500)
    hot = names[: QUALITY_KEYS // 2]
    for _ in range(READS[policy]):
        requests(local, client, [b"*2\r\n$3\r\nGET\r\n$9\r\n%b\r\n" % name for name in hot])
    client.do("CONFIG", "SET", "hz", 10)  # the first call of a command allocates memory
    local.pass_time(100)
    client.do("CONFIG", "SET", "maxmemory", local.used_memory - TO_EVICT * BYTES_PER_KEY)
    local.pass_time(1000)
    assert counts(local) == (QUALITY_KEYS - TO_EVICT, TO_EVICT)
    table = local.engine.keyspace.databases[0].keys
    return sum(table.find(name) < 0 for name in hot)


def recorded_losses() -> Iterator[tuple[str, int, list[int]]]:
    """The numbers of hot keys that were evicted in the recorded runs, by policy and samples."""
    records = json.loads((HERE / "lru_quality.json").read_text())
    cases = dict.fromkeys((record["policy"], record["samples"]) for record in records)
    for policy, samples in cases:
        lost = [record["hot_lost"] for record in records if (record["policy"], record["samples"]) == (policy, samples)]
        yield policy, samples, lost


@pytest.mark.parametrize(("policy", "samples", "recorded"), list(recorded_losses()))
def test_as_many_hot_keys_are_evicted_as_recorded(policy: str, samples: int, recorded: list[int]) -> None:
    """With one sample there is no choice: half of the victims are hot, by chance and by the hash seed's chains.

    A redis-server 7.0 evicts 1235 to 1316 hot keys of 2500 in 17 runs, a deviation of 29; the six recorded runs lie at
    its upper end, at 1317 to 1378. Five deviations are allowed. With three samples hot keys are evicted in groups, up
    to 46 in the recording, when the pool has no better candidates.
    """
    lost = hot_lost(policy, samples)
    if samples == 1:
        assert all(loss == pytest.approx(TO_EVICT // 2, abs=145) for loss in [lost, *recorded])
    elif samples == 3:
        assert lost <= 2 * 46
    else:
        assert lost <= 10
