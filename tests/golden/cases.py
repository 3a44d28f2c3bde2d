"""The recordings as typed cases, and which of them the server can run so far."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent
# The list to extend when a data type arrives. Prefixes of categories:
SUPPORTED = (
    "string/",
    "key-length",
    "hll/",
    "hash/",
    "random/hash",
    "list/",
    "random/list",
    "stream/",
    "set/",
    "random/set",
    "zset/",
)
# Names in the recordings of the allocators that the setting `mem-allocator` calls otherwise.
ALLOCATORS = {"jemalloc-lg3": "jemalloc"}
FIGURES = ("memory_usage", "memory_usage_samples_0", "allocated")
# Statistical cases vary between processes of the real server: how far outside the recorded span ours may be.
RANDOM_MARGIN = 0.02
# And, in parts of that span: where five elements of many sizes are sampled, one process in thirty would lie outside.
SPAN_MARGIN = 0.5
# Two entries (bytes): three members of a set meet in one of four buckets in one process of sixteen.
ENTRY_MARGIN = 32


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


def _span(record: dict[str, object], name: str, flag: str) -> Span:
    value = record[name]
    assert isinstance(value, int)
    low, high = record.get(f"{name}_min", value), record.get(f"{name}_max", value)
    assert isinstance(low, int)
    assert isinstance(high, int)
    if record.get(flag):
        beyond = max((high - low) * SPAN_MARGIN, ENTRY_MARGIN if name == "allocated" else 0)
        return Span(low * (1 - RANDOM_MARGIN) - beyond, high * (1 + RANDOM_MARGIN) + beyond)
    return Span(value, value)


def _case(line: str) -> Case:
    record = json.loads(line)
    return Case(
        record["id"],
        record["category"],
        tuple(tuple(word.encode("latin-1") for word in command) for command in record["commands"]),
        record["key"].encode("latin-1"),
        record["encoding"],
        {name: _span(record, name, "allocated_random" if name == "allocated" else "random") for name in FIGURES},
    )


@cache
def supported_cases() -> tuple[Case, ...]:
    """The cases of memory_usage.jsonl whose categories are supported."""
    lines = (DIRECTORY / "memory_usage.jsonl").read_text().splitlines()
    return tuple(case for case in map(_case, lines) if case.category.startswith(SUPPORTED))


def categories() -> list[str]:
    """Supported categories in the order of the file."""
    return list(dict.fromkeys(case.category for case in supported_cases()))


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


STRING_LOADS = ("str", "int", "key40", "hll", "list", "set", "hash", "bighash", "zset")


@cache
def supported_loads() -> tuple[Load, ...]:
    """The rows of data sets of strings."""
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
        if row["id"].startswith(STRING_LOADS) and not row["id"].startswith("stream")
    )
