"""The worker and its queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from pyredmem import Server
from redis.asyncio import Redis

from shop.database import Database, Order
from shop.order_queue import OrderQueue
from shop.worker import WAIT, Worker
from tests.backend import Backend

SECOND = timedelta(seconds=1)


async def put_order(redis: Redis, database: Database, backend: Backend) -> UUID:
    order = Order(id=uuid4(), product_id=1, customer="Ann", status="paid")
    database.sell(order)
    await OrderQueue(redis, backend.settings).put(order.id)
    return order.id


def status(database: Database, order_id: UUID) -> str:
    order = database.order(order_id)
    assert order is not None
    return order.status


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        # More than once: while redis-py sends a command, Python 3.11 may lose a cancellation (in asyncio.wait_for).
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.01)


async def shipped(database: Database, order_id: UUID) -> None:
    """Wait until it is."""
    async with asyncio.timeout(5):
        while status(database, order_id) != "shipped":
            await asyncio.sleep(0.001)


async def blocked(redis: Redis) -> None:
    """Wait until a client waits in the server."""
    async with asyncio.timeout(5):
        while (await redis.info("clients"))["blocked_clients"] == 0:
            await asyncio.sleep(0.001)


async def test_order_is_shipped_and_leaves_the_queue(
    worker: Worker, redis: Redis, database: Database, backend: Backend
) -> None:
    order_id = await put_order(redis, database, backend)
    await worker.prepare()
    await worker.work()
    assert status(database, order_id) == "shipped"
    assert await redis.xlen("orders") == 0
    assert (await redis.xpending("orders", "workers"))["pending"] == 0


async def test_new_order_wakes_the_worker(worker: Worker, redis: Redis, database: Database, backend: Backend) -> None:
    async with running(worker):
        await blocked(redis)
        await shipped(database, await put_order(redis, database, backend))


async def test_order_of_a_crashed_worker_is_taken_over_after_its_time(
    worker: Worker, redis: Redis, database: Database, backend: Backend
) -> None:
    order_id = await put_order(redis, database, backend)
    await worker.prepare()
    crashed = OrderQueue(redis, backend.settings)
    assert [task.order_id for task in await crashed.take("crashed", SECOND)] == [order_id]
    async with running(worker):
        await blocked(redis)
        assert status(database, order_id) == "paid"
        await backend.pass_time(backend.settings.worker_patience)
        await shipped(database, order_id)


async def test_worker_that_died_between_shipping_and_acknowledging_costs_nothing(
    worker: Worker, redis: Redis, database: Database, backend: Backend
) -> None:
    order_id = await put_order(redis, database, backend)
    await worker.prepare()
    await OrderQueue(redis, backend.settings).take("crashed", SECOND)
    database.ship(order_id)
    await backend.pass_time(backend.settings.worker_patience)
    await worker.work()
    assert await backend.count("PUBLISH") == 0
    assert await redis.xlen("orders") == 0


async def test_group_may_be_there_already(worker: Worker) -> None:
    await worker.prepare()
    await worker.prepare()


async def test_waiting_worker_looks_around_once_per_second(worker: Worker, redis: Redis, redmem_server: Server) -> None:
    async with running(worker):
        for looked in range(1, 10):
            await blocked(redis)
            assert redmem_server.commands.count("XAUTOCLAIM") == looked
            redmem_server.clock.advance(WAIT)


async def test_worker_survives_a_lost_connection(
    worker: Worker, redis: Redis, database: Database, backend: Backend, redmem_server: Server
) -> None:
    async with running(worker):
        await blocked(redis)
        redmem_server.faults.disconnect_all()
        await shipped(database, await put_order(redis, database, backend))


async def test_worker_waits_until_redis_is_there_again(
    worker: Worker, redis: Redis, database: Database, backend: Backend, redmem_server: Server
) -> None:
    order_id = await put_order(redis, database, backend)
    async with running(worker) as task:
        with redmem_server.faults.state("loading") as loading:
            while loading.fired < 4:
                await asyncio.sleep(0.001)
            assert not task.done()
        await shipped(database, order_id)
