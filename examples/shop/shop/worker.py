"""The worker, which ships what was paid. Run as many as you like: ``python -m shop.worker``."""

import asyncio
import os
import socket
from contextlib import suppress
from datetime import timedelta

from redis.asyncio import Redis

from shop.connection import UNAVAILABLE, connect
from shop.database import Database
from shop.live import Sale, Sales
from shop.order_queue import OrderQueue, Task
from shop.settings import Settings

#: At least so often a worker looks for orders that others have left. Shorter than the socket's timeout.
WAIT = timedelta(seconds=1)


class Worker:
    """Takes orders from the queue, ships them and announces the sales."""

    def __init__(self, redis: Redis, database: Database, settings: Settings, name: str) -> None:
        self._queue = OrderQueue(redis, settings)
        self._sales = Sales(redis)
        self._database = database
        self._name = name

    async def run(self) -> None:
        """Work until cancelled. While Redis is away, try again and again."""
        while True:
            try:
                await self.prepare()
                while True:
                    await self.work()
            except UNAVAILABLE:
                await asyncio.sleep(0.1)

    async def prepare(self) -> None:
        await self._queue.prepare()

    async def work(self) -> None:
        """Ship the next orders; wait for them for a while."""
        for task in await self._queue.take(self._name, WAIT):
            await self._ship(task)
            await self._queue.done(task)

    async def _ship(self, task: Task) -> None:
        order = self._database.order(task.order_id)
        # An order that comes a second time is no sale.
        if order is None or not self._database.ship(order.id):
            return
        product = self._database.product(order.product_id)
        if product is not None:
            await self._sales.announce(Sale(product=product.name, price=product.price))


async def main() -> None:
    redis = connect(os.environ.get("SHOP_REDIS", "redis://localhost:6379"), "worker")
    database = Database(os.environ.get("SHOP_DATABASE", "shop.db"))
    async with redis:
        await Worker(redis, database, Settings(), f"{socket.gethostname()}:{os.getpid()}").run()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
