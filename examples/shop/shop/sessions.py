"""Who is logged in: a hash for each session, which expires when it was not used for a while."""

import secrets

from pydantic import BaseModel
from redis.asyncio import Redis

from shop.settings import Settings


class Session(BaseModel):
    """What the shop remembers of a visitor."""

    name: str


class Sessions:
    """Opens, finds and closes sessions by their tokens."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._ttl = settings.session_ttl

    async def open(self, session: Session) -> str:
        token = secrets.token_urlsafe()
        async with self._redis.pipeline() as transaction:
            transaction.hset(_key(token), mapping={"name": session.name})
            transaction.pexpire(_key(token), self._ttl)
            await transaction.execute()
        return token

    async def find(self, token: str) -> Session | None:
        """The session, which lives for the whole TTL again; None if there is none any more."""
        async with self._redis.pipeline() as transaction:
            transaction.hgetall(_key(token))
            transaction.pexpire(_key(token), self._ttl)
            fields, exists = await transaction.execute()
        return Session(**fields) if exists else None

    async def close(self, token: str) -> None:
        await self._redis.delete(_key(token))


def _key(token: str) -> str:
    return f"session:{token}"
