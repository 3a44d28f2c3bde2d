"""redis-py's methods for what Redis has since 8.4: `delex`, `digest`, `msetex`, and `set` with a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import redis

from pyredmem.client.server import Server
from tests.client.conftest import check

pytestmark = [
    pytest.mark.skipif(not hasattr(redis.Redis, "delex"), reason="this redis-py does not know them"),
    pytest.mark.filterwarnings("ignore:Call to .*experimental:UserWarning"),  # redis-py calls them so
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(redis_version="redis-8.4") as server:
        yield server
        check(server)


@pytest.fixture
def client(server: Server) -> Any:
    made: Any = server.client()  # without redis-py's types: they give the same result to both kinds of clients
    made.set("k", "old")
    return made


def test_a_value_is_set_if_the_old_one_is_as_expected(client: Any) -> None:
    assert client.set("k", "new", ifeq="other") is None
    assert client.set("k", "new", ifne="old", get=True) == b"old"
    assert client.set("k", "newer", ifeq="old", ex=100) is True
    assert (client.get("k"), client.ttl("k")) == (b"newer", 100)


def test_a_value_is_set_if_the_digest_of_the_old_one_is_as_expected(client: Any) -> None:
    digest = client.digest("k")
    assert client.set("k", "new", ifdne=digest) is None
    assert client.set("k", "new", ifdeq=digest) is True
    assert client.set("k", "newer", ifdeq=digest) is None


@pytest.mark.skipif(not hasattr(redis.Redis, "digest_local"), reason="this redis-py computes no digests")
def test_a_digest_is_the_one_that_the_client_computes_itself(client: Any) -> None:
    assert client.digest("k") == client.digest_local(b"old")
    assert client.digest("missing") is None


def test_a_lock_is_released_by_its_owner_only(client: Any) -> None:
    assert client.delex("k", ifeq="of somebody else") == 0
    assert client.delex("k", ifne="old") == 0
    assert client.delex("k", ifeq="old") == 1
    assert client.delex("k") == 0


def test_several_keys_are_set_with_one_time_to_live(client: Any) -> None:
    assert client.msetex({"a": "1", "b": "2"}, ex=100) == 1
    assert [client.ttl(key) for key in ("a", "b")] == [100, 100]
    assert client.msetex({"a": "1", "c": "2"}, data_persist_option=redis.commands.core.DataPersistOptions.NX) == 0


async def test_the_asyncio_client_has_them_too(server: Server) -> None:
    client: Any
    async with server.async_client(decode_responses=True) as client:
        assert await client.msetex({"a": "1"}) == 1
        digest = await client.digest("a")
        assert await client.delex("a", ifdne=digest) == 0
        assert await client.delex("a", ifdeq=digest) == 1


def test_another_version_refuses_them() -> None:
    with Server(redis_version="redis-8.2") as server:
        client: Any = server.client()
        for call in (partial(client.delex, "k"), partial(client.digest, "k"), partial(client.msetex, {"k": "v"})):
            with pytest.raises(redis.ResponseError, match="unknown command"):
                call()
        with pytest.raises(redis.ResponseError, match="syntax error"):
            client.set("k", "v", ifeq="v")
