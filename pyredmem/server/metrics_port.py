"""What ``metrics-port`` serves: figures for Prometheus at ``/metrics``, and ``/healthz``.

Who may read them says :mod:`pyredmem.server.http_guard`. A request is served in the event loop, like a command, but a
scrape is written in slices, so that clients need not wait for all of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from aiohttp import hdrs, web
from prometheus_client.metrics_core import Metric

from pyredmem.engine.engine import Engine
from pyredmem.metrics.engine_reading import info_by_section, reading_with
from pyredmem.metrics.exposition import CONTENT_TYPE, text_of
from pyredmem.metrics.families import families
from pyredmem.metrics.own import own_families
from pyredmem.persistence.persistence import persistence_of
from pyredmem.server.http_guard import HttpGuard, new_connection
from pyredmem.server.turns import Turns

_GROUP: Final = 12  # samples that are written together
#: From this share of maxmemory on memory counts as short.
_SHORT: Final = 0.95


class MetricsPort:
    """Answers the requests of HTTP clients. ``lag`` returns how late the timer was: the last time, and at worst."""

    def __init__(self, engine: Engine, lag: Callable[[], tuple[float, float]]) -> None:
        self._engine = engine
        self._guard = HttpGuard(engine)
        self._lag = lag
        self._server = web.Server(self._answer, access_log=None)

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return new_connection(self._server)

    async def close(self) -> None:
        """Close all connections."""
        await self._server.shutdown()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        pages = {"/metrics": self._metrics, "/healthz": self._health}
        page = pages.get(request.path)
        refusal = self._guard.refusal(request)
        if refusal is not None:
            return refusal
        if page is None:
            return web.Response(status=404, text="There are /metrics and /healthz.\n")
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return web.Response(status=405, headers={hdrs.ALLOW: "GET, HEAD"})
        return await page()

    async def _metrics(self) -> web.Response:
        engine = self._engine
        turns = Turns()
        info: dict[str, str] = {}
        for fields in info_by_section(engine):
            info |= fields
            await turns.give_way()
        reading = reading_with(engine, info)
        found = chain(families(reading), own_families(engine, reading, *self._lag()))
        return web.Response(body=await _in_slices(found, turns), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})

    async def _health(self) -> web.Response:
        """Whether the server is well: 503 while it loads its dataset, or if memory is short."""
        engine = self._engine
        allocator, limit = engine.allocator, engine.settings.integer("maxmemory")
        is_loading = persistence_of(engine).running is not None
        is_short = limit > 0 and int(allocator.used_memory) > _SHORT * limit
        state = {"live": True, "loading": is_loading, "memory_short": is_short}
        return web.Response(
            status=503 if is_loading or is_short else 200,
            text=json.dumps(state) + "\n",
            content_type="application/json",
        )


async def _in_slices(found: Iterable[Metric], turns: Turns) -> bytes:
    """The text of all families; other clients are served in between."""
    parts: list[bytes] = []
    group: list[Metric] = []
    for one in found:
        group.append(one)
        if sum(len(metric.samples) for metric in group) >= _GROUP:
            parts.append(text_of(group))
            group = []
        await turns.give_way()
    parts.append(text_of(group))
    await asyncio.sleep(0)
    return b"".join(parts)
