"""The page in Debian's Chromium, in front of a server that says what each test wants."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.web.browsing import CHROMIUM, T0, UNKNOWN, View, looking
from tests.web.fake_server import FakeServer
from tests.web.messages import SMALL_HEAP, frame, heap_frame
from tests.web.scene import Scene, life
from tests.web.scene_answers import ANSWERS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}"),
]


async def test_the_figures_are_those_of_the_frame(view: View) -> None:
    values = {"redis_memory_used_bytes": 81264640.0, "redis_memory_used_rss_bytes": 123456789.0}
    await view.server.send(frame(T0, values))
    await view.expect_text('[data-metric="redis_memory_used_bytes"]', "77.5 MiB")
    assert await view.value('[data-metric="redis_memory_used_bytes"]') == "81264640"
    assert await view.value('[data-metric="redis_memory_used_rss_bytes"]') == "123456789"
    assert await view.value('[data-metric="redis_connected_clients"]') == "3"
    await view.expect_text("#chart-memory .key li:nth-child(1) data", "77.5 MiB")
    assert await view.value("#chart-memory .key li:nth-child(2) data") == "1310720"
    await view.expect_text("#chart-memory .key li:nth-child(5) data", UNKNOWN)  # no maxmemory


async def test_rates_are_differences_of_counters(view: View) -> None:
    def counters(commands: float, hits: float, misses: float) -> dict[str, float]:
        return {
            "redis_commands_processed_total": commands,
            "redis_keyspace_hits_total": hits,
            "redis_keyspace_misses_total": misses,
        }

    await view.server.send(frame(T0, counters(1000, 80, 20)))
    await view.expect_text('[data-rate="operations"]', UNKNOWN)
    await view.server.send(frame(T0 + 2, counters(1500, 170, 30)))
    await view.expect_text('[data-rate="operations"]', "250/s")
    await view.expect_text('[data-rate="hit_ratio"]', "90.0%")
    await view.server.send(frame(T0 + 3, counters(7, 0, 0)))  # the server was restarted
    await view.expect_text('[data-rate="operations"]', UNKNOWN)


async def test_commands_tell_the_time_of_their_latest_calls(view: View) -> None:
    def get(calls: int, us: float) -> list[dict[str, object]]:
        return [{"name": "get", "calls": calls, "us": us, "p50": 1.003, "p99": 2.007, "p999": 3.007}]

    await view.server.send(frame(T0, commands=get(100, 250.0)), frame(T0 + 1, commands=get(150, 450.0)))
    cells = view["#command-table tbody tr:visible"].locator("th, td")
    await expect(cells).to_have_text(["get", "50/s", "4.00 µs", "2.01 µs"])
    await view.expect_text("#chart-latency .key li:nth-child(3) data", "3.01 µs")


async def test_the_keyboard_reads_a_chart(view: View) -> None:
    await view.server.send(*(frame(T0 + second, {"redis_lazyfree_pending_objects": second}) for second in range(10)))
    await view.expect_text("#chart-lazyfree .key data", "9")
    canvas = view["#chart-lazyfree canvas"]
    await canvas.focus()
    await canvas.press("ArrowLeft")
    await canvas.press("ArrowLeft")
    await view.expect_text("#chart-lazyfree .key data", "7")
    await expect(canvas).to_have_attribute("aria-valuenow", "7")
    await canvas.press("Escape")
    await view.expect_text("#chart-lazyfree .key data", "9")


async def test_the_keyspace_shows_groups_with_their_errors(chromium: Browser, fake: FakeServer) -> None:
    fake.answers.update(ANSWERS)
    async with looking(chromium, fake) as view:
        await view.expect_text("#groups-summary", "1,000,000 keys, 173 MiB, from a sample of 1,000")
        await expect(view["#groups-map li"]).to_have_count(10)
        await expect(view["#groups-map li"].first).to_contain_text("412,000 ± 31,000 keys")
        assert "GET /api/keyspace?by=prefix&separator=:" in [line.replace("%3A", ":") for line in fake.asked]
        await view["#groups-by"].get_by_text("Encoding").click()
        await expect(view["#separator-field"]).to_be_hidden()
        assert any("by=encoding" in line for line in fake.asked)
        await view["#groups-map li"].first.focus()
        await view["#groups-map li"].first.press("ArrowRight")
        await expect(view["#groups-line"]).to_contain_text("user:*: 251,000 ± 27,000 keys")
        await expect(view["#largest tbody tr"].first).to_contain_text("feed:home:global")
        assert await view.value("#largest tbody tr:first-child data") == "4812800"
        await expect(view["#expiry tr"].last).to_contain_text("41.0%")
        await expect(view["#ages th"].first).to_have_text("up to 1 s")
        await expect(view["#eviction-summary"]).to_have_text("allkeys-lru")
        await expect(view["#eviction tbody tr"]).to_have_count(8)


async def test_tiles_are_as_large_as_the_memory_of_their_keys(chromium: Browser, fake: FakeServer) -> None:
    fake.answers.update(ANSWERS)
    async with looking(chromium, fake) as view:
        await expect(view["#groups-map li"]).to_have_count(10)
        areas = await view["#groups-map"].evaluate(
            "box => [...box.children].map(tile => tile.getBoundingClientRect()).map(r => r.width * r.height)"
        )
    sizes = sorted((group["bytes"] for group in ANSWERS["keyspace"]["groups"]), reverse=True)
    for area, size in zip(areas, sizes, strict=True):
        assert area / sum(areas) == pytest.approx(size / sum(sizes), rel=0.02)


async def test_each_figure_is_explained(view: View) -> None:
    await expect(view["#chart-hit_ratio summary"]).to_have_text("The share of reads that found their key.")
    await view["#chart-hit_ratio summary"].click()
    await expect(view["#chart-hit_ratio code"]).to_have_text("keyspace_hits / (keyspace_hits + keyspace_misses)")
    await expect(view["#chart-hit_ratio details"]).to_contain_text("Redis 7.2 db.c, lookupKey")
    figures = view["figure.chart, #heap-panel .map, #groups-panel, #largest-panel, #expiry-panel, #ages-panel"]
    assert await figures.count() == 13
    assert await figures.locator("details").count() == 13


async def test_nothing_is_fetched_from_elsewhere(chromium: Browser, fake: FakeServer) -> None:
    fake.answers.update(ANSWERS)
    async with looking(chromium, fake) as view:
        await view.server.send(*life(Scene(200), 9, T0))
        await expect(view["#heap-time"]).to_have_attribute("max", "8")
        await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
        await expect(view["#detail .keys li"]).to_have_count(7)
        assert {urlsplit(url).netloc for url in view.fetched} == {f"127.0.0.1:{fake.port}"}
        assert len(view.fetched) > 20
        assert not view.complaints  # neither is anything refused by the content security policy


async def test_the_interval_is_passed_on(view: View) -> None:
    for interval in ("5", "0.5"):
        async with view.page.expect_event("websocket") as opened:
            await view["#interval"].select_option(interval)
        assert (await opened.value).url.endswith(f"/live?interval={interval}")
    await view.expect_text("#status", "Live")


async def test_the_demonstration_is_started_and_shown(view: View) -> None:
    view.server.last_frames = [frame(T0, demonstration={"step": "churn", "text": "Keys are deleted.", "done": False})]
    await view["#demonstrate"].click()
    await view.page.wait_for_url(f"{view.server.url}demonstration/")
    await view.expect_text("#status", "Live")
    await view.expect_text("#demonstration-text", "Keys are deleted.")
    await expect(view["#demonstration-steps .current"]).to_have_text("churn")
    assert "POST /api/demonstration" in view.server.asked
    assert f"{view.server.url.replace('http', 'ws')}demonstration/live" in view.fetched
    await view.server.send(frame(T0 + 1, demonstration={"step": "defrag", "text": "Done.", "done": True}))
    await expect(view["#demonstration-steps .done"]).to_have_text(["churn", "defrag"])


async def test_the_theme_is_switched_and_kept(view: View) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = await view.page.evaluate(background)
    await view["#theme"].click()
    await view["#theme"].click()
    await view.expect_text("#theme", "Theme: dark")
    dark = await view.page.evaluate(background)
    assert dark != light
    await view.page.reload()
    await view.expect_text("#theme", "Theme: dark")
    assert await view.page.evaluate(background) == dark


async def test_everything_is_reached_by_the_keyboard_and_has_a_name(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True, arenas={"size": 1048576, "used": [1]}))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    reached = set()
    for _ in range(80):
        await view.page.keyboard.press("Tab")
        reached.add(await view.page.evaluate("document.activeElement.id || document.activeElement.parentElement.id"))
    wanted = {"interval", "theme", "demonstrate", "heap-map", "heap-time", "extents-map", "arenas-map"}
    assert wanted | {"ask-again", "ask-often", "separator"} <= reached
    nameless = await view.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, canvas, [role=region]")].filter(element =>
            !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length))
            .map(element => element.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900, 1600])
async def test_the_page_fits_the_window(chromium: Browser, fake: FakeServer, width: int, theme: str) -> None:
    fake.answers.update(ANSWERS)
    size = {"width": width, "height": 800}
    async with looking(chromium, fake, viewport=size, color_scheme=theme) as view:
        await view.server.send(*life(Scene(2000), 12, T0))
        await expect(view["#heap-time"]).to_have_attribute("max", "11")
        await expect(view["#groups-map li"]).to_have_count(10)
        for summary in await view["summary"].all():
            await summary.click()
        assert await view.overflow() <= 0
        cut = await view.page.evaluate(
            """() => [...document.querySelectorAll(".panel, .tiles > div, .top > *")].filter(element =>
                element.scrollWidth > element.clientWidth + 1).map(element => element.id || element.className)"""
        )
        assert cut == []
        assert not view.complaints
