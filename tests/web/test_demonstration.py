"""The demonstration goes through its steps on a server of its own, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode

import pytest

from pyredmem.web import demonstration
from pyredmem.web.demonstration import IS_POSSIBLE, Demonstration
from tests.support.heap_maps import KeptMap
from tests.support.servers import Server
from tests.support.wire import Integer
from tests.web.sites import message, site_about

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="there are no unix sockets here")


async def test_the_button_leads_to_a_page_about_a_server_of_its_own(ours: Server) -> None:
    async with site_about(ours.port) as browser:
        async with browser.post("/api/demonstration") as response:
            assert (response.status, await response.json()) == (200, {"url": "/demonstration/"})
        async with browser.post("/api/demonstration") as response:  # it runs already
            assert response.status == 200
        async with browser.get("/demonstration/") as response:
            assert response.status == 200
        async with browser.ws_connect("/demonstration/live") as watching:
            hello = await message(watching)
            assert hello["server"] | {"version": ""} == {
                "name": "demonstration",
                "version": "",
                "is_pyredmem": True,
                "mode": "standalone",
            }
            assert not hello["can_demonstrate"]
            frame = await message(watching)
            assert frame["demonstration"]["step"] in {"start", "fill"}
            assert not frame["demonstration"]["done"]
        with ours.connect() as wire:
            assert wire.do("DBSIZE") == Integer(0)


async def test_nothing_is_left_of_it_when_it_is_closed() -> None:
    shown = Demonstration(pace=0)
    shown.start()
    source = await shown.connect()
    assert os.path.samefile((await source.ask("CONFIG", "GET", "dir"))[1], shown._directory)
    await source.close()
    shown.close()
    assert not shown.is_running
    assert not os.path.exists(shown._directory)
    await asyncio.sleep(0)  # the tasks end


async def test_it_ends_when_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "_ALONE_S", 0.0)
    shown = Demonstration(pace=0)
    shown.start()
    async with asyncio.timeout(30):
        while shown.is_running:
            await asyncio.sleep(0.05)  # it tells nobody when it ends
    assert not os.path.exists(shown._directory)


async def test_its_server_ends_with_the_process_that_shows_it() -> None:
    shown = Demonstration(pace=0)
    shown.start()
    await (await shown.connect()).close()
    process = shown._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as when that process is killed
    assert await asyncio.to_thread(process.wait, 20) == 0
    shown.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_churn_tears_holes_and_defragmentation_closes_them(ours: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "_PAUSE_S", 0.0)
    monkeypatch.setattr(demonstration, "_STEP_PAUSE_S", 1.2)  # two frames of each step at least
    steps: list[str] = []
    sparse: dict[str, int] = {}
    async with site_about(ours.port) as browser:
        async with browser.post("/api/demonstration") as response:
            assert response.status == 200
        async with browser.ws_connect("/demonstration/live?interval=0.5") as watching:
            classes = (await message(watching))["classes"]
            kept = KeptMap()
            while True:
                frame = await message(watching)
                kept.apply(b64decode(frame["heap"]["changes"]))
                told = frame["demonstration"]
                if not steps or steps[-1] != told["step"]:
                    steps.append(told["step"])
                sparse[told["step"]] = sum(
                    place.amount * 2 < classes[place.number - 1]["regions"]
                    for place in kept.places.values()
                    if place.number <= len(classes) and frame["heap"]["left"] == 0
                )
                if told["done"]:
                    break
    assert [step for step in steps if step != "start"] == [
        *("fill", "churn", "defragment", "defragmented", "flush", "done"),
    ]
    assert sparse["churn"] > 5 * sparse["fill"]
    assert sparse["defragmented"] < sparse["churn"] / 3
