"""Logging in, and staying so."""

import pytest
from httpx import AsyncClient
from pyredmem import Server
from redis.asyncio import Redis

from tests.backend import Backend


async def test_visitor_is_known_after_logging_in(ann: AsyncClient) -> None:
    assert (await ann.get("/session")).json() == {"name": "Ann"}


@pytest.mark.parametrize("token", ["", "forged"])
async def test_strangers_are_asked_to_log_in(browser: AsyncClient, token: str) -> None:
    browser.cookies["session"] = token
    assert (await browser.get("/session")).status_code == 401


async def test_logging_out_removes_the_session(ann: AsyncClient, redis: Redis) -> None:
    assert (await ann.delete("/session")).status_code == 204
    assert (await ann.get("/session")).status_code == 401
    assert await redis.keys("session:*") == []


async def test_unused_session_expires(ann: AsyncClient, backend: Backend) -> None:
    await backend.pass_time(backend.settings.session_ttl)
    assert (await ann.get("/session")).status_code == 401


async def test_each_request_prolongs_the_session(ann: AsyncClient, backend: Backend) -> None:
    for _ in range(3):
        await backend.pass_time(backend.settings.session_ttl * 0.6)
        assert (await ann.get("/session")).status_code == 200


async def test_session_is_never_without_expire_time(ann: AsyncClient, redmem_server: Server) -> None:
    """A connection that is lost between the two commands of the transaction leaves none of them."""
    (token,) = ann.cookies.values()
    fault = redmem_server.faults.drop("PEXPIRE", times=3)
    assert (await ann.post("/session", json={"name": "Bob"})).status_code == 503
    assert fault.fired == 3
    assert list(redmem_server.dump("session:*")) == [f"session:{token}"]
