"""The recordings as typed cases."""

from __future__ import annotations

import json
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
# Cases marked random depend on the hash seed of the recorded process, of which there were five, or on the heights of
# skip list nodes. How far outside the recorded span one of ours may be: a part of the figure,
RANDOM_MARGIN = 0.02
# of the span (five processes do not show the rarer values),
SPAN_MARGIN = 0.5
# and two entries (bytes): three members of a set meet in one of four buckets in one process of sixteen.
ENTRY_MARGIN = 32
RECORDED_PROCESSES = 5
RECORDED_RUNS = 60


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
class Case:
    """One recorded key."""

    id: str
    category: str
    commands: tuple[tuple[bytes, ...], ...]
    key: bytes
    encoding: str
    expected: dict[str, Span]
    #: Recorded means of what is random.
    means: dict[str, int]


def _span(record: dict[str, object], name: str) -> Span:
    value = record[name]
    assert isinstance(value, int)
    if record["category"] == COMPRESSED:
        return Span(value * (1 - COMPRESSED_MARGIN), value * (1 + COMPRESSED_MARGIN))
    if not (record.get("random") or record.get("allocated_random")):
        return Span(value, value)
    low, high = record.get(f"{name}_min", value), record.get(f"{name}_max", value)
    assert isinstance(low, int)
    assert isinstance(high, int)
    if name != "allocated" and low == high and not record.get("random"):
        return Span(value, value)
    beyond = max((high - low) * SPAN_MARGIN, ENTRY_MARGIN if name == "allocated" else 0)
    return Span(low * (1 - RANDOM_MARGIN) - beyond, high * (1 + RANDOM_MARGIN) + beyond)


def _case(line: str) -> Case:
    record = json.loads(line)
    return Case(
        record["id"],
        record["category"],
        tuple(tuple(word.encode("latin-1") for word in command) for command in record["commands"]),
        record["key"].encode("latin-1"),
        record["encoding"],
        {name: _span(record, name) for name in FIGURES},
        {name: record[name] for name in FIGURES if f"{name}_min" in record},
    )


@cache
def all_cases() -> tuple[Case, ...]:
    """The cases of memory_usage.jsonl."""
    return tuple(map(_case, (DIRECTORY / "memory_usage.jsonl").read_text().splitlines()))


def random_cases() -> list[Case]:
    """The cases of which something is random."""
    return [case for case in all_cases() if case.means]


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
