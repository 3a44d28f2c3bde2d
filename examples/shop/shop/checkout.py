"""Checkout: nobody pays for an item that somebody else gets, and no order is lost or sold twice.

The customer's program makes up the id of the order. So if an answer is lost, it asks again with the same id, and each
step is done at most once, or does no harm when done twice:

1. The lock lets one customer at a time ask for the stock and pay. It is a courtesy: if Redis loses it, the database
   still refuses to sell what is not there.
2. The database takes the item out of stock and writes the order, in one transaction. From here on it is sold.
3. The order is put into the queue. If this happens twice, the worker notices.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from redis.asyncio import Redis

from shop.cache import ProductCache
from shop.database import Database, Order, Product
from shop.order_queue import OrderQueue
from shop.settings import Settings

#: Takes the money: (id of the order, customer, cents). The id lets it take the money for an order once only.
Charge = Callable[[UUID, str, int], Awaitable[None]]


class NoSuchProductError(Exception):
    """The shop has no product with this id."""


class SoldOutError(Exception):
    """The last item is sold."""


class OrderIdTakenError(Exception):
    """Another order has this id."""


class Checkout:
    """Sells."""

    def __init__(
        self, redis: Redis, database: Database, cache: ProductCache, settings: Settings, charge: Charge
    ) -> None:
        self._redis = redis
        self._database = database
        self._cache = cache
        self._queue = OrderQueue(redis, settings)
        self._settings = settings
        self._charge = charge

    async def buy(self, order_id: UUID, product_id: int, customer: str) -> Order:
        """Sell one item, or finish a sale that was interrupted. Raises one of the exceptions above."""
        async with self._redis.lock(
            f"lock:product:{product_id}",
            timeout=self._settings.lock_ttl.total_seconds(),
            blocking_timeout=self._settings.lock_patience.total_seconds(),
            sleep=0.01,
            raise_on_release_error=False,  # it has expired; what was sold is sold
        ):
            order = self._database.order(order_id)
            if order is None:
                order = await self._sell(order_id, self._product(product_id), customer)
        if (order.product_id, order.customer) != (product_id, customer):
            raise OrderIdTakenError
        if order.status == "paid":
            await self._queue.put(order.id)
        await self._cache.forget(product_id)
        return order

    def _product(self, product_id: int) -> Product:
        product = self._database.product(product_id)  # not from the cache: this is about money
        if product is None:
            raise NoSuchProductError
        if product.stock == 0:
            raise SoldOutError
        return product

    async def _sell(self, order_id: UUID, product: Product, customer: str) -> Order:
        await self._charge(order_id, customer, product.price)
        order = Order(id=order_id, product_id=product.id, customer=customer, status="paid")
        self._database.sell(order)
        return order
