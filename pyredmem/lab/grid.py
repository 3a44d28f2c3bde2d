"""The configurations that the options of a replay describe: policies, sizes and numbers of samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from pyredmem.config.kinds import parse_memory
from pyredmem.config.profiles import PROFILES
from pyredmem.lab.engine_run import Configuration
from pyredmem.lab.errors import ReplayError
from pyredmem.lab.exact import ALGORITHMS
from pyredmem.lab.results import UNSAMPLED

POLICIES: Final = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)
ALL: Final = "all"
_MOST_SIZES: Final = 1000


def policies_of(text: str) -> list[str]:
    """The policies that a list with commas names; ``all`` are all of Redis. Raises ReplayError."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if found == [ALL]:
        return list(POLICIES)
    if not found:
        raise ReplayError("No policy was named")
    for name in found:
        if name not in POLICIES:
            raise ReplayError(f"'{name}' is no policy; they are all, {', '.join(POLICIES)}")
    return list(dict.fromkeys(found))


def sizes_of(text: str) -> list[int]:
    """The sizes in bytes that ``100mb``, ``50mb,100mb`` or ``50mb..1gb:8`` mean. Raises ReplayError.

    The last are 8 sizes, each larger than the one before it by the same factor.
    """
    low, dots, rest = text.partition("..")
    if not dots:
        return sorted({_size(word) for word in text.split(",")})
    high, _, number = rest.partition(":")
    count = int(number) if number.isascii() and number.isdigit() else 0
    least, most = _size(low), _size(high)
    if not 2 <= count <= _MOST_SIZES or least >= most:
        raise ReplayError(f"'{text}' is no range of sizes such as 50mb..1gb:8, with 2 sizes or more")
    return [round(size) for size in np.geomspace(least, most, count).tolist()]


def _size(text: str) -> int:
    size = parse_memory(text.strip())
    if size is None or size == 0:
        raise ReplayError(f"'{text}' is no size such as 100mb")
    return size


def versions_of(text: str) -> list[str]:
    """The profiles in a list with commas; the usual one if it is empty. Raises ReplayError."""
    names = [word.strip() for word in text.split(",")] if text else [""]
    for name in names:
        if name and name not in PROFILES:
            raise ReplayError(f"'{name}' is no version; they are {', '.join(PROFILES)}")
    return list(dict.fromkeys(names))


def samples_of(text: str) -> list[int]:
    """The numbers in a list with commas. Raises ReplayError."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 0 < int(word) <= 64 for word in words):
        raise ReplayError(f"'{text}' is no list of numbers of samples, from 1 to 64")
    return list(dict.fromkeys(int(word) for word in words))


def configurations(
    policies: Iterable[str],
    sizes: Sequence[int],
    samples: Sequence[int],
    seed: int = 1,
    fills: bool = False,
    settings: tuple[tuple[str, str], ...] = (),
    versions: Sequence[str] = ("",),
) -> list[Configuration]:
    """All combinations, and the exact caches after them. Samples that make no difference are left out."""
    return [
        Configuration(policy, number, size, seed, fills, settings, version)
        for version in versions
        for policy in (*policies, *ALGORITHMS)
        for number in (samples[:1] if policy in UNSAMPLED else samples)
        for size in sizes
    ]
