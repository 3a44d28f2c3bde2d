"""The questions that the page asks now and then: what is in a slab, in the keyspace, in the eviction pool.

Each answer is a JSON object. None takes a server more than a fraction of a millisecond at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from pyredmem.web.frames import info_of
from pyredmem.web.sampling import Sample, Sampled, ask_about, drawn
from pyredmem.web.source import Refusal, Source, Word, text

#: A search for the keys of a slab ends when it has found this many keys, or after this time.
_ENOUGH_KEYS: Final = 12
_SEARCH_S: Final = 2.0
_LARGEST: Final = 20
_MOST_GROUPS: Final = 60
_MOST_PAGE: Final = 1 << 31
_LONGEST_SEPARATOR: Final = 8
_OTHERS: Final = "(others)"
_NO_PREFIX: Final = "(no prefix)"
#: Where the bars of a histogram begin.
_EXPIRY_S: Final = (0, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_IDLE_S: Final = (0, 1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400)
_FREQUENCIES: Final = (0, 1, 2, 4, 6, 8, 12, 16, 32, 64, 128)


class QuestionError(Exception):
    """The question cannot be answered; the text says why, in one sentence."""


def usage(key: bytes) -> Sequence[Word]:
    return ("MEMORY", "USAGE", key)


def kind(key: bytes) -> Sequence[Word]:
    return ("TYPE", key)


def encoding(key: bytes) -> Sequence[Word]:
    return ("OBJECT", "ENCODING", key)


def time_to_live(key: bytes) -> Sequence[Word]:
    return ("PTTL", key)


def idle_time(key: bytes) -> Sequence[Word]:
    return ("OBJECT", "IDLETIME", key)


def frequency(key: bytes) -> Sequence[Word]:
    return ("OBJECT", "FREQ", key)


async def slab(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """What lies at a page, and some keys that have a block there; ``looked`` says how many keys were looked at."""
    page = query.get("page", "")
    if not page.isascii() or not page.isdigit() or int(page) >= _MOST_PAGE:
        raise QuestionError("The page is not the number of a page.")
    keys: list[Any] = []
    place: tuple[Word, ...] = ()
    looked = 0
    end = monotonic() + _SEARCH_S
    while True:
        reply = await source.ask("MEMORY", "SLAB", int(page), *place)
        if isinstance(reply, Refusal):
            raise QuestionError(f"The server cannot tell what lies there: {reply.reason()}.")
        first, pages, size, regions, used, database, cursor, seen, found = reply
        keys += found
        looked += seen
        if database < 0 or len(keys) >= _ENOUGH_KEYS or monotonic() > end:
            break
        place = ("FROM", database, cursor)
    return {
        "page": first,
        "pages": pages,
        "size": size,
        "regions": regions,
        "used": used,
        "keys": [{"db": db, "key": text(key), "type": text(type_name)} for db, key, type_name in keys[:_ENOUGH_KEYS]],
        "looked": looked,
        "complete": database < 0,
    }


async def keyspace(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """How many keys and bytes each prefix, type or encoding has."""
    by, separator = query.get("by", "prefix"), query.get("separator", ":")
    if by not in {"prefix", "type", "encoding"}:
        raise QuestionError("Keys are grouped by prefix, type or encoding.")
    if not 0 < len(separator) <= _LONGEST_SEPARATOR:
        raise QuestionError(f"The separator has 1 to {_LONGEST_SEPARATOR} characters.")
    questions = {"prefix": (usage,), "type": (usage, kind), "encoding": (usage, encoding)}[by]
    sample = await drawn(source, *questions)
    groups: dict[str, list[int]] = {}
    for key in sample.keys:
        name = _prefix(key.key, separator) if by == "prefix" else text(key.replies[1])
        groups.setdefault(name, []).append(key.replies[0])
    mean = sum(key.replies[0] for key in sample.keys) / max(len(sample.keys), 1)
    return {
        "keys": sample.total,
        "sampled": len(sample.keys),
        "bytes": round(mean * sample.total),
        "groups": [_group(sample, name, sizes) for name, sizes in _largest_groups(groups)],
    }


def _prefix(key: bytes, separator: str) -> str:
    head, found, _ = text(key).partition(separator)
    return f"{head}{separator}*" if found else _NO_PREFIX


def _largest_groups(groups: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    """The groups with the most bytes, and all the others as one."""
    ordered = sorted(groups.items(), key=lambda item: -sum(item[1]))
    others = [size for _, sizes in ordered[_MOST_GROUPS:] for size in sizes]
    return [*ordered[:_MOST_GROUPS], *([(_OTHERS, others)] if others else [])]


def _group(sample: Sample, name: str, sizes: list[int]) -> dict[str, Any]:
    drawn_keys = len(sample.keys)
    share = len(sizes) / drawn_keys
    mean = sum(sizes) / drawn_keys
    mean_square = sum(size * size for size in sizes) / drawn_keys
    return {
        "name": name,
        "keys": round(share * sample.total),
        "keys_error": round(sample.error_of_share(share) * sample.total),
        "bytes": round(mean * sample.total),
        "bytes_error": round(sample.error_of_mean(mean, mean_square) * sample.total),
    }


async def largest(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """The largest keys of a sample."""
    sample = await drawn(source, usage)
    keys = sorted(sample.keys, key=lambda key: -key.replies[0])[:_LARGEST]
    await ask_about(source, keys, kind, encoding)
    return {"sampled": len(sample.keys), "keys": [_described(key) for key in keys]}


def _described(key: Sampled) -> dict[str, Any]:
    size, type_name, encoding_name = key.replies
    return {
        "db": key.database,
        "key": text(key.key),
        "type": _name(type_name),
        "encoding": _name(encoding_name),
        "bytes": size,
    }


def _name(reply: Any) -> str:
    return text(reply) if isinstance(reply, bytes) else ""  # refused, or the key is gone


async def expiry(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """In how many seconds keys expire."""
    sample = await drawn(source, time_to_live)
    left = [key.replies[0] for key in sample.keys if key.replies[0] != -2]  # -2: gone meanwhile
    times = [ms / 1000 for ms in left if ms >= 0]
    buckets = _buckets(times, _EXPIRY_S, len(left), "_s")
    return {"sampled": len(left), "without": (len(left) - len(times)) / max(len(left), 1), "buckets": buckets}


async def ages(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """For how long keys were not used or, under an LFU policy, how often they were."""
    is_lfu = (await info_of(source)).get("maxmemory_policy", "").endswith("-lfu")
    sample = await drawn(source, frequency if is_lfu else idle_time)
    numbers = [float(key.replies[0]) for key in sample.keys]
    buckets = _buckets(numbers, _FREQUENCIES if is_lfu else _IDLE_S, len(numbers), "")
    return {"sampled": len(numbers), "kind": "frequency" if is_lfu else "idle", "buckets": buckets}


def _buckets(numbers: list[float], bounds: Sequence[int], total: int, suffix: str) -> list[dict[str, Any]]:
    """The share of the numbers between each two bounds; the last bucket has no upper one."""
    ends = [*bounds[1:], None]
    return [
        {
            f"from{suffix}": start,
            f"to{suffix}": end,
            "share": sum(start <= number and (end is None or number < end) for number in numbers) / max(total, 1),
        }
        for start, end in zip(bounds, ends, strict=True)
    ]


async def eviction(source: Source, query: Mapping[str, str]) -> dict[str, Any]:
    """The candidates for eviction; a server that cannot tell them is no error, since the page asks any server."""
    reply = await source.ask("MEMORY", "EVICTION-POOL")
    if isinstance(reply, Refusal):
        return {"error": "The server cannot tell its candidates for eviction: only pyredmem does."}
    policy, what, candidates = reply
    return {
        "policy": text(policy),
        "candidates": [
            {"db": database, "key": text(key), "score": score, "what": text(what)}
            for database, key, score in candidates
        ],
    }


#: By the last part of the path.
QUESTIONS: Final = {
    "slab": slab,
    "keyspace": keyspace,
    "largest": largest,
    "expiry": expiry,
    "ages": ages,
    "eviction": eviction,
}
