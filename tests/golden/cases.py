"""The recordings, read into typed cases."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent
# The allocators by the names in the recordings, where `mem-allocator` has another name for them.
ALLOCATORS = {"jemalloc-lg3": "jemalloc"}
FIGURES = ("memory_usage", "memory_usage_samples_0", "allocated")
# A list with compressed nodes: the sizes depend on the implementation of LZF.
COMPRESSED = "list/compress"
COMPRESSED_MARGIN = 0.02
# A small hash table that is being rehashed. With a few hash seeds most of its first four buckets are empty, so it has
# been rehashed completely, and they are freed.
REHASHED = "hash/ht-var-small"
FIRST_BUCKETS = 32
# Random figures were recorded 60 times: 12 times in each of 5 processes. Figures of hash tables depend on the hash seed
# of the process, so there are 5 values of them; the heights of skip list nodes are drawn anew in each run.
PROCESSES = 5
RUNS = 60
# The range of n values, in standard deviations, on average (the constants d2 of quality control).
SPANNED = {PROCESSES: 2.326, RUNS: 4.639}
# A set has an entry for each member that is not the first of its bucket. Their number varies by at most a third of the
# square root of the number of members, however large the table is (at a load of 0.6).
ENTRY_SIZE = 16
SET_DEVIATION = ENTRY_SIZE / 3
# A value may be at most this many standard deviations away from the recorded mean, which is itself uncertain.
DEVIATIONS = 4


@dataclass(frozen=True)
class Span:
    """The range in which a figure must be."""

    low: float
    high: float

    def holds(self, value: int) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Recorded:
    """The recorded values of a random figure."""

    mean: int
    low: int
    high: int
    #: The number of independent values.
    values: int

    def deviation(self, members: int = 0) -> float:
        """The standard deviation: that of the values, or for a set the theoretical one for its number of members."""
        return max(SET_DEVIATION * math.sqrt(members), (self.high - self.low) / SPANNED[self.values])

    def span(self, members: int = 0) -> Span:
        """The range in which a single value must be."""
        beyond = DEVIATIONS * self.deviation(members) * math.sqrt(1 + 1 / self.values)
        return Span(min(self.low, self.mean - beyond), max(self.high, self.mean + beyond))


@dataclass(frozen=True)
class Case:
    """One recorded key."""

    id: str
    category: str
    commands: tuple[tuple[bytes, ...], ...]
    key: bytes
    encoding: str
    #: The figures that are always the same.
    expected: dict[str, Span]
    #: The figures that are random.
    random: dict[str, Recorded]


def _exactly(record: dict[str, object], name: str) -> Span:
    value = record[name]
    assert isinstance(value, int)
    margin = COMPRESSED_MARGIN if record["category"] == COMPRESSED else 0
    freed = FIRST_BUCKETS if record["category"] == REHASHED else 0
    return Span(value * (1 - margin) - freed, value * (1 + margin))


def _case(line: str) -> Case:
    record = json.loads(line)
    values = RUNS if record["category"].startswith("zset/") else PROCESSES
    random = {
        name: Recorded(record[name], record[f"{name}_min"], record[f"{name}_max"], values)
        for name in FIGURES
        if f"{name}_min" in record
    }
    return Case(
        record["id"],
        record["category"],
        tuple(tuple(word.encode("latin-1") for word in command) for command in record["commands"]),
        record["key"].encode("latin-1"),
        record["encoding"],
        {name: _exactly(record, name) for name in FIGURES if name not in random},
        random,
    )


@cache
def all_cases() -> tuple[Case, ...]:
    """The cases of memory_usage.jsonl."""
    return tuple(map(_case, (DIRECTORY / "memory_usage.jsonl").read_text().splitlines()))


def random_cases() -> list[Case]:
    """The cases with random figures."""
    return [case for case in all_cases() if case.random]


def categories() -> list[str]:
    """The categories in the order of the file."""
    return list(dict.fromkeys(case.category for case in all_cases()))


@cache
def profiles() -> dict[str, dict[str, dict[str, object]]]:
    """The figures with other allocators, by the id of the case."""
    lines = (DIRECTORY / "memory_usage_profiles.jsonl").read_text().splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


@dataclass(frozen=True)
class Load:
    """One row of used_memory.jsonl: a data set, and by how much it raised used_memory."""

    id: str
    profile: str
    pattern: object
    count: int
    delta: float

    def command(self, index: int) -> list[bytes]:
        """The command number `index`."""
        pattern = self.pattern
        if isinstance(pattern, dict):
            pattern = pattern["odd" if index % 2 else "even"]
        assert isinstance(pattern, list)
        return [_argument(template, index) for template in pattern]


def _argument(template: object, index: int) -> bytes:
    if isinstance(template, dict):
        return str(template["rep"]).encode("latin-1") * int(template["n"])
    assert isinstance(template, str)
    if "{" not in template:
        return template.encode("latin-1")
    text = eval(f"f{template!r}", {"__builtins__": {}}, {"i": index})
    assert isinstance(text, str)
    return text.encode("latin-1")


@cache
def all_loads() -> tuple[Load, ...]:
    """The rows of used_memory.jsonl."""
    rows = map(json.loads, (DIRECTORY / "used_memory.jsonl").read_text().splitlines())
    return tuple(
        Load(
            row["id"],
            row["profile"],
            row["pattern"],
            row["commands_count"],
            sum(row["delta_runs"]) / len(row["delta_runs"]),
        )
        for row in rows
    )
