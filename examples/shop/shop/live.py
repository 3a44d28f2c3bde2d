"""Sales as they happen, over pub/sub. Who is not there to hear of a sale never will: nothing depends on it."""

from collections.abc import AsyncIterator

from pydantic import BaseModel
from redis.asyncio import Redis

CHANNEL = "sales"


class Sale(BaseModel):
    """What the live page shows."""

    product: str
    price: int


class Sales:
    """Announces sales, and listens to them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def announce(self, sale: Sale) -> None:
        await self._redis.publish(CHANNEL, sale.model_dump_json())

    async def listen(self) -> AsyncIterator[Sale]:
        """Sales from now on. redis-py subscribes again by itself when the connection was lost."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CHANNEL)
            async for message in pubsub.listen():
                yield Sale.model_validate_json(message["data"])
