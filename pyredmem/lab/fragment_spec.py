"""The pattern of allocations that `pyredmem lab fragment` tries: phases, one after another, in a file of TOML.

per_second = 10_000          # operations in a second of virtual time
seed = 1

[settings]                   # settings of the server
active-defrag-cycle-max = 25

[[phase]]
do = "set"                   # new keys
keys = 100_000
size = [100, 200]            # lengths of their values in bytes: least and most, all equally likely

[[phase]]
do = "delete"                # also: overwrite and append, which need a size
share = 0.75                 # of the keys that are there
order = "random"             # or oldest, newest

[[phase]]
do = "replace"               # delete a random key and set a new one, again and again
keys = 50_000
size = [300, 400]

[[phase]]
do = "wait"
seconds = 30
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyredmem.config.settings import SettingError, Settings
from pyredmem.lab.errors import PatternError

SET: Final = "set"
DELETE: Final = "delete"
OVERWRITE: Final = "overwrite"
APPEND: Final = "append"
REPLACE: Final = "replace"
WAIT: Final = "wait"

RANDOM: Final = "random"
OLDEST: Final = "oldest"
NEWEST: Final = "newest"
ORDERS: Final = (RANDOM, OLDEST, NEWEST)

#: The keys of each kind of phase, all of which it needs but the order.
_KEYS: Final = {
    SET: ("keys", "size"),
    REPLACE: ("keys", "size"),
    DELETE: ("share", "order"),
    OVERWRITE: ("share", "size", "order"),
    APPEND: ("share", "size", "order"),
    WAIT: ("seconds",),
}
#: Settings that the laboratory itself chooses.
_CHOSEN: Final = ("mem-allocator", "activedefrag", "save", "appendonly")
#: TOML's words as Redis's.
_BOOLEANS: Final = {"True": "yes", "False": "no"}
_LARGEST: Final = 512 << 20  # bytes: proto-max-bulk-len


@dataclass(frozen=True)
class Phase:
    """A part of the pattern."""

    do: str
    keys: int = 0
    share: float = 0.0
    order: str = RANDOM
    size: tuple[int, int] = (0, 0)
    seconds: float = 0.0


@dataclass(frozen=True)
class Pattern:
    """What clients do to the memory of a server."""

    phases: tuple[Phase, ...]
    per_second: int = 10_000
    seed: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


def parsed_pattern(text: str) -> Pattern:
    """The pattern in a text of TOML. Raises PatternError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatternError(str(error)) from None
    return pattern_of(table)


def pattern_of(table: Mapping[str, Any]) -> Pattern:
    """The pattern in a table. Raises PatternError."""
    unknown = sorted(set(table) - {"phase", "per_second", "seed", "settings"})
    if unknown:
        raise PatternError(f"a pattern has no {unknown[0]!r}")
    rows = table.get("phase")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise PatternError("a pattern needs phases: tables [[phase]]")
    return Pattern(
        phases=tuple(_phase(row, number) for number, row in enumerate(rows, 1)),
        per_second=int(_number(table.get("per_second", 10_000), "per_second", 1, 10_000_000, whole=True)),
        seed=int(_number(table.get("seed", 1), "seed", 0, 1 << 62, whole=True)),
        settings=_settings(table.get("settings", {})),
    )


def _phase(row: dict[str, Any], number: int) -> Phase:
    where = f"phase {number}"
    do = row.get("do")
    if do not in _KEYS:
        raise PatternError(f"{where}: do is one of {', '.join(_KEYS)}")
    where = f"{where} ({do})"
    unknown = sorted(set(row) - {"do", *_KEYS[do]})
    if unknown:
        raise PatternError(f"{where} has no {unknown[0]!r}")
    missing = [name for name in _KEYS[do] if name not in row and name != "order"]
    if missing:
        raise PatternError(f"{where} needs {missing[0]!r}")
    if row.get("order", RANDOM) not in ORDERS:
        raise PatternError(f"{where}: order is one of {', '.join(ORDERS)}")
    return Phase(
        do=do,
        keys=int(_number(row.get("keys", 0), f"{where}: keys", 0, 1 << 32, whole=True)),
        share=_number(row.get("share", 0.0), f"{where}: share", 0, 1),
        order=row.get("order", RANDOM),
        size=_size(row["size"], where) if "size" in row else (0, 0),
        seconds=_number(row.get("seconds", 0.0), f"{where}: seconds", 0, 1 << 32),
    )


def _number(value: Any, name: str, least: int, most: int, whole: bool = False) -> float:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise PatternError(f"{name} is a {'whole ' if whole else ''}number from {least} to {most}")
    return float(value)


def _size(value: Any, where: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise PatternError(f"{where}: size is the least and the most bytes, [100, 200]")
    low, high = [int(_number(one, f"{where}: size", 0, _LARGEST, whole=True)) for one in value]
    if low > high:
        raise PatternError(f"{where}: the least size comes first")
    return low, high


def _settings(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise PatternError("settings is a table: [settings]")
    pairs = {name: _BOOLEANS.get(repr(value), str(value)) for name, value in given.items()}
    for name in pairs:
        if name in _CHOSEN:
            raise PatternError(f"the laboratory chooses {name} itself")
    try:
        Settings(list(pairs.items()))
    except SettingError as error:
        raise PatternError(str(error)) from None
    return pairs
