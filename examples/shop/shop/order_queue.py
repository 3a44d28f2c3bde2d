"""The queue of paid orders: a stream with a consumer group, so that an order stays until a worker has done it."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shop.settings import Settings

STREAM = "orders"
GROUP = "workers"


class Task(NamedTuple):
    """An order in the queue."""

    entry_id: str
    order_id: UUID


class OrderQueue:
    """Delivers each order at least once. Twice is possible: the worker must bear that."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._patience_ms = settings.worker_patience // timedelta(milliseconds=1)

    async def prepare(self) -> None:
        """Make the group, if there is none yet. It begins with the first order that is there."""
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def put(self, order_id: UUID) -> None:
        await self._redis.xadd(STREAM, {"order": str(order_id)})

    async def take(self, worker: str, wait: timedelta) -> list[Task]:
        """Orders that other workers have left undone, else new ones, for which it waits a while."""
        _, entries, _ = await self._redis.xautoclaim(STREAM, GROUP, worker, self._patience_ms, count=10)
        if not entries:
            wait_ms = wait // timedelta(milliseconds=1)
            streams: Any = await self._redis.xreadgroup(GROUP, worker, {STREAM: ">"}, count=10, block=wait_ms)
            entries = [entry for _, new in streams or [] for entry in new]
        return [Task(entry_id, UUID(fields["order"])) for entry_id, fields in entries]

    async def done(self, task: Task) -> None:
        async with self._redis.pipeline() as transaction:
            transaction.xack(STREAM, GROUP, task.entry_id)
            transaction.xdel(STREAM, task.entry_id)
            await transaction.execute()
