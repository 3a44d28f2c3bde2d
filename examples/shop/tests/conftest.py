"""The shop as the tests see it, on pyredmem, or with ``--redis-url`` on a real server.

Tests that ask for `redmem_server` or have the marker `redmem` need what only pyredmem's server can do. All others run
on both.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from shop.connection import connect
from shop.database import Database, Product
from shop.web import create_app
from shop.worker import Worker
from tests.backend import Backend, Double, RealServer

PRODUCTS = [
    Product(id=1, name="teapot", price=2900, stock=5),
    Product(id=2, name="last samovar", price=49900, stock=1),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--redis-url", help="run the tests on this server, whose database is emptied for each of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("redis_url") is None:
        return
    reason = "needs faults, records or settings of a server that is under the control of the test"
    for item in items:
        if "redmem_server" in getattr(item, "fixturenames", ()) or item.get_closest_marker("redmem"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """The server of the test, and a look at what the test has left there."""
    url = request.config.getoption("redis_url")
    if url is None:
        double = Double(request.getfixturevalue("redmem_patch"))
        yield double
        await double.expect_clean()
    else:
        async with Redis.from_url(url, decode_responses=True) as client:
            server = RealServer(url, client)
            await server.prepare()
            yield server
            await server.expect_clean()


@pytest.fixture
async def redis(backend: Backend) -> AsyncIterator[Redis]:
    """The client that the shop uses."""
    async with connect(backend.url, "shop") as client:
        yield client


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    for product in PRODUCTS:
        database.add_product(product)
    yield database
    database.close()


@pytest.fixture
def queries(database: Database) -> list[str]:
    """The statements that the database has received."""
    statements: list[str] = []
    database.connection.set_trace_callback(statements.append)
    return statements


class Bank:
    """Takes the money; once for each order."""

    def __init__(self) -> None:
        self.paid: dict[UUID, str] = {}

    async def charge(self, order_id: UUID, customer: str, cents: int) -> None:
        await asyncio.sleep(0.01)  # others have the chance to interfere
        self.paid[order_id] = customer


@pytest.fixture
def bank() -> Bank:
    return Bank()


NewBrowser = Callable[[], AsyncClient]


@pytest.fixture
async def new_browser(redis: Redis, database: Database, backend: Backend, bank: Bank) -> AsyncIterator[NewBrowser]:
    """Makes browsers, each with cookies of its own."""
    app = create_app(redis, database, backend.settings, bank.charge)
    browsers: list[AsyncClient] = []

    def new() -> AsyncClient:
        browsers.append(AsyncClient(transport=ASGITransport(app), base_url="http://shop.example"))
        return browsers[-1]

    yield new
    for browser in browsers:
        await browser.aclose()


@pytest.fixture
def browser(new_browser: NewBrowser) -> AsyncClient:
    return new_browser()


@pytest.fixture
async def ann(browser: AsyncClient) -> AsyncClient:
    """A browser in which Ann is logged in."""
    await browser.post("/session", json={"name": "Ann"})
    return browser


@pytest.fixture
def worker(redis: Redis, database: Database, backend: Backend) -> Worker:
    return Worker(redis, database, backend.settings, "worker")
