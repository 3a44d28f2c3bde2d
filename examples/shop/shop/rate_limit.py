"""A rate limiter with a sliding window, as a script: it asks and counts in one step, by the clock of Redis."""

from datetime import timedelta
from uuid import uuid4

from redis.asyncio import Redis

# KEYS[1] holds the requests that were allowed, each with the time (in milliseconds) when it came as its score.
# ARGV: the window in milliseconds, the limit, a name for this request. The result is how long to wait, 0 if allowed.
SLIDING_WINDOW = """
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < limit then
    redis.call('ZADD', KEYS[1], now, ARGV[3])
    redis.call('PEXPIRE', KEYS[1], window)
    return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return oldest + window - now
"""


class RateLimiter:
    """Allows so many requests within any window of time."""

    def __init__(self, redis: Redis, name: str, limit: int, window: timedelta) -> None:
        self._script = redis.register_script(SLIDING_WINDOW)
        self._name = name
        self._limit = limit
        self._window_ms = window // timedelta(milliseconds=1)

    async def wait(self, who: str) -> timedelta:
        """How long ``who`` has to wait before the next request; zero if this one is allowed, which counts it."""
        wait_ms = await self._script(
            keys=[f"rate:{self._name}:{who}"], args=[self._window_ms, self._limit, uuid4().hex]
        )
        return timedelta(milliseconds=wait_ms)
