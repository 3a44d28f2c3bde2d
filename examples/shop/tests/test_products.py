"""The cache of products."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from pyredmem import Server
from pyredmem.client.faults import StateName
from redis.asyncio import Redis

from tests.backend import Backend


async def test_product_is_shown(browser: AsyncClient) -> None:
    answer = await browser.get("/products/1")
    assert answer.json() == {"id": 1, "name": "teapot", "price": 2900, "stock": 5}


async def test_unknown_product_is_not_found_and_not_cached(browser: AsyncClient, redis: Redis) -> None:
    assert (await browser.get("/products/7")).status_code == 404
    assert not await redis.exists("product:7")


async def test_second_request_makes_one_get_and_no_query(
    browser: AsyncClient, backend: Backend, queries: list[str]
) -> None:
    first = await browser.get("/products/1")
    assert len(queries) == 1
    gets = await backend.count("GET")
    second = await browser.get("/products/1")
    assert second.json() == first.json()
    assert len(queries) == 1
    assert await backend.count("GET") == gets + 1


async def test_each_product_has_an_entry_of_its_own(browser: AsyncClient, redmem_server: Server) -> None:
    for product_id in (1, 2, 1):
        await browser.get(f"/products/{product_id}")
    assert redmem_server.commands.count("GET", key="product:1") == 2
    assert redmem_server.commands.count("SET", key="product:*") == 2


async def test_entry_expires(browser: AsyncClient, backend: Backend, queries: list[str]) -> None:
    await browser.get("/products/1")
    await backend.pass_time(backend.settings.product_ttl)
    await browser.get("/products/1")
    assert len(queries) == 2


async def test_entry_lives_for_the_whole_ttl(browser: AsyncClient, redmem_server: Server, backend: Backend) -> None:
    await browser.get("/products/1")
    await backend.pass_time(backend.settings.product_ttl - timedelta(milliseconds=2))
    await browser.get("/products/1")
    assert redmem_server.commands.count("SET") == 1


async def test_new_price_shows_at_once(browser: AsyncClient) -> None:
    await browser.get("/products/1")
    assert (await browser.patch("/products/1", json={"price": 1900})).status_code == 204
    assert (await browser.get("/products/1")).json()["price"] == 1900


async def test_price_of_unknown_product_cannot_be_changed(browser: AsyncClient) -> None:
    assert (await browser.patch("/products/7", json={"price": 1900})).status_code == 404


async def test_negative_price_is_refused(browser: AsyncClient) -> None:
    assert (await browser.patch("/products/1", json={"price": -1})).status_code == 422


# When Redis is in trouble.


async def test_slow_cache_is_not_waited_for(browser: AsyncClient, redmem_server: Server, queries: list[str]) -> None:
    await browser.get("/products/1")
    with redmem_server.faults.delay("GET", seconds=60) as slow:
        assert (await browser.get("/products/1")).status_code == 200
    assert slow.fired == 1
    assert len(queries) == 2


@pytest.mark.parametrize("state", ["loading", "oom", "readonly", "masterdown"])
async def test_products_are_shown_without_a_cache(
    browser: AsyncClient, redmem_server: Server, state: StateName
) -> None:
    with redmem_server.faults.state(state):
        assert (await browser.get("/products/1")).status_code == 200
    redmem_server.faults.check_all_fired()


async def test_products_are_shown_while_redis_is_down(browser: AsyncClient, redmem_server: Server) -> None:
    with redmem_server.faults.refuse_connections(drop_existing=True) as down:
        assert (await browser.get("/products/1")).status_code == 200
    assert down.fired > 0


async def test_price_that_stays_in_the_cache_is_reported(browser: AsyncClient, redmem_server: Server) -> None:
    await browser.get("/products/1")
    with redmem_server.faults.state("readonly"):
        answer = await browser.patch("/products/1", json={"price": 1900})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (await browser.patch("/products/1", json={"price": 1900})).status_code == 204
    assert (await browser.get("/products/1")).json()["price"] == 1900


@pytest.mark.redmem(maxmemory="4mb", maxmemory_policy="noeviction")
async def test_full_redis_stops_no_page(browser: AsyncClient, redmem_server: Server) -> None:
    with redmem_server.faults.fill_memory():
        assert (await browser.get("/products/1")).status_code == 200
    (refused,) = redmem_server.commands.errors()
    assert refused.name == "SET"
