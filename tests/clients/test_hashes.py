"""redis-py's methods for hashes, including those for fields that expire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from redis.commands.core import HashDataPersistOptions

from tests.support.servers import Server


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port, protocol=request.param, decode_responses=True) as connected:
        yield connected


def test_fields_and_values_are_written_and_read(client: redis.Redis) -> None:
    assert client.hset("h", mapping={"a": 1, "b": 2, "c": "three"}) == 3
    assert client.hgetall("h") == {"a": "1", "b": "2", "c": "three"}
    assert client.hmget("h", ["a", "x"]) == ["1", None]
    assert client.hincrby("h", "a", 5) == 6
    assert client.hincrbyfloat("h", "b", 0.5) == 2.5
    assert client.hdel("h", "c", "x") == 1
    assert client.hlen("h") == 2
    assert client.hexists("h", "a") is True
    assert dict(client.hscan_iter("h")) == {"a": "6", "b": "2.5"}
    assert sorted(client.hscan_iter("h", no_values=True)) == ["a", "b"]
    assert client.hrandfield("h") in {"a", "b"}
    drawn = client.hrandfield("h", -3, withvalues=True)
    assert isinstance(drawn, list)
    assert len(drawn) in {3, 6}  # pairs under RESP3


def test_fields_get_keep_and_lose_times_to_live(client: redis.Redis) -> None:
    client.hset("h", mapping={"a": 1, "b": 2})
    assert client.hexpire("h", timedelta(seconds=100), "a", "x") == [1, -2]
    assert client.hexpire("h", 50, "a", gt=True) == [0]
    assert client.hpexpire("h", 200_000, "a", xx=True) == [1]
    assert client.httl("h", "a", "b")[0] in {199, 200}
    assert client.hpttl("h", "b") == [-1]
    assert client.hexpireat("h", 4_000_000_000, "b", nx=True) == [1]
    assert client.hpexpiretime("h", "b") == [4_000_000_000_000]
    assert client.hpexpireat("h", 5_000_000_000_000, "b") == [1]
    assert client.hexpiretime("h", "b") == [5_000_000_000]
    assert client.hpersist("h", "a", "x") == [1, -2]
    assert client.object("encoding", "h") == "listpackex"


def test_values_and_times_to_live_are_set_and_read_at_once(client: redis.Redis) -> None:
    assert client.hsetex("h", mapping={"a": 1, "b": 2}, ex=100) == 1
    assert client.hsetex("h", "a", "3", keepttl=True, data_persist_option=HashDataPersistOptions.FXX) == 1
    assert client.hsetex("h", "a", "4", data_persist_option=HashDataPersistOptions.FNX) == 0
    assert client.hgetex("h", "a", "x", persist=True) == ["3", None]
    assert client.httl("h", "a") == [-1]
    assert client.hgetex("h", "a", px=100_000) == ["3"]
    assert client.hgetdel("h", "a", "b") == ["3", "2"]
    assert client.exists("h") == 0
