"""Synthetic traces: Zipf, a hot set that moves, scans, loops, and mixtures of them, made from a specification.

A specification is a table (of TOML, for `pyredmem lab make`)::

    operations = 1_000_000       # all in all
    per_second = 10_000          # virtual time
    seed = 1
    reads = 0.9                  # share; the other operations are writes, and `deletes`
    deletes = 0.0
    key = "key:{:08d}"           # the names of keys, from their numbers
    values = [100, 1_000]        # lengths of values: least and most; every key has a length of its own
    ttls = [[0.5, 60], [0.5, 0]] # share and seconds; 0: no expire time

    [[part]]                     # the parts are mixed: each run of operations comes from one of them
    kind = "zipf"                # zipf, hot, scan, loop, uniform
    weight = 3.0                 # how many operations are of this part, compared with the others
    keys = 100_000               # how many keys it has
    first = 0                    # the number of its first key; parts may share keys
    skew = 0.9                   # zipf: the exponent
    hot = 0.1                    # hot: the share of keys that are hot
    hot_reads = 0.9              # hot: the share of operations on them
    moves = 6                    # hot: how many sets of hot keys follow one another
    run = 1                      # operations in a row; 2_000 for a scan

The same seed gives the same trace.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

import numpy as np

from pyredmem.lab.errors import SpecError
from pyredmem.lab.operations import DELETE, KEEP_TTL, NO_TTL, READ, STRING, UNKNOWN_SIZE, WRITE
from pyredmem.lab.trace import Numbers, Trace

_US: Final = 1_000_000


@dataclass(frozen=True)
class Part:
    """Operations of one kind."""

    kind: str = "zipf"
    weight: float = 1.0
    keys: int = 100_000
    first: int = 0
    skew: float = 0.9
    hot: float = 0.1
    hot_reads: float = 0.9
    moves: int = 6
    run: int = 1


@dataclass(frozen=True)
class Spec:
    """A whole trace."""

    operations: int = 1_000_000
    per_second: float = 10_000.0
    seed: int = 1
    reads: float = 1.0
    deletes: float = 0.0
    key: str = "key:{:08d}"
    values: tuple[int, int] = (200, 200)
    ttls: tuple[tuple[float, float], ...] = ()
    parts: tuple[Part, ...] = (Part(),)


def zipf(part: Part, count: int, chance: np.random.Generator) -> Numbers:
    """A few keys are asked for often, most rarely: the k-th with a weight of k ** -skew. Their order is random."""
    weights = np.cumsum(np.arange(1, part.keys + 1, dtype=float) ** -part.skew)
    ranks = np.searchsorted(weights, chance.random(count) * weights[-1], side="right")
    keys: Numbers = chance.permutation(part.keys)[np.minimum(ranks, part.keys - 1)]
    return keys


def hot(part: Part, count: int, chance: np.random.Generator) -> Numbers:
    """Most operations are on a few hot keys, and each stretch of the trace has other hot keys."""
    size = max(int(part.keys * part.hot), 1)
    stretches = np.arange(count) * part.moves // max(count, 1)
    hot_keys = (stretches * size + chance.integers(0, size, count)) % part.keys
    return np.where(chance.random(count) < part.hot_reads, hot_keys, chance.integers(0, part.keys, count))


def scan(part: Part, count: int, chance: np.random.Generator) -> Numbers:
    """Each key once, one after another, and again from the first: as a report or a backup asks for them."""
    return np.arange(count) % part.keys


def loop(part: Part, count: int, chance: np.random.Generator) -> Numbers:
    """The same keys over and over, in a random but fixed order."""
    return chance.permutation(part.keys)[np.arange(count) % part.keys]


def uniform(part: Part, count: int, chance: np.random.Generator) -> Numbers:
    """Any key, all equally likely."""
    return chance.integers(0, part.keys, count)


KINDS: Final[dict[str, Callable[[Part, int, np.random.Generator], Numbers]]] = {
    "zipf": zipf,
    "hot": hot,
    "scan": scan,
    "loop": loop,
    "uniform": uniform,
}


def make(spec: Spec) -> Trace:
    """The trace of a specification."""
    chance = np.random.default_rng(spec.seed)
    keys = _mixed(spec, chance)
    operations = np.full(spec.operations, READ, dtype="u1")
    drawn = chance.random(spec.operations)
    operations[drawn >= spec.reads] = WRITE
    operations[drawn >= 1 - spec.deletes] = DELETE
    used, numbers = np.unique(keys, return_inverse=True)
    low, high = spec.values
    lengths = chance.integers(low, high + 1, len(used))
    ttls = np.full(spec.operations, KEEP_TTL, dtype="<i8")
    ttls[operations != DELETE] = _ttls(spec, len(used), chance)[numbers[operations != DELETE]]
    return Trace(
        times=(np.arange(spec.operations) * (_US / spec.per_second)).astype("<i8"),
        operations=operations,
        keys=numbers.astype("<u4"),
        sizes=np.where(operations == DELETE, UNKNOWN_SIZE, lengths[numbers]).astype("<i4"),
        ttls=ttls,
        types=np.full(spec.operations, STRING, dtype="u1"),
        names=[spec.key.format(key).encode() for key in used.tolist()],
        databases=np.zeros(len(used), dtype="<u2"),
    )


def _mixed(spec: Spec, chance: np.random.Generator) -> Numbers:
    """The keys that are asked for: runs of the parts, drawn by weight, whose own order is kept."""
    weights = np.array([part.weight / part.run for part in spec.parts])
    runs = np.array([part.run for part in spec.parts])
    expected = float((weights / weights.sum() * runs).sum())  # operations in a run
    drawn = chance.choice(len(runs), int(spec.operations / expected * 1.1) + 100, p=weights / weights.sum())
    owners = np.repeat(drawn, runs[drawn])
    while len(owners) < spec.operations:  # longer runs than expected were drawn less often
        owners = np.concatenate([owners, owners])
    owners = owners[: spec.operations]
    keys = np.zeros(spec.operations, dtype=np.int64)
    for number, part in enumerate(spec.parts):
        mine = owners == number
        keys[mine] = part.first + KINDS[part.kind](part, int(mine.sum()), chance)
    return keys


def _ttls(spec: Spec, count: int, chance: np.random.Generator) -> Numbers:
    """The time to live of each key, in milliseconds."""
    if not spec.ttls:
        return np.full(count, NO_TTL, dtype="<i8")
    shares = np.array([share for share, _ in spec.ttls], dtype=float)
    seconds = np.array([seconds for _, seconds in spec.ttls], dtype=float)
    choices = np.where(seconds > 0, seconds * 1000, NO_TTL).astype("<i8")
    return choices[chance.choice(len(choices), count, p=shares / shares.sum())]


# Reading specifications.


def parsed_spec(text: str) -> Spec:
    """The specification in a text of TOML. Raises SpecError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(str(error)) from None
    return spec_of(table)


def spec_of(table: Mapping[str, Any]) -> Spec:
    """The specification in a table. Raises SpecError."""
    given = dict(table)
    parts = given.pop("part", None)
    if parts is not None and not (isinstance(parts, list) and parts and all(isinstance(part, dict) for part in parts)):
        raise SpecError("part must be a list of tables: [[part]]")
    values = given.pop("values", None)
    ttls = given.pop("ttls", None)
    spec = _filled(Spec, given, "the trace")
    try:
        if values is not None:
            low, high = values
            given["values"] = (int(low), int(high))
        if ttls is not None:
            given["ttls"] = tuple((float(share), float(seconds)) for share, seconds in ttls)
        spec.key.format(0)
    except (TypeError, ValueError, LookupError):
        raise SpecError('values must be two lengths, ttls pairs of a share and seconds, key like "key:{}"') from None
    if parts is not None:
        given["parts"] = tuple(_filled(Part, part, f"part {number}") for number, part in enumerate(parts, 1))
    spec = Spec(**given)
    _check(spec)
    return spec


_Table = TypeVar("_Table", Part, Spec)


def _filled(kind: type[_Table], given: Mapping[str, Any], where: str) -> _Table:
    """An object with the given fields. Raises SpecError if one is unknown, or has the wrong type."""
    defaults = kind()
    known = {field.name for field in fields(kind)} - {"values", "ttls", "parts"}
    for name, value in given.items():
        if name not in known:
            raise SpecError(f"{where} has no '{name}'; it may have {', '.join(sorted(known))}")
        wanted = type(getattr(defaults, name))
        accepted = (int, float) if wanted is float else wanted
        if not isinstance(value, accepted) or isinstance(value, bool):
            raise SpecError(f"'{name}' of {where} must be {'a text' if wanted is str else 'a number'}")
    return kind(**given)


def _check(spec: Spec) -> None:
    low, high = spec.values
    checks = (
        (spec.operations > 0, "operations must be more than 0"),
        (spec.per_second > 0, "per_second must be more than 0"),
        (spec.seed >= 0, "seed must not be negative"),
        (spec.reads >= 0 and spec.deletes >= 0 and spec.reads + spec.deletes <= 1, "reads and deletes are shares of 1"),
        (0 <= low <= high, "values must be two lengths, the least one first"),
        (all(share > 0 and seconds >= 0 for share, seconds in spec.ttls), "ttls must be shares and seconds"),
    )
    for is_right, message in checks:
        if not is_right:
            raise SpecError(message)
    for part in spec.parts:
        if part.kind not in KINDS:
            raise SpecError(f"kind must be one of {', '.join(KINDS)}, not '{part.kind}'")
        if min(part.keys, part.run, part.moves) < 1 or part.weight <= 0 or part.first < 0 or part.skew < 0:
            raise SpecError("keys, run, moves and weight of a part must be more than 0, first and skew not less")
        if not (0 < part.hot <= 1 and 0 <= part.hot_reads <= 1):
            raise SpecError("hot and hot_reads are shares of 1")
