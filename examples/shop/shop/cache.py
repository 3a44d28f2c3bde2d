"""A read-through cache of products. It may be slow or gone: then the database answers."""

import asyncio
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shop.database import Database, Product
from shop.settings import Settings


class ProductCache:
    """Products by id, from Redis if they are there, else from the database.

    A reader that is overtaken by a change may put an old product back after `forget`. It stays for the TTL at most.
    """

    def __init__(self, redis: Redis, database: Database, settings: Settings) -> None:
        self._redis = redis
        self._database = database
        self._ttl = settings.product_ttl
        self._patience = settings.cache_patience.total_seconds()

    async def get(self, product_id: int) -> Product | None:
        try:
            async with asyncio.timeout(self._patience):
                cached = await self._redis.get(_key(product_id))
        except (RedisError, TimeoutError):
            return self._database.product(product_id)
        if cached is not None:
            return Product.model_validate_json(cached)
        product = self._database.product(product_id)
        if product is not None:
            await self._keep(product)
        return product

    async def forget(self, product_id: int) -> None:
        """To be called after each change. If Redis cannot do it, the caller must know, and try again."""
        await self._redis.delete(_key(product_id))

    async def _keep(self, product: Product) -> None:
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._redis.set(_key(product.id), product.model_dump_json(), px=self._ttl)


def _key(product_id: int) -> str:
    return f"product:{product_id}"
