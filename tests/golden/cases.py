"""The recordings as typed cases."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent
# Names in the recordings of the allocators that the setting `mem-allocator` calls otherwise.
ALLOCATORS = {"jemalloc-lg3": "jemalloc"}
FIGURES = ("memory_usage", "memory_usage_samples_0", "allocated")
# A list with nodes that are compressed: LZF is a matter of the implementation.
COMPRESSED = "list/compress"
COMPRESSED_MARGIN = 0.02
# What is random was recorded 60 times: 12 times in each of 5 processes. The hash seed of a process decides on what
# depends on hash tables, so of that there are 5 values; the heights of skip list nodes are drawn anew in each run.
PROCESSES = 5
RUNS = 60
# Standard deviations that so many values span on average (the constants d2 of quality control).
SPANNED = {PROCESSES: 2.326, RUNS: 4.639}
# An entry for each member of a set that is not the first of its bucket. How many there are varies by at most a third
# of the root of the number of members, however large the table is (at a load of 0.6).
ENTRY_SIZE = 16
SET_DEVIATION = ENTRY_SIZE / 3
# A value may be this many standard deviations from the recorded mean, which is uncertain itself.
DEVIATIONS = 4


@dataclass(frozen=True)
class Span:
    """What a figure may be."""

    low: float
    high: float

    def holds(self, value: int) -> bool:
        """Whether the value is allowed."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Recorded:
    """What was recorded of a random figure."""

    mean: int
    low: int
    high: int
    #: Of how many independent values.
    values: int

    def deviation(self, members: int = 0) -> float:
        """The standard deviation: that of the values, or of a set with so many members, which theory knows."""
        return max(SET_DEVIATION * math.sqrt(members), (self.high - self.low) / SPANNED[self.values])

    def span(self, members: int = 0) -> Span:
        """What a single value may be."""
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
    #: Figures that are always the same.
    expected: dict[str, Span]
    #: Figures that are random.
    random: dict[str, Recorded]


def _exactly(record: dict[str, object], name: str) -> Span:
    value = record[name]
    assert isinstance(value, int)
    margin = COMPRESSED_MARGIN if record["category"] == COMPRESSED else 0
    return Span(value * (1 - margin), value * (1 + margin))


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
    """The cases of which something is random."""
    return [case for case in all_cases() if case.random]


def categories() -> list[str]:
    """The categories in the order of the file."""
    return list(dict.fromkeys(case.category for case in all_cases()))


@cache
def profiles() -> dict[str, dict[str, dict[str, object]]]:
    """The figures under other allocators by case id."""
    lines = (DIRECTORY / "memory_usage_profiles.jsonl").read_text().splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


@dataclass(frozen=True)
class Load:
    """One row of used_memory.jsonl: a data set and what it added to used_memory."""

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
