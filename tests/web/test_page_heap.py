"""The heap map of the page: what it counts and draws, what a click tells, and how one goes back in time."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.browsing import CHROMIUM, T0, View
from tests.web.messages import KIND_OF, SMALL_HEAP, frame, heap_frame
from tests.web.scene import Scene

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}"),
]

SLAB_64 = KIND_OF[64]


async def test_the_map_counts_what_the_frame_tells(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    used = 64 * 64 + 3 * 64 + 512 * 8
    await view.expect_text("#heap-use", f"12.0 KiB in slabs, {used / 12288:.1%} used")
    await view.expect_text("#extents-summary", "64.0 KiB")


async def test_many_slabs_are_counted(view: View) -> None:
    scene = Scene(12_345, extents=1_234)
    await view.server.send(scene.frame(T0, None))
    await view.expect_text("#heap-summary", "12,345 slabs, 1,234 extents")
    assert not view.complaints


async def test_differences_change_the_map(view: View) -> None:
    after = {**SMALL_HEAP, 101: (SLAB_64, 60), 103: (SLAB_64, 1)}
    del after[100]
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    before = await view.picture("#heap-map canvas")
    await view.server.send(heap_frame(T0 + 1, SMALL_HEAP, {**SMALL_HEAP, 101: (SLAB_64, 60)}))
    await view.expect_text("#heap-use", "12.0 KiB in slabs, 97.9% used")
    fuller = await view.picture("#heap-map canvas")
    assert fuller != before
    await view.server.send(heap_frame(T0 + 2, {**SMALL_HEAP, 101: (SLAB_64, 60)}, after))
    await view.expect_text("#heap-use", "12.0 KiB in slabs, 65.1% used")
    assert await view.picture("#heap-map canvas") != fuller


async def test_a_reset_forgets_what_was_there(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.server.send(heap_frame(T0 + 1, {}, {7: (SLAB_64, 1)}, reset=True))
    await view.expect_text("#heap-summary", "1 slab, 0 extents")


async def test_places_that_are_still_to_come_are_told(view: View) -> None:
    late = heap_frame(T0, {}, SMALL_HEAP, reset=True)
    late["heap"]["left"] = 4096
    await view.server.send(late)
    await expect(view["#heap-use"]).to_contain_text("4,096 changes are still to come")


async def test_a_click_tells_the_keys_of_a_slab(view: View) -> None:
    keys = [{"db": 0, "key": "user:1", "type": "string"}, {"db": 3, "key": "user:2", "type": "hash"}]
    view.server.answers["slab"] = {"page": 100, "size": 64, "regions": 64, "used": 64, "keys": keys}
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    await view["#heap-map canvas"].click(position={"x": 5, "y": 5})
    await expect(view["#detail li"]).to_have_text(["user:1string, db 0", "user:2hash, db 3"])
    await expect(view["#detail dd"].first).to_have_text("64 B")
    await expect(view["#detail"]).to_contain_text("64 of 64 used (100.0%)")
    assert "GET /api/slab?page=100" in view.server.asked


async def test_the_keyboard_walks_over_the_map(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    canvas = view["#heap-map canvas"]
    await canvas.focus()
    for key in ("Home", "ArrowRight"):
        await canvas.press(key)
    await view.expect_text("#heap-map ~ p[aria-live]", "Slab of 64 B: 3 of 64 regions used, page 101")
    async with view.page.expect_response("**/api/slab?page=101"):
        await canvas.press("Enter")
    await expect(view["#detail"]).to_contain_text("3 of 64 used")
    await view["#extents-map canvas"].focus()
    await view["#extents-map canvas"].press("Enter")
    await view.expect_text("#detail-title", "Large extent")


async def test_sorted_by_size_class_a_row_begins_with_each_class(view: View) -> None:
    await view.server.send(heap_frame(T0, {}, SMALL_HEAP, reset=True))
    await view.expect_text("#heap-summary", "3 slabs, 1 extent")
    by_address = await view.picture("#heap-map canvas")
    await view["#heap-order"].get_by_text("By size class").click()
    assert await view.picture("#heap-map canvas") != by_address
    canvas = view["#heap-map canvas"]
    await canvas.focus()
    await canvas.press("Home")
    await view.expect_text("#heap-map ~ p[aria-live]", "Slab of 8 B: 512 of 512 regions used, page 102")
    await canvas.press("ArrowDown")
    await view.expect_text("#heap-map ~ p[aria-live]", "Slab of 64 B: 64 of 64 regions used, page 100")


async def test_the_slider_goes_back(view: View) -> None:
    heap: dict[int, tuple[int, int]] = {}
    frames = []
    for second in range(80):  # more than two keyframes
        before = dict(heap)
        heap[1000 + second] = (SLAB_64, 64)
        frames.append(heap_frame(T0 + second, before, heap, reset=second == 0))
    await view.server.send(*frames)
    await view.expect_text("#heap-summary", "80 slabs, 0 extents")
    slider = view["#heap-time"]
    for moment in (9, 71, 30, 29, 0):
        await slider.fill(str(moment))
        await view.expect_text("#heap-summary", f"{moment + 1} slab{'s' if moment else ''}, 0 extents")
    await expect(view["#heap-moment"]).to_contain_text("1 min 19 s ago")
    await view.server.send(heap_frame(T0 + 80, heap, {}))
    await expect(slider).to_have_attribute("max", "80")
    await view.expect_text("#heap-summary", "1 slab, 0 extents")  # it stays where it is
    await view["#heap-live"].click()
    await view.expect_text("#heap-summary", "0 slabs, 0 extents")


async def test_the_history_is_bounded(view: View) -> None:
    await view.server.send(*(heap_frame(T0 + second, {}, {}, reset=second == 0) for second in range(700)))
    await expect(view['[data-metric="redis_memory_used_bytes"]']).to_have_text("1.00 MiB")
    await expect(view["#heap-time"]).to_have_attribute("max", "579")  # 600 at most, and the oldest 30 go at a time


async def test_marks_show_what_changed(view: View) -> None:
    await view.server.send(
        heap_frame(T0, {}, SMALL_HEAP, reset=True), heap_frame(T0 + 1, SMALL_HEAP, {**SMALL_HEAP, 101: (SLAB_64, 4)})
    )
    await expect(view["#heap-time"]).to_have_attribute("max", "1")
    plain = await view.picture("#heap-map canvas")
    await view["#heap-mark"].check()
    assert await view.picture("#heap-map canvas") != plain


async def test_arenas_tell_how_full_they_are(view: View) -> None:
    await view.server.send(frame(T0, arenas={"size": 1048576, "used": [1048576, 524288]}))
    await view.expect_text("#arenas-summary", "2 arenas, 75.0% used")
    await view["#arenas-map canvas"].focus()
    await view["#arenas-map canvas"].press("End")
    await view["#arenas-map canvas"].press("Enter")
    await view.expect_text("#arena-detail", "Arena 2: 512 KiB of 1.00 MiB used (50.0%)")


async def test_a_heap_with_30000_slabs_is_followed(view: View) -> None:
    scene = Scene(30_000)
    await view.server.send(scene.frame(T0, None))
    await view.expect_text("#heap-summary", "30,000 slabs, 60 extents")
    last = dict(scene.heap)
    scene.churn(2000)
    await view.server.send(scene.frame(T0 + 1, last))
    await view.expect_text("#heap-summary", f"{len(scene.slabs()):,} slabs, 60 extents")
