"""Takes the screenshots of the web page: docs/images/page-<width>-<theme>.png.

    python docs/screenshots/take_page.py [--url URL] [--seconds N] [DIRECTORY]

With a URL it looks at the page that a server serves there, for that many seconds. Without one it shows the page with
the life of a made-up server.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image
from playwright.async_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.web.browsing import browser  # noqa: E402  # the path of the checkout comes first
from tests.web.fake_server import FakeServer, serving  # noqa: E402  # likewise
from tests.web.scene import Scene, life  # noqa: E402  # likewise
from tests.web.scene_answers import ANSWERS  # noqa: E402  # likewise

WIDTHS = (360, 900, 1600)
Theme: TypeAlias = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
COLOURS = 256  # a palette keeps the files small, and nobody sees the difference
LIVE_S = 240
PATIENCE_MS = 60_000  # a busy server looks for the keys of a slab when it has time


@asynccontextmanager
async def made_up_server() -> AsyncIterator[FakeServer]:
    async with serving() as server:
        server.answers.update(ANSWERS)
        scene = Scene(9000)
        server.last_frames = list(life(scene, LIVE_S, time.time() - LIVE_S))[: LIVE_S * 5 // 6]
        yield server


async def opened(chromium: Browser, url: str, width: int, theme: Theme) -> Page:
    page = await chromium.new_page(
        viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce"
    )
    await page.goto(url)
    await expect(page.locator("#status")).to_have_text("Live")
    return page


async def take(chromium: Browser, url: str, seconds: float, directory: Path) -> None:
    """All widths and themes: the pages look at the server at the same time."""
    wanted = [(width, theme) for width in WIDTHS for theme in THEMES]
    pages = [await opened(chromium, url, width, theme) for width, theme in wanted]
    await asyncio.sleep(seconds)  # what is seen is what happened in this time
    for page, (width, theme) in zip(pages, wanted, strict=True):
        await page.locator("#ask-again").click()
        await page.locator("#heap-map canvas").focus()
        for key in ("End", "ArrowUp", "ArrowUp", "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#detail dt").first).to_be_visible()
        await expect(page.locator("#detail .keys")).not_to_contain_text("Asking", timeout=PATIENCE_MS)
        await page.wait_for_timeout(500)  # the answers are drawn
        path = directory / f"page-{width}-{theme}.png"
        await page.screenshot(path=path, full_page=True)
        Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size // 1024} KB")
        await page.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="Take the screenshots of the web page.")
    parser.add_argument("--url", help="a page that a server serves; without it, the page shows a made-up server")
    parser.add_argument("--seconds", type=float, default=1, help="how long the pages look at it first")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    async with browser() as chromium:
        if options.url:
            await take(chromium, options.url, options.seconds, options.directory)
        else:
            async with made_up_server() as server:
                await take(chromium, server.url, options.seconds, options.directory)


if __name__ == "__main__":
    asyncio.run(main())
