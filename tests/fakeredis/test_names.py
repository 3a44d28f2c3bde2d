"""Every public name of fakeredis 2.41 is here, and names what it should."""

from __future__ import annotations

import importlib
import importlib.util

import pytest
import redis
import redis.asyncio

from pyredmem import fakeredis
from pyredmem.fakeredis import aioredis

NAMES = {
    *("FakeAsyncConnection", "FakeAsyncRedis", "FakeAsyncRedisConnection", "FakeConnection", "FakeRedis"),
    *("FakeRedisConnection", "FakeServer", "FakeStrictRedis", "TcpFakeServer"),
}
NAMES_FOR_VALKEY = {"FakeAsyncValkey", "FakeStrictValkey", "FakeValkey"}
NAMES_FOR_ASYNCIO = {
    *("AsyncFakeSocket", "FakeAsyncConnection", "FakeAsyncRedisConnection", "FakeAsyncRedisMixin"),
    *("FakeBaseAsyncConnection", "FakeConnection", "FakeReader", "FakeRedis", "FakeRedisMixin", "FakeWriter"),
}
HAS_VALKEY = importlib.util.find_spec("valkey") is not None


def test_the_names_are_those_of_fakeredis() -> None:
    assert set(fakeredis.__all__) == NAMES | (NAMES_FOR_VALKEY if HAS_VALKEY else set())
    assert set(aioredis.__all__) == NAMES_FOR_ASYNCIO


def test_the_names_are_those_of_the_fakeredis_that_is_installed() -> None:
    genuine = pytest.importorskip("fakeredis")
    assert set(genuine.__all__) <= set(fakeredis.__all__)
    assert set(importlib.import_module("fakeredis.aioredis").__all__) <= set(aioredis.__all__)


@pytest.mark.parametrize("name", fakeredis.__all__)
def test_every_name_is_there(name: str) -> None:
    assert isinstance(getattr(fakeredis, name), type)


@pytest.mark.parametrize("name", aioredis.__all__)
def test_every_name_for_asyncio_is_there(name: str) -> None:
    assert isinstance(getattr(aioredis, name), type)


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'FakeMemcached'"):
        fakeredis.FakeMemcached  # noqa: B018


def test_the_clients_are_genuine() -> None:
    assert isinstance(fakeredis.FakeRedis(), redis.Redis)
    assert isinstance(fakeredis.FakeStrictRedis(), redis.StrictRedis)
    assert isinstance(fakeredis.FakeAsyncRedis(), redis.asyncio.Redis)
    assert aioredis.FakeRedis is fakeredis.FakeAsyncRedis


@pytest.mark.skipif(not HAS_VALKEY, reason="needs valkey-py")
def test_the_clients_for_valkey_are_genuine() -> None:
    valkey = importlib.import_module("valkey")
    client = fakeredis.FakeValkey()
    assert isinstance(client, valkey.Valkey)
    client.set("name", "text")
    with pytest.raises(valkey.ResponseError, match="wrong kind of value"):
        client.lpush("name", "item")


@pytest.mark.skipif(not HAS_VALKEY, reason="needs valkey-py")
def test_a_client_for_valkey_leads_to_no_other_server() -> None:
    with pytest.raises(ValueError, match="server_type must be valkey"):
        fakeredis.FakeValkey(server_type="redis")
