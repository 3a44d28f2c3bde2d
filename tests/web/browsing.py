"""A browser that looks at the page, and what it does that a user would not like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.web.fake_server import FakeServer

CHROMIUM: Final = Path("/usr/bin/chromium")
#: What stands in place of a figure that nobody knows.
UNKNOWN: Final = "\N{EN DASH}"
#: The time of a test's first frame.
T0: Final = 1_764_471_234.5

expect.set_options(timeout=30_000)  # milliseconds; the machine may be busy


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield found
        finally:
            await found.close()


@dataclass
class View:
    """A page that is connected to a server, with what it fetched and what it complained about."""

    page: Page
    server: FakeServer
    fetched: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __getitem__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    async def expect_text(self, selector: str, text: str) -> None:
        """Wait until an element has that text."""
        await expect(self[selector]).to_have_text(text)

    async def value(self, selector: str) -> str:
        """The exact value of a figure."""
        return str(await self[selector].evaluate("element => element.value"))

    async def picture(self, selector: str) -> str:
        """What is drawn on a canvas, once the pictures that are due have been drawn."""
        await self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return str(await self[selector].evaluate("canvas => canvas.toDataURL()"))

    async def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        found: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found


@asynccontextmanager
async def looking(found: Browser, server: FakeServer, **context: Any) -> AsyncIterator[View]:  # of Playwright
    """Open the page in a window of its own, and wait until it is connected."""
    options = {"viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce", **context}
    window = await found.new_context(**options)
    page = await window.new_page()
    view = View(page, server)
    page.on("request", lambda request: view.fetched.append(request.url))
    page.on("websocket", lambda socket: view.fetched.append(socket.url))
    page.on("console", lambda message: view.complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: view.complaints.append(str(error)))
    await page.goto(server.url)
    await view.expect_text("#status", "Live")
    try:
        yield view
    finally:
        await window.close()
