"""Buying, also when others buy at the same time and connections are lost."""

import asyncio
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from pyredmem import Server
from pyredmem.client.faults import StateName, When
from redis.asyncio import Redis

from shop.database import Database
from shop.worker import Worker
from tests.backend import Backend
from tests.conftest import Bank, NewBrowser

TEAPOT, SAMOVAR = 1, 2


async def buy(browser: AsyncClient, product_id: int, order_id: UUID | None = None) -> Response:
    return await browser.put(f"/orders/{order_id or uuid4()}", json={"product_id": product_id})


def sold(database: Database) -> list[str]:
    """Who has got something."""
    return [name for (name,) in database.connection.execute("SELECT customer FROM orders ORDER BY customer")]


async def test_order_is_paid_and_queued(ann: AsyncClient, database: Database, bank: Bank, redis: Redis) -> None:
    order_id = uuid4()
    answer = await buy(ann, TEAPOT, order_id)
    assert answer.json() == {"id": str(order_id), "product_id": TEAPOT, "customer": "Ann", "status": "paid"}
    assert bank.paid == {order_id: "Ann"}
    ((_, fields),) = await redis.xrange("orders") or []
    assert fields == {"order": str(order_id)}
    assert (await ann.get(f"/orders/{order_id}")).json() == answer.json()


async def test_stock_on_the_page_is_the_one_after_the_sale(ann: AsyncClient) -> None:
    assert (await ann.get("/products/1")).json()["stock"] == 5
    await buy(ann, TEAPOT)
    assert (await ann.get("/products/1")).json()["stock"] == 4


async def test_strangers_cannot_buy(browser: AsyncClient, bank: Bank) -> None:
    assert (await buy(browser, TEAPOT)).status_code == 401
    assert not bank.paid


async def test_unknown_product_cannot_be_bought(ann: AsyncClient) -> None:
    assert (await buy(ann, 7)).status_code == 404


async def test_nobody_pays_for_what_is_sold_out(ann: AsyncClient, bank: Bank) -> None:
    assert (await buy(ann, SAMOVAR)).status_code == 200
    assert (await buy(ann, SAMOVAR)).status_code == 409
    assert len(bank.paid) == 1


async def test_order_of_somebody_else_is_neither_shown_nor_taken_over(new_browser: NewBrowser) -> None:
    ann, bob = new_browser(), new_browser()
    await ann.post("/session", json={"name": "Ann"})
    await bob.post("/session", json={"name": "Bob"})
    order_id = uuid4()
    await buy(ann, TEAPOT, order_id)
    assert (await bob.get(f"/orders/{order_id}")).status_code == 404
    assert (await buy(bob, TEAPOT, order_id)).status_code == 409


async def test_too_many_orders_have_to_wait(ann: AsyncClient, backend: Backend) -> None:
    for _ in range(5):
        assert (await buy(ann, TEAPOT)).status_code == 200
    refused = await buy(ann, TEAPOT)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60


async def test_one_of_many_gets_the_last_item_and_only_that_one_pays(
    new_browser: NewBrowser, database: Database, bank: Bank
) -> None:
    browsers = [new_browser() for _ in range(5)]
    for number, browser in enumerate(browsers):
        await browser.post("/session", json={"name": f"customer {number}"})
    answers = await asyncio.gather(*[buy(browser, SAMOVAR) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert list(bank.paid.values()) == sold(database)


async def test_lock_of_a_process_that_died_is_free_after_its_time(
    ann: AsyncClient, backend: Backend, redis: Redis, bank: Bank
) -> None:
    await redis.lock("lock:product:2", timeout=backend.settings.lock_ttl.total_seconds()).acquire()
    answer = await buy(ann, SAMOVAR)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert not bank.paid
    await backend.pass_time(backend.settings.lock_ttl)
    assert (await buy(ann, SAMOVAR)).status_code == 200


async def test_same_order_twice_is_one_sale(ann: AsyncClient, database: Database, bank: Bank) -> None:
    order_id = uuid4()
    first, second = await asyncio.gather(buy(ann, SAMOVAR, order_id), buy(ann, SAMOVAR, order_id))
    assert first.json() == second.json()
    assert sold(database) == ["Ann"]
    assert len(bank.paid) == 1


# When Redis is in trouble. redis-py tries twice more, so it takes three lost connections to be noticed.


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "command", ["EVALSHA", "SET", "XADD", "DEL"], ids=["rate limit or release", "lock", "queue", "cache"]
)
async def test_nothing_is_lost_or_sold_twice_when_connections_drop(
    ann: AsyncClient,
    worker: Worker,
    database: Database,
    bank: Bank,
    backend: Backend,
    redmem_server: Server,
    command: str,
    when: When,
) -> None:
    order_id = uuid4()
    await buy(ann, TEAPOT)  # the scripts are known from here on
    fault = redmem_server.faults.drop(command, when=when, times=3)
    answer = await buy(ann, SAMOVAR, order_id)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert fault.fired == 3

    await backend.pass_time(backend.settings.lock_ttl)
    assert (await buy(ann, SAMOVAR, order_id)).status_code == 200
    assert sold(database) == ["Ann", "Ann"]
    assert len(bank.paid) == 2

    await worker.prepare()
    await worker.work()
    assert (await ann.get(f"/orders/{order_id}")).json()["status"] == "shipped"
    assert redmem_server.commands.count("PUBLISH") == 2


async def test_one_lost_connection_is_not_noticed(ann: AsyncClient, worker: Worker, redmem_server: Server) -> None:
    """The order is in the queue twice then, since XADD has run before its reply was lost. It is shipped once."""
    with redmem_server.faults.drop("XADD", when="after", times=1) as fault:
        assert (await buy(ann, SAMOVAR)).status_code == 200
    assert fault.fired == 1
    assert redmem_server.commands.count("XADD") == 2
    await worker.prepare()
    await worker.work()
    assert redmem_server.commands.count("PUBLISH") == 1


@pytest.mark.parametrize("state", ["loading", "oom", "readonly", "masterdown"])
async def test_shop_is_closed_for_a_moment(
    ann: AsyncClient, aredmem: Redis, redmem_server: Server, bank: Bank, state: StateName
) -> None:
    """The fault is for the shop only, so the test's own client can look at what is there."""
    with redmem_server.faults.state(state, client="shop") as fault:
        answer = await buy(ann, SAMOVAR)
        assert await aredmem.exists("lock:product:2", "orders") == 0
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert fault.fired > 0
    assert not bank.paid
    assert (await buy(ann, SAMOVAR)).status_code == 200


async def test_shop_is_closed_while_redis_is_down(ann: AsyncClient, redmem_server: Server, bank: Bank) -> None:
    with redmem_server.faults.refuse_connections(drop_existing=True) as down:
        assert (await buy(ann, SAMOVAR)).status_code == 503
    assert down.fired > 0
    assert not bank.paid
    assert (await buy(ann, SAMOVAR)).status_code == 200


async def test_errors_of_the_shop_itself_are_not_hidden(ann: AsyncClient, redmem_server: Server) -> None:
    redmem_server.load({"orders": "not a stream"})
    with pytest.raises(Exception, match="WRONGTYPE"):
        await buy(ann, TEAPOT)
