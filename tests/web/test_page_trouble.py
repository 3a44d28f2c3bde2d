"""What the page does when a server tells less, or when something is wrong."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.web.browsing import CHROMIUM, T0, UNKNOWN, View, looking
from tests.web.fake_server import FakeServer
from tests.web.messages import EXTENT, KIND_OF, SMALL_HEAP, frame, heap_frame, hello

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}"),
]

SLAB_64 = KIND_OF[64]


async def test_what_a_server_does_not_tell_is_said(chromium: Browser, fake: FakeServer) -> None:
    missing = ["The heap map: only pyredmem tells where its slabs lie.", "The arenas of an interpreter."]
    fake.hello = hello(classes=None, missing=missing, can_demonstrate=False)
    fake.answers["eviction"] = {"error": "Redis does not tell its eviction pool."}
    async with looking(chromium, fake) as view:
        await view.server.send(frame(T0))
        await view.expect_text('[data-metric="redis_memory_used_bytes"]', "1.00 MiB")
        await view.expect_text("#heap-missing", missing[0])
        await expect(view["#missing li"]).to_have_text(missing)
        await expect(view["#heap-map"]).to_be_hidden()
        await expect(view["#arenas-missing"]).to_be_visible()
        await expect(view["#demonstrate"]).to_be_hidden()
        await view.expect_text("#eviction", "Redis does not tell its eviction pool.")
        assert not view.complaints


async def test_keys_are_text_and_not_html(view: View) -> None:
    evil = '<img src=x onerror="document.title=1"><script>alert(1)</script>'
    group = {"name": evil, "keys": 1, "keys_error": 0, "bytes": 9, "bytes_error": 1}
    view.server.answers["slab"] = {"keys": [{"db": 0, "key": evil, "type": evil}]}
    view.server.answers["keyspace"] = {"keys": 1, "sampled": 1, "bytes": 9, "groups": [group]}
    view.server.answers["largest"] = {
        "sampled": 1,
        "keys": [{"db": 0, "key": evil, "type": "string", "encoding": "raw", "bytes": 9}],
    }
    view.server.answers["eviction"] = {
        "policy": "allkeys-lru",
        "candidates": [{"db": 0, "key": evil, "score": 1, "what": evil}],
    }
    commands = [{"name": evil, "calls": 1, "us": 1.0, "p50": 1.0, "p99": 1.0, "p999": 1.0}]
    demonstration = {"step": evil, "text": evil, "done": False}
    await view["#ask-again"].click()
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True, commands=commands, demonstration=demonstration))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail code"]).to_have_text(evil)
    await expect(view["#groups-map strong"]).to_have_text(evil)
    await expect(view["#largest code"]).to_have_text(evil)
    await expect(view["#eviction code"]).to_have_text(evil)
    await view.expect_text("#demonstration-text", evil)
    assert await view["main img, body script"].count() == 0
    assert await view.overflow() <= 0
    assert not view.complaints


async def test_huge_and_missing_numbers_are_shown(view: View) -> None:
    huge = {"redis_memory_used_bytes": 2.0**62, "redis_memory_used_rss_bytes": 1e30, "redis_connected_clients": 2.0**53}
    told = frame(T0, huge, commands=None, defrag=None)
    del told["values"]["redis_allocator_frag_ratio"]
    told["values"]["redis_allocator_active_bytes"] = None
    await view.server.send(told, {**told, "at": T0 + 1})
    await view.expect_text('[data-metric="redis_memory_used_bytes"]', "4.00 EiB")
    await view.expect_text('[data-metric="redis_connected_clients"]', "9,007,199,254,740,992")
    await view.expect_text('[data-metric="redis_allocator_frag_ratio"]', UNKNOWN)
    await view.expect_text("#chart-memory .key li:nth-child(2) data", UNKNOWN)
    await view.server.send(heap_frame(T0 + 2, {}, {2**50: (SLAB_64, 1), 2**51: (EXTENT, 2**40)}, reset=True))
    await view.expect_text("#heap-summary", "1 slab, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail"]).to_contain_text("1,125,899,906,842,624")
    assert await view.overflow() <= 0
    assert not view.complaints


async def test_errors_of_the_server_are_told(view: View) -> None:
    for name in ("slab", "keyspace", "largest", "expiry", "ages", "eviction"):
        view.server.answers[name] = {"error": f"No {name} today."}
        view.server.statuses[name] = 400
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    await view["#ask-again"].click()
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await view.expect_text("#groups-summary", "No keyspace today.")
    await view.expect_text("#largest", "No largest today.")
    await expect(view["#detail .problem"]).to_have_text("No slab today.")


async def test_a_lost_connection_is_told_and_made_again(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    view.server.refuses = True
    await view.server.drop()
    await expect(view["#status"]).to_have_text("Connection lost. Trying again in 2 s.")  # and before that in 1 s
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    view.server.refuses = False
    view.server.last_frames = [heap_frame(T0 + 9, {}, {5: (SLAB_64, 1)}, reset=True)]
    await view.expect_text("#heap-summary", "1 slab, 0 extents")
    await view.expect_text("#status", "Live")
    await view["#heap-time"].fill("0")  # what was before can still be seen
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")


async def test_the_reason_of_a_closed_connection_is_told(view: View) -> None:
    await view.server.drop("The server cannot be read.")
    await view.expect_text("#status", "The server cannot be read. Trying again in 1 s.")
    await view.expect_text("#status", "Live")


@pytest.mark.parametrize("text", ["not JSON", '{"kind": "frame", "at": 1, "values": {}, "heap": {"changes": "/w=="}}'])
async def test_a_message_that_cannot_be_used_is_told(view: View, text: str) -> None:
    await view.server.send(text)
    await expect(view["#status"]).to_contain_text("A message could not be used")
    await view.expect_text("#status", "Live")
    assert not view.complaints


async def test_a_demonstration_that_does_not_start_is_told(view: View) -> None:
    view.server.answers["demonstration"] = {"error": "Another one runs."}
    view.server.statuses["demonstration"] = 409
    await view["#demonstrate"].click()
    await view.expect_text("#notice", "The demonstration could not be started. Another one runs.")
    await expect(view["#demonstrate"]).to_be_enabled()
