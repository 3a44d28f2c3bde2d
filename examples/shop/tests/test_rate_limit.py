"""The sliding window."""

from datetime import timedelta

import pytest
from pyredmem import Server
from redis.asyncio import Redis

from shop.rate_limit import RateLimiter
from tests.backend import Backend

NOW = timedelta()


@pytest.fixture
def window(backend: Backend) -> timedelta:
    return backend.settings.order_window


@pytest.fixture
def limiter(redis: Redis, window: timedelta) -> RateLimiter:
    return RateLimiter(redis, "test", 2, window)


async def test_requests_over_the_limit_have_to_wait(limiter: RateLimiter, window: timedelta) -> None:
    assert [await limiter.wait("ann") for _ in range(2)] == [NOW, NOW]
    assert NOW < await limiter.wait("ann") <= window


async def test_each_customer_has_a_limit_of_their_own(limiter: RateLimiter) -> None:
    assert [await limiter.wait(name) for name in ("ann", "bob", "ann", "bob")] == [NOW] * 4


async def test_window_passes(limiter: RateLimiter, backend: Backend, window: timedelta) -> None:
    for _ in range(3):
        await limiter.wait("ann")
    await backend.pass_time(window)
    assert await limiter.wait("ann") == NOW


async def test_waiting_as_told_is_enough(limiter: RateLimiter, backend: Backend, window: timedelta) -> None:
    await limiter.wait("ann")
    await backend.pass_time(window / 2)
    await limiter.wait("ann")
    wait = await limiter.wait("ann")
    assert wait <= window / 2
    await backend.pass_time(wait)
    assert await limiter.wait("ann") == NOW
    assert await limiter.wait("ann") > NOW  # the window slides: the second request still counts


async def test_refused_requests_do_not_count(limiter: RateLimiter, backend: Backend, window: timedelta) -> None:
    for _ in range(5):
        await limiter.wait("ann")
    await backend.pass_time(window)
    assert [await limiter.wait("ann") for _ in range(2)] == [NOW, NOW]


async def test_limit_leaves_nothing_behind(
    limiter: RateLimiter, redis: Redis, backend: Backend, window: timedelta
) -> None:
    await limiter.wait("ann")
    await backend.pass_time(window)
    assert await redis.keys() == []


async def test_wait_is_exact(limiter: RateLimiter, redmem_server: Server, window: timedelta) -> None:
    await limiter.wait("ann")
    redmem_server.clock.advance(timedelta(seconds=10) - timedelta(milliseconds=1))  # advance adds one
    await limiter.wait("ann")
    assert await limiter.wait("ann") == window - timedelta(seconds=10)


async def test_script_is_sent_again_after_a_restart(limiter: RateLimiter, redis: Redis) -> None:
    await limiter.wait("ann")
    await redis.script_flush()
    assert await limiter.wait("ann") == NOW
