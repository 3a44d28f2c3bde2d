"""One browser for all tests of a module; a server, and a page connected to it, for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.web.browsing import View, browser, looking
from tests.web.fake_server import FakeServer, serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def fake() -> AsyncIterator[FakeServer]:
    async with serving() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def view(chromium: Browser, fake: FakeServer) -> AsyncIterator[View]:
    async with looking(chromium, fake) as found:
        yield found
