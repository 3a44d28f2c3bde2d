"""The live page, over a real socket: a stream of events never ends, which httpx cannot show without one."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from httpx import AsyncClient
from pyredmem import Server
from redis.asyncio import Redis

from shop.database import Database
from shop.live import Sale, Sales
from shop.web import create_app
from shop.worker import Worker
from tests.backend import Backend
from tests.test_worker import put_order

TEAPOT = Sale(product="teapot", price=2900)


@pytest.fixture
async def browser(redis: Redis, database: Database, backend: Backend) -> AsyncIterator[AsyncClient]:
    """A browser that reaches the shop through a socket."""
    app = create_app(redis, database, backend.settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        async with AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client
        server.should_exit = True
        await serving


@asynccontextmanager
async def live_page(browser: AsyncClient, redis: Redis) -> AsyncIterator[AsyncIterator[Sale]]:
    """The sales that an open page shows."""
    listening = await listeners(redis)

    async def sales(lines: AsyncIterator[str]) -> AsyncIterator[Sale]:
        async for line in lines:
            if line.startswith("data: "):
                yield Sale(**json.loads(line.removeprefix("data: ")))

    async with browser.stream("GET", "/live") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        await until_there_are(redis, listening + 1)
        yield sales(answer.aiter_lines())
    await until_there_are(redis, listening)


async def listeners(redis: Redis) -> int:
    ((_, count),) = await redis.pubsub_numsub("sales")
    return int(count)


async def until_there_are(redis: Redis, count: int) -> None:
    async with asyncio.timeout(5):
        while await listeners(redis) != count:
            await asyncio.sleep(0.001)


async def test_page_listens_to_the_stream(browser: AsyncClient) -> None:
    answer = await browser.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'EventSource("live")' in answer.text


async def test_shipped_order_shows_on_the_page(
    browser: AsyncClient, redis: Redis, worker: Worker, database: Database, backend: Backend
) -> None:
    await worker.prepare()
    async with live_page(browser, redis) as sales:
        await put_order(redis, database, backend)
        await worker.work()
        assert await anext(sales) == TEAPOT


async def test_every_page_shows_every_sale_in_order(browser: AsyncClient, redis: Redis) -> None:
    async with live_page(browser, redis) as one, live_page(browser, redis) as other:
        announced = [Sale(product="cup", price=price) for price in range(10)]
        for sale in announced:
            await Sales(redis).announce(sale)
        for page in (one, other):
            assert [await anext(page) for _ in announced] == announced


async def test_page_goes_on_after_a_lost_connection(browser: AsyncClient, redis: Redis, redmem_server: Server) -> None:
    async with live_page(browser, redis) as sales:
        redmem_server.faults.disconnect_all()
        while redmem_server.commands.count("SUBSCRIBE") < 2:
            await asyncio.sleep(0.001)
        await Sales(redis).announce(TEAPOT)
        assert await anext(sales) == TEAPOT


async def test_closed_page_leaves_no_subscription(browser: AsyncClient, redis: Redis, redmem_server: Server) -> None:
    async with live_page(browser, redis):
        with pytest.raises(AssertionError, match="is subscribed"):
            redmem_server.expect_clean()
    redmem_server.expect_clean()
