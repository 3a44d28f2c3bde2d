"""The page in front of the server that it is made for: what it shows is what INFO and MEMORY MALLOC-STATS say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from playwright.async_api import Browser, expect

from tests.support.servers import free_port, pyredmem_server
from tests.support.wire import Argument, Bulk, Wire, info
from tests.web.browsing import CHROMIUM, View, looking
from tests.web.fake_server import FakeServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}"),
]

TRIES = 60
PAUSE_S = 0.5  # a frame comes once a second
#: The number of slabs that the page shows.
SLABS_SHOWN = "element.textContent.split(' ')[0].replaceAll(',', '')"


class _Real(FakeServer):
    """A real server, where the page is told its address only."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port


@asynccontextmanager
async def watched(chromium: Browser, *options: str) -> AsyncIterator[tuple[View, Wire]]:
    """The page of a new server, and a client of that server."""
    port = free_port()
    with pyredmem_server("--monitor-port", str(port), *options) as server, server.connect() as wire:
        async with looking(chromium, _Real(port)) as view:
            await expect(view["#heap-summary"]).to_contain_text("slab")
            yield view, wire


def text(wire: Wire, *arguments: Argument) -> str:
    reply = wire.do(*arguments)
    assert isinstance(reply, Bulk)
    return reply.data.decode()


def told(wire: Wire, field: str) -> str:
    """A field of INFO."""
    return info(wire, "everything")[field]


def slabs(wire: Wire) -> int:
    """The slabs of all size classes, as MEMORY MALLOC-STATS tells them."""
    rows = [line.split() for line in text(wire, "MEMORY", "MALLOC-STATS").splitlines()]
    return sum(int(row[7]) for row in rows if len(row) == 14 and row[0].isdigit())


async def agrees(view: View, selector: str, shown: str, wanted: Callable[[], str]) -> None:
    """Wait until the page shows what a client is told at that moment. `shown`: what to read of an element."""
    pair = ("", "")
    for _ in range(TRIES):
        pair = (str(await view[selector].evaluate(f"element => {shown}")), wanted())
        if pair[0] == pair[1]:
            return
        await asyncio.sleep(PAUSE_S)
    pytest.fail(f"the page shows {pair[0]}, a client is told {pair[1]}")


def fill(wire: Wire, keys: int) -> None:
    for number in range(keys):
        wire.do("SET", f"user:{number}", "x" * (number % 300))


async def test_the_figures_are_those_of_info(chromium: Browser) -> None:
    async with watched(chromium, "--maxmemory", "100mb") as (view, wire):
        fill(wire, 3000)
        for metric, field in {
            "redis_memory_used_bytes": "used_memory",
            "redis_connected_clients": "connected_clients",
        }.items():
            await agrees(view, f'[data-metric="{metric}"]', "element.value", partial(told, wire, field))
        lines = "#chart-memory .key li:nth-child({}) data"
        await agrees(view, lines.format(2), "element.value", partial(told, wire, "allocator_active"))
        await agrees(view, lines.format(5), "element.value", partial(told, wire, "maxmemory"))
        assert not view.complaints


async def test_the_map_has_as_many_slabs_as_malloc_stats(chromium: Browser) -> None:
    async with watched(chromium) as (view, wire):
        for keys in (3000, 9000):
            fill(wire, keys)
            await agrees(view, "#heap-summary", SLABS_SHOWN, lambda: str(slabs(wire)))
        wire.do("FLUSHALL")
        await agrees(view, "#heap-summary", SLABS_SHOWN, lambda: str(slabs(wire)))


async def test_a_click_tells_keys_that_the_server_has(chromium: Browser) -> None:
    async with watched(chromium) as (view, wire):
        wire.do("SET", "the:key", "x" * 3000)
        await agrees(view, "#heap-summary", SLABS_SHOWN, lambda: str(slabs(wire)))
        await view["#heap-order"].get_by_text("By size class").click()
        canvas = view["#heap-map canvas"]
        await canvas.focus()
        said = view["#heap-map ~ p[aria-live]"]
        await canvas.press("End")
        for _ in range(TRIES):  # towards the slab of the value's class
            if "Slab of 3.00 KiB" in (await said.text_content() or ""):
                break
            await canvas.press("ArrowUp")
        await canvas.press("Enter")
        await expect(view["#detail code"]).to_have_text("the:key")


async def test_the_map_closes_up_when_defragmentation_runs(chromium: Browser) -> None:
    async with watched(chromium) as (view, wire):
        fill(wire, 12_000)
        for number in range(12_000):
            if number % 5:
                wire.do("DEL", f"user:{number}")
        await agrees(view, "#heap-summary", SLABS_SHOWN, lambda: str(slabs(wire)))
        before = slabs(wire)
        picture = await view.picture("#heap-map canvas")
        for name, value in {"ignore-bytes": "1", "threshold-lower": "1", "cycle-min": "50", "cycle-max": "75"}.items():
            wire.do("CONFIG", "SET", f"active-defrag-{name}", value)
        wire.do("CONFIG", "SET", "activedefrag", "yes")
        await agrees(view, "#heap-summary", f"{SLABS_SHOWN} < {before} * 0.7", lambda: "True")
        assert await view.picture("#heap-map canvas") != picture
        await view["#heap-time"].fill("0")
        await expect(view["#heap-moment"]).to_contain_text("ago")
