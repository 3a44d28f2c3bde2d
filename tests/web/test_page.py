"""The page in Debian's Chromium, in front of a server that says what each test wants."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.web.browsing import CHROMIUM, View, looking
from tests.web.fake_server import FakeServer
from tests.web.messages import EXTENT, KIND_OF, Heap, frame, heap_frame, hello
from tests.web.scene import Scene, life
from tests.web.scene_answers import ANSWERS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}"),
]

#: What stands in place of a figure that nobody knows.
UNKNOWN = "\N{EN DASH}"
T0 = 1_764_471_234.5
SLAB_64 = KIND_OF[64]
#: Three slabs, of which one has many free regions, and an extent.
HEAP: Heap = {100: (SLAB_64, 64), 101: (SLAB_64, 3), 102: (KIND_OF[8], 512), 200: (EXTENT, 16)}


async def test_the_figures_are_those_of_the_frame(view: View) -> None:
    values = {"redis_memory_used_bytes": 81264640.0, "redis_memory_used_rss_bytes": 123456789.0}
    await view.server.send(frame(T0, values))
    await view.reads('[data-metric="redis_memory_used_bytes"]', "77.5 MiB")
    assert await view.value('[data-metric="redis_memory_used_bytes"]') == "81264640"
    assert await view.value('[data-metric="redis_memory_used_rss_bytes"]') == "123456789"
    assert await view.value('[data-metric="redis_connected_clients"]') == "3"
    await view.reads("#chart-memory .key li:nth-child(1) data", "77.5 MiB")
    assert await view.value("#chart-memory .key li:nth-child(2) data") == "1310720"
    await view.reads("#chart-memory .key li:nth-child(5) data", UNKNOWN)  # no maxmemory


async def test_rates_are_differences_of_counters(view: View) -> None:
    def counters(commands: float, hits: float, misses: float) -> dict[str, float]:
        return {
            "redis_commands_processed_total": commands,
            "redis_keyspace_hits_total": hits,
            "redis_keyspace_misses_total": misses,
        }

    await view.server.send(frame(T0, counters(1000, 80, 20)))
    await view.reads('[data-rate="operations"]', UNKNOWN)
    await view.server.send(frame(T0 + 2, counters(1500, 170, 30)))
    await view.reads('[data-rate="operations"]', "250/s")
    await view.reads('[data-rate="hit_ratio"]', "90.0%")
    await view.server.send(frame(T0 + 3, counters(7, 0, 0)))  # the server was restarted
    await view.reads('[data-rate="operations"]', UNKNOWN)


async def test_commands_tell_the_time_of_their_latest_calls(view: View) -> None:
    def get(calls: int, us: float) -> list[dict[str, object]]:
        return [{"name": "get", "calls": calls, "us": us, "p50": 1.003, "p99": 2.007, "p999": 3.007}]

    await view.server.send(frame(T0, commands=get(100, 250.0)), frame(T0 + 1, commands=get(150, 450.0)))
    cells = view["#command-table tbody tr:visible"].locator("th, td")
    await expect(cells).to_have_text(["get", "50/s", "4.00 µs", "2.01 µs"])
    await view.reads("#chart-latency .key li:nth-child(3) data", "3.01 µs")


async def test_the_map_counts_what_the_frame_tells(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    used = 64 * 64 + 3 * 64 + 512 * 8
    await view.reads("#heap-use", f"12.0 KiB in slabs, {used / 12288:.1%} used")
    await view.reads("#extents-summary", "64.0 KiB")


async def test_many_slabs_are_counted(view: View) -> None:
    scene = Scene(12_345, extents=1_234)
    await view.server.send(scene.frame(T0, None))
    await view.reads("#heap-summary", "12,345 slabs, 1,234 extents")
    assert not view.complaints


async def test_differences_change_the_map(view: View) -> None:
    after = {**HEAP, 101: (SLAB_64, 60), 103: (SLAB_64, 1)}
    del after[100]
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    before = await view.picture("#heap-map canvas")
    await view.server.send(heap_frame(T0 + 1, HEAP, {**HEAP, 101: (SLAB_64, 60)}))
    await view.reads("#heap-use", "12.0 KiB in slabs, 97.9% used")
    fuller = await view.picture("#heap-map canvas")
    assert fuller != before
    await view.server.send(heap_frame(T0 + 2, {**HEAP, 101: (SLAB_64, 60)}, after))
    await view.reads("#heap-use", "12.0 KiB in slabs, 65.1% used")
    assert await view.picture("#heap-map canvas") != fuller


async def test_a_reset_forgets_what_was_there(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.server.send(heap_frame(T0 + 1, {}, {7: (SLAB_64, 1)}, reset=True))
    await view.reads("#heap-summary", "1 slab, 0 extents")


async def test_places_that_are_still_to_come_are_told(view: View) -> None:
    late = heap_frame(T0, {}, HEAP, reset=True)
    late["heap"]["left"] = 4096
    await view.server.send(late)
    await expect(view["#heap-use"]).to_contain_text("4,096 changes are still to come")


async def test_a_click_tells_the_keys_of_a_slab(view: View) -> None:
    keys = [{"db": 0, "key": "user:1", "type": "string"}, {"db": 3, "key": "user:2", "type": "hash"}]
    view.server.answers["slab"] = {"page": 100, "size": 64, "regions": 64, "used": 64, "keys": keys}
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail li"]).to_have_text(["user:1string, db 0", "user:2hash, db 3"])
    await expect(view["#detail dd"].first).to_have_text("64 B")
    await expect(view["#detail"]).to_contain_text("64 of 64 used (100.0%)")
    assert "GET /api/slab?page=100" in view.server.asked


async def test_the_keyboard_walks_over_the_map(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    canvas = view["#heap-map canvas"]
    await canvas.focus()
    for key in ("Home", "ArrowRight"):
        await canvas.press(key)
    await view.reads("#heap-map ~ p[aria-live]", "Slab of 64 B: 3 of 64 regions used, page 101")
    await canvas.press("Enter")
    await expect(view["#detail"]).to_contain_text("3 of 64 used")
    assert "GET /api/slab?page=101" in view.server.asked
    await view["#extents-map canvas"].focus()
    await view["#extents-map canvas"].press("Enter")
    await view.reads("#detail-title", "Large extent")


async def test_sorted_by_size_class_a_row_begins_with_each_class(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    by_address = await view.picture("#heap-map canvas")
    await view["#heap-order"].get_by_text("By size class").click()
    assert await view.picture("#heap-map canvas") != by_address
    canvas = view["#heap-map canvas"]
    await canvas.focus()
    await canvas.press("Home")
    await view.reads("#heap-map ~ p[aria-live]", "Slab of 8 B: 512 of 512 regions used, page 102")
    await canvas.press("ArrowDown")
    await view.reads("#heap-map ~ p[aria-live]", "Slab of 64 B: 64 of 64 regions used, page 100")


async def test_the_slider_goes_back(view: View) -> None:
    heap: dict[int, tuple[int, int]] = {}
    frames = []
    for second in range(80):  # more than two keyframes
        before = dict(heap)
        heap[1000 + second] = (SLAB_64, 64)
        frames.append(heap_frame(T0 + second, before, heap, reset=second == 0))
    await view.server.send(*frames)
    await view.reads("#heap-summary", "80 slabs, 0 extents")
    slider = view["#heap-time"]
    for moment in (9, 71, 30, 29, 0):
        await slider.fill(str(moment))
        await view.reads("#heap-summary", f"{moment + 1} slab{'s' if moment else ''}, 0 extents")
    await expect(view["#heap-moment"]).to_contain_text("1 min 19 s ago")
    await view.server.send(heap_frame(T0 + 80, heap, {}))
    await expect(slider).to_have_attribute("max", "80")
    await view.reads("#heap-summary", "1 slab, 0 extents")  # it stays where it is
    await view["#heap-live"].click()
    await view.reads("#heap-summary", "0 slabs, 0 extents")


async def test_the_history_is_bounded(view: View) -> None:
    await view.server.send(*(heap_frame(T0 + second, {}, {}, reset=second == 0) for second in range(700)))
    await expect(view['[data-metric="redis_memory_used_bytes"]']).to_have_text("1.00 MiB")
    await expect(view["#heap-time"]).to_have_attribute("max", "579")  # 600 at most, and the oldest 30 go at a time


async def test_marks_show_what_changed(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True), heap_frame(T0 + 1, HEAP, {**HEAP, 101: (SLAB_64, 4)}))
    await expect(view["#heap-time"]).to_have_attribute("max", "1")
    plain = await view.picture("#heap-map canvas")
    await view["#heap-mark"].check()
    assert await view.picture("#heap-map canvas") != plain


async def test_arenas_tell_how_full_they_are(view: View) -> None:
    await view.server.send(frame(T0, arenas={"size": 1048576, "used": [1048576, 524288]}))
    await view.reads("#arenas-summary", "2 arenas, 75.0% used")
    await view["#arenas-map canvas"].focus()
    await view["#arenas-map canvas"].press("End")
    await view["#arenas-map canvas"].press("Enter")
    await view.reads("#arena-detail", "Arena 2: 512 KiB of 1.00 MiB used (50.0%)")


async def test_the_keyboard_reads_a_chart(view: View) -> None:
    await view.server.send(*(frame(T0 + second, {"redis_lazyfree_pending_objects": second}) for second in range(10)))
    await view.reads("#chart-lazyfree .key data", "9")
    canvas = view["#chart-lazyfree canvas"]
    await canvas.focus()
    await canvas.press("ArrowLeft")
    await canvas.press("ArrowLeft")
    await view.reads("#chart-lazyfree .key data", "7")
    await expect(canvas).to_have_attribute("aria-valuenow", "7")
    await canvas.press("Escape")
    await view.reads("#chart-lazyfree .key data", "9")


async def test_the_keyspace_shows_groups_with_their_errors(chromium: Browser, fake: FakeServer) -> None:
    fake.answers.update(ANSWERS)
    async with looking(chromium, fake) as view:
        await view.reads("#groups-summary", "1,000,000 keys, 173 MiB, from a sample of 1,000")
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


async def test_what_a_server_does_not_tell_is_said(chromium: Browser, fake: FakeServer) -> None:
    missing = ["The heap map: only pyredmem tells where its slabs lie.", "The arenas of an interpreter."]
    fake.hello = hello(classes=None, missing=missing, can_demonstrate=False)
    fake.answers["eviction"] = {"error": "Redis does not tell its eviction pool."}
    async with looking(chromium, fake) as view:
        await view.server.send(frame(T0))
        await view.reads('[data-metric="redis_memory_used_bytes"]', "1.00 MiB")
        await view.reads("#heap-missing", missing[0])
        await expect(view["#missing li"]).to_have_text(missing)
        await expect(view["#heap-map"]).to_be_hidden()
        await expect(view["#arenas-missing"]).to_be_visible()
        await expect(view["#demonstrate"]).to_be_hidden()
        await view.reads("#eviction", "Redis does not tell its eviction pool.")
        assert not view.complaints


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
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True, commands=commands, demonstration=demonstration))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail code"]).to_have_text(evil)
    await expect(view["#groups-map strong"]).to_have_text(evil)
    await expect(view["#largest code"]).to_have_text(evil)
    await expect(view["#eviction code"]).to_have_text(evil)
    await view.reads("#demonstration-text", evil)
    assert await view["main img, body script"].count() == 0
    assert await view.overflow() <= 0
    assert not view.complaints


async def test_huge_and_missing_numbers_are_shown(view: View) -> None:
    huge = {"redis_memory_used_bytes": 2.0**62, "redis_memory_used_rss_bytes": 1e30, "redis_connected_clients": 2.0**53}
    told = frame(T0, huge, commands=None, defrag=None)
    del told["values"]["redis_allocator_frag_ratio"]
    told["values"]["redis_allocator_active_bytes"] = None
    await view.server.send(told, {**told, "at": T0 + 1})
    await view.reads('[data-metric="redis_memory_used_bytes"]', "4.00 EiB")
    await view.reads('[data-metric="redis_connected_clients"]', "9,007,199,254,740,992")
    await view.reads('[data-metric="redis_allocator_frag_ratio"]', UNKNOWN)
    await view.reads("#chart-memory .key li:nth-child(2) data", UNKNOWN)
    await view.server.send(heap_frame(T0 + 2, {}, {2**50: (SLAB_64, 1), 2**51: (EXTENT, 2**40)}, reset=True))
    await view.reads("#heap-summary", "1 slab, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail"]).to_contain_text("1,125,899,906,842,624")
    assert await view.overflow() <= 0
    assert not view.complaints


async def test_errors_of_the_server_are_told(view: View) -> None:
    for name in ("slab", "keyspace", "largest", "expiry", "ages", "eviction"):
        view.server.answers[name] = {"error": f"No {name} today."}
        view.server.statuses[name] = 400
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    await view["#ask-again"].click()
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await view.reads("#groups-summary", "No keyspace today.")
    await view.reads("#largest", "No largest today.")
    await expect(view["#detail .problem"]).to_have_text("No slab today.")


async def test_a_lost_connection_is_told_and_made_again(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    view.server.refuses = True
    await view.server.drop()
    await expect(view["#status"]).to_have_text("Connection lost. Trying again in 2 s.")  # and before that in 1 s
    await view.reads("#heap-summary", "3 slabs, 1 extent")
    view.server.refuses = False
    view.server.last_frames = [heap_frame(T0 + 9, {}, {5: (SLAB_64, 1)}, reset=True)]
    await view.reads("#heap-summary", "1 slab, 0 extents")
    await view.reads("#status", "Live")
    await view["#heap-time"].fill("0")  # what was before can still be seen
    await view.reads("#heap-summary", "3 slabs, 1 extent")


@pytest.mark.parametrize("text", ["not JSON", '{"kind": "frame", "at": 1, "values": {}, "heap": {"changes": "/w=="}}'])
async def test_a_message_that_cannot_be_used_is_told(view: View, text: str) -> None:
    await view.server.send(text)
    await expect(view["#status"]).to_contain_text("A message could not be used")
    await view.reads("#status", "Live")
    assert not view.complaints


async def test_the_interval_is_passed_on(view: View) -> None:
    await view["#interval"].select_option("5")
    await view.reads("#status", "Live")
    async with view.page.expect_event("websocket") as opened:
        await view["#interval"].select_option("0.5")
    assert (await opened.value).url.endswith("/live?interval=0.5")
    await view.reads("#status", "Live")


async def test_the_demonstration_is_started_and_shown(view: View) -> None:
    view.server.last_frames = [frame(T0, demonstration={"step": "churn", "text": "Keys are deleted.", "done": False})]
    await view["#demonstrate"].click()
    await view.page.wait_for_url(f"{view.server.url}demonstration/")
    await view.reads("#status", "Live")
    await view.reads("#demonstration-text", "Keys are deleted.")
    await expect(view["#demonstration-steps .current"]).to_have_text("churn")
    assert "POST /api/demonstration" in view.server.asked
    assert f"{view.server.url.replace('http', 'ws')}demonstration/live" in view.fetched
    await view.server.send(frame(T0 + 1, demonstration={"step": "defrag", "text": "Done.", "done": True}))
    await expect(view["#demonstration-steps .done"]).to_have_text(["churn", "defrag"])


async def test_a_demonstration_that_does_not_start_is_told(view: View) -> None:
    view.server.answers["demonstration"] = {"error": "Another one runs."}
    view.server.statuses["demonstration"] = 409
    await view["#demonstrate"].click()
    await view.reads("#notice", "The demonstration could not be started. Another one runs.")
    await expect(view["#demonstrate"]).to_be_enabled()


async def test_the_theme_is_switched_and_kept(view: View) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = await view.page.evaluate(background)
    await view["#theme"].click()
    await view["#theme"].click()
    await view.reads("#theme", "Theme: dark")
    dark = await view.page.evaluate(background)
    assert dark != light
    await view.page.reload()
    await view.reads("#theme", "Theme: dark")
    assert await view.page.evaluate(background) == dark


async def test_everything_is_reached_by_the_keyboard_and_has_a_name(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, HEAP, reset=True, arenas={"size": 1048576, "used": [1]}))
    await view.reads("#heap-summary", "3 slabs, 1 extent")
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


async def test_frames_with_30000_slabs_are_drawn_at_once(view: View) -> None:
    scene = Scene(30_000)
    await view.server.send(scene.frame(T0, None))
    await view.reads("#heap-summary", "30,000 slabs, 60 extents")
    await view.page.evaluate(
        """() => { window.slow = []; new PerformanceObserver(list => slow.push(...list.getEntries().map(
            entry => entry.duration))).observe({type: "longtask"}); }"""
    )
    for second in range(1, 9):
        before = dict(scene.heap)
        scene.churn(2000)
        await view.server.send(scene.frame(T0 + second, before))
        await expect(view["#heap-time"]).to_have_attribute("max", str(second))
    slow = sorted([0.0] * 8 + await view.page.evaluate("slow"))
    # In milliseconds. The machine may be busy with other tests, so it is the median of the frames and not the longest.
    assert slow[-4] < 100
