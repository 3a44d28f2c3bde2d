"""What a watcher of the page is sent: a greeting, then one frame after another."""

from __future__ import annotations

import asyncio
import time
import tomllib
from functools import cache
from importlib.resources import files
from math import isfinite
from operator import itemgetter
from typing import Any, Final

from pyredmem.base.redis_version import version_parts
from pyredmem.metrics.reading import Reading, parsed, spikes_of
from pyredmem.metrics.values import values_of
from pyredmem.web import heap
from pyredmem.web.source import Refusal, Source, SourceError, text

_NO_HEAP_MAP: Final = "The heap map, and the keys of a slab: only pyredmem tells where its slabs lie."
_NO_ARENAS: Final = "The interpreter's arenas: only pyredmem on Linux, in a process of its own, tells them."
_NO_POOL: Final = "The candidates for eviction: only pyredmem tells them."
_NO_LATENCIES: Final = "Percentiles of latency: only Redis 7 and newer servers tell them."
_LATENCIES_SINCE: Final = (7, 0, 0)
#: One command each, as the server cannot serve others while it writes a reply. Of a section that it does not know it
#: tells nothing.
_SECTIONS: Final = [("INFO", name) for name in ("default", "commandstats", "latencystats", "process")]
_DEFRAG: Final = ("running", "hits", "misses", "key_hits", "key_misses")
_PERCENTILES: Final = {"p50": "p50", "p99": "p99", "p99.9": "p999"}


class Frames:
    """Makes the messages for one watcher. To be used after ``hello``."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._has_heap = False
        self._has_arenas = False

    async def hello(self, name: str, can_demonstrate: bool) -> dict[str, Any]:
        """The first message: which server it is, and what it cannot tell."""
        info = await info_of(self._source)
        classes = await heap.size_classes(self._source)
        arenas, pool = await self._source.ask_all([("MEMORY", "ARENAS"), ("MEMORY", "EVICTION-POOL")])
        self._has_heap = classes is not None
        self._has_arenas = not isinstance(arenas, Refusal)
        known = {
            _NO_HEAP_MAP: self._has_heap,
            _NO_ARENAS: self._has_arenas,
            _NO_POOL: not isinstance(pool, Refusal),
            _NO_LATENCIES: version_parts(info.get("redis_version", "")) >= _LATENCIES_SINCE,
        }
        return {
            "kind": "hello",
            "server": {
                "name": name,
                "version": info.get("redis_version", ""),
                "is_pyredmem": "pyredmem_version" in info,
                "mode": info.get("redis_mode", "standalone"),
            },
            "classes": classes,
            "missing": [sentence for sentence, is_known in known.items() if not is_known],
            "explain": explanations(),
            "can_demonstrate": can_demonstrate,
        }

    async def frame(self, demonstration: dict[str, Any] | None) -> dict[str, Any]:
        """The figures now."""
        info = await info_of(self._source)
        spikes = await self._source.ask("LATENCY", "LATEST")
        reading = Reading(info, spikes=[] if isinstance(spikes, Refusal) else spikes_of(spikes))
        values = {name: value for name, value in values_of(reading).items() if isfinite(value)}  # JSON has no others
        await asyncio.sleep(0)  # in the server itself, clients are served in between
        return {
            "kind": "frame",
            "at": round(time.time(), 3),
            "values": values,
            "commands": commands_of(reading),
            "defrag": {name: int(reading.number(f"active_defrag_{name}") or 0) for name in _DEFRAG},
            "heap": await heap.changes(self._source) if self._has_heap else None,
            "arenas": await self._arenas(),
            "demonstration": demonstration,
        }

    async def _arenas(self) -> dict[str, Any] | None:
        if not self._has_arenas:
            return None
        reply = await self._source.ask("MEMORY", "ARENAS")
        return None if isinstance(reply, Refusal) else {"size": reply[0], "used": reply[1]}


async def info_of(source: Source) -> dict[str, str]:
    """The fields of INFO. Raises SourceError if it is refused."""
    fields: dict[str, str] = {}
    for reply in await source.ask_all(_SECTIONS):
        if isinstance(reply, Refusal):
            raise SourceError(f"INFO is refused: {reply.reason()}")
        fields |= parsed(text(reply))
    return fields


def commands_of(reading: Reading) -> list[dict[str, Any]]:
    """How often each command was called and how long it took (microseconds), the most called first."""
    percentiles = dict(reading.rows("latency_percentiles_usec_"))
    commands: list[dict[str, Any]] = [
        {"name": name, "calls": int(parts["calls"]), "us": float(parts["usec"]), **_latencies(percentiles.get(name))}
        for name, parts in reading.rows("cmdstat_")
        if "calls" in parts and "usec" in parts
    ]
    commands.sort(key=itemgetter("calls"), reverse=True)
    return commands


def _latencies(parts: dict[str, str] | None) -> dict[str, float]:
    return {_PERCENTILES[name]: float(value) for name, value in (parts or {}).items() if name in _PERCENTILES}


@cache
def explanations() -> dict[str, dict[str, str]]:
    """What each figure of the page is, by its name: the table in ``explain.toml``."""
    return tomllib.loads(files("pyredmem.web").joinpath("explain.toml").read_text("utf-8"))
