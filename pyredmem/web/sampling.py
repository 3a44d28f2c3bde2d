"""Random samples of keys, and what they say about all keys.

SCAN visits keys in the order of a hash of their names, so the keys after a random cursor are a random sample. It is
made of many short walks, each of which the server does in a fraction of a millisecond. A small database is read as a
whole, and nothing of it is estimated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from random import getrandbits, random, sample
from typing import Any, Final

from pyredmem.web.frames import info_of
from pyredmem.web.source import Refusal, Source, SourceError, Word

#: How many keys a sample has, about.
SAMPLE: Final = 1000
_KEYS_PER_WALK: Final = 25
#: How many walks may be in vain: a table after many deletions is mostly empty.
_MOST_WALKS: Final = 8 * SAMPLE // _KEYS_PER_WALK
#: Half the width of an interval that holds the truth in 95 of 100 cases, in standard errors.
_95_PERCENT: Final = 1.96
#: The bits of a cursor. Any SCAN takes it, and looks at as many of the bits as its table needs.
_CURSOR_BITS: Final = 31
_KEYS: Final = re.compile(r"keys=(\d+)")


@dataclass
class Sampled:
    """A key of the sample, with the replies to what was asked about it."""

    database: int
    key: bytes
    replies: list[Any] = field(default_factory=list)


@dataclass
class Sample:
    """Keys drawn at random."""

    keys: list[Sampled]
    total: int  # how many keys the server has

    def error_of_share(self, share: float) -> float:
        """Half the width of the 95 % interval of a share of the keys."""
        return self.error_of_mean(share, share) if self.keys else 0.0

    def error_of_mean(self, mean: float, mean_square: float) -> float:
        """Likewise of a mean, by it and the mean of the squares; 0 if the sample has all keys."""
        drawn = len(self.keys)
        if drawn < 2 or self.total <= drawn:
            return 0.0
        variance = max(mean_square - mean * mean, 0.0) * drawn / (drawn - 1)
        rest = (self.total - drawn) / (self.total - 1)
        return _95_PERCENT * sqrt(variance / drawn * rest)


async def drawn(source: Source, *questions: Callable[[bytes], Sequence[Word]]) -> Sample:
    """A sample; ``questions`` make of a key the commands whose replies are wanted. Keys that are gone are left out.

    Raises SourceError if the server refuses what is needed.
    """
    sizes = await _databases(source)
    total = sum(sizes.values())
    keys: list[Sampled] = []
    for database, size in sizes.items():
        selected = await source.ask("SELECT", database)
        if isinstance(selected, Refusal):
            raise SourceError(f"SELECT is refused: {selected.reason()}")
        # Rounded at random, so that each key is as likely as any other, be its database ever so small.
        wanted = int(SAMPLE * size / total + random())
        names = await (_all_keys(source) if total <= SAMPLE else _some_keys(source, wanted))
        keys += [Sampled(database, name) for name in names]
    return Sample(await _with_replies(source, keys, questions), total)


async def ask_about(source: Source, keys: Sequence[Sampled], *questions: Callable[[bytes], Sequence[Word]]) -> None:
    """Ask some more about keys of a sample; the replies are appended to theirs."""
    for database in sorted({key.database for key in keys}):
        await source.ask("SELECT", database)
        chosen = [key for key in keys if key.database == database]
        for start in range(0, len(chosen), _KEYS_PER_WALK):
            part = chosen[start : start + _KEYS_PER_WALK]
            replies = await source.ask_all([question(key.key) for key in part for question in questions])
            for at, key in enumerate(part):
                key.replies += replies[at * len(questions) : (at + 1) * len(questions)]


async def _with_replies(
    source: Source, keys: list[Sampled], questions: Sequence[Callable[[bytes], Sequence[Word]]]
) -> list[Sampled]:
    await ask_about(source, keys, *questions)
    refused = [reply for key in keys for reply in key.replies if isinstance(reply, Refusal)]
    if keys and refused and all(isinstance(reply, Refusal) for key in keys for reply in key.replies):
        raise SourceError(f"The server refuses what is needed: {refused[0].reason()}")
    return [key for key in keys if not any(reply is None or isinstance(reply, Refusal) for reply in key.replies)]


async def _databases(source: Source) -> dict[int, int]:
    """How many keys each database has that has some."""
    found: dict[int, int] = {}
    for name, value in (await info_of(source)).items():
        match = _KEYS.match(value)
        if match and name.startswith("db") and name[2:].isdigit():
            found[int(name[2:])] = int(match[1])
    return found


async def _all_keys(source: Source) -> list[bytes]:
    names: dict[bytes, None] = {}
    cursor = 0
    while True:
        cursor, part = await _walk(source, cursor)
        names.update(dict.fromkeys(part))
        if cursor == 0:
            return list(names)


async def _some_keys(source: Source, wanted: int) -> list[bytes]:
    """About as many keys as are wanted, each as likely as any other."""
    names: dict[bytes, None] = {}
    for _ in range(_MOST_WALKS):
        _, part = await _walk(source, getrandbits(_CURSOR_BITS))
        names.update(dict.fromkeys(part))
        if len(names) >= wanted:
            return sample(list(names), wanted)
    return list(names)


async def _walk(source: Source, cursor: int) -> tuple[int, list[bytes]]:
    reply = await source.ask("SCAN", cursor, "COUNT", _KEYS_PER_WALK)
    if isinstance(reply, Refusal):
        raise SourceError(f"SCAN is refused: {reply.reason()}")
    return int(reply[0]), reply[1]
