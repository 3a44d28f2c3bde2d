"""limits: rate limits by each strategy, sync and asyncio, whose counting is done by Lua scripts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

limits = pytest.importorskip("limits")
asyncio_limits = pytest.importorskip("limits.aio")

STRATEGIES = pytest.mark.parametrize(
    "strategy", ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"]
)
FIVE = limits.parse("5/hour")


@pytest.fixture
def storage(url: str) -> Any:
    return limits.storage.storage_from_string(url)


@STRATEGIES
def test_a_limit_lets_as_many_pass_as_it_says(storage: Any, strategy: str) -> None:
    limiter = getattr(limits.strategies, strategy)(storage)
    assert [limiter.hit(FIVE, "user", "page") for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.test(FIVE, "user", "page") is False
    assert limiter.test(FIVE, "user", "other") is True
    assert limiter.get_window_stats(FIVE, "user", "page").remaining == 0
    assert limiter.get_window_stats(FIVE, "user", "other").remaining == 5
    limiter.clear(FIVE, "user", "page")
    assert limiter.test(FIVE, "user", "page") is True


@STRATEGIES
def test_a_hit_may_cost_more_than_one(storage: Any, strategy: str) -> None:
    limiter = getattr(limits.strategies, strategy)(storage)
    assert limiter.hit(FIVE, "user", cost=3) is True
    assert limiter.hit(FIVE, "user", cost=3) is False


@STRATEGIES
def test_a_limit_holds_for_many_threads_at_once(storage: Any, strategy: str) -> None:
    limiter = getattr(limits.strategies, strategy)(storage)
    hundred = limits.parse("100/hour")
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(lambda _: limiter.hit(hundred, "user"), range(150)))
    assert hits.count(True) == 100


@STRATEGIES
async def test_the_asyncio_storage_counts_the_same(url: str, strategy: str) -> None:
    storage = limits.storage.storage_from_string(f"async+{url}", implementation="redispy")
    limiter = getattr(asyncio_limits.strategies, strategy)(storage)
    assert [await limiter.hit(FIVE, "user") for _ in range(7)] == [True] * 5 + [False] * 2
    assert (await limiter.get_window_stats(FIVE, "user")).remaining == 0
    await storage.bridge.storage.aclose()


def test_the_storage_checks_the_server_and_forgets_all(storage: Any) -> None:
    limiter = limits.strategies.FixedWindowRateLimiter(storage)
    assert storage.check() is True
    for user in range(30):
        limiter.hit(FIVE, str(user))
    assert storage.reset() == 30
    assert limiter.get_window_stats(FIVE, "0").remaining == 5
