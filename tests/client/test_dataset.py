"""`Server.load` and `Server.dump`: the dataset as Python values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.client.dataset import Expiring, SortedSet, Stream
from pyredmem.client.server import Server
from pyredmem.config.profiles import MIXED
from tests.client.conftest import check

EVERYTHING: dict[str, Any] = {
    "board": SortedSet({"ann": 1.5, "bob": float("inf"), "cy": -0.1}),
    "bytes": "\udcff\udc80",
    "counter": "17",
    "empty": Stream(),
    "events": Stream([("1-1", {"a": "b", "c": "d"}), ("2-0", {"e": "f"})], {"workers": "1-1"}),
    "hash": {"name": "Ann", "token": Expiring("x", 30.0)},
    "queue": ["a", "b", "a"],
    "session": Expiring(["x"], 60.0),
    "tags": {"x", "y"},
    "trimmed": Stream([], {}, "5-0"),
}


@pytest.fixture
def frozen(server: Server) -> Server:
    server.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    return server


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with server.client() as client:
        yield client


def test_what_was_loaded_is_dumped(frozen: Server) -> None:
    frozen.load(EVERYTHING)
    assert frozen.dump() == EVERYTHING
    assert list(frozen.dump()) == sorted(EVERYTHING)


def test_a_dump_can_be_loaded_into_another_server(frozen: Server) -> None:
    frozen.load(EVERYTHING)
    with Server(redis_version=MIXED.name) as other:
        other.clock.freeze()
        other.load(frozen.dump(), database=2)
        assert other.dump(database=2) == EVERYTHING
        assert other.dump() == {}
        check(other)


def test_clients_see_what_was_loaded(server: Server, client: redis.Redis) -> None:
    server.load(
        {"s": b"\xff", "n": 1, "f": 0.5, "l": (1, "b"), "h": {"a": 1}, "z": SortedSet(a=2), "set": frozenset("a")}
    )
    assert client.mget("s", "n", "f") == [b"\xff", b"1", b"0.5"]
    assert client.lrange("l", 0, -1) == [b"1", b"b"]
    assert client.hgetall("h") == {b"a": b"1"}
    assert client.zscore("z", "a") == 2
    assert client.smembers("set") == {b"a"}


def test_long_values_are_loaded_in_several_commands(server: Server) -> None:
    values = {"l": [str(number) for number in range(5001)], "h": {str(number): "x" for number in range(5001)}}
    server.load(values)
    assert server.dump() == values


def test_a_value_takes_the_place_of_what_was_there(server: Server, client: redis.Redis) -> None:
    client.rpush("a", "x")
    client.expire("a", 60)
    server.load({"a": ["y"]})
    assert server.dump() == {"a": ["y"]}


def test_expire_times_pass(frozen: Server) -> None:
    frozen.load({"a": Expiring("x", 60)})
    frozen.clock.advance(20)
    value = frozen.dump()["a"]
    assert value.value == "x"
    assert value.seconds == pytest.approx(40, abs=0.01)
    frozen.clock.advance(40)
    assert frozen.dump() == {}


def test_a_pattern_chooses_keys(server: Server) -> None:
    server.load({"user:1": "a", "user:2": "b", "item:1": "c"})
    assert server.dump("user:*") == {"user:1": "a", "user:2": "b"}


def test_clients_hear_of_what_is_loaded(server: Server, client: redis.Redis) -> None:
    client.config_set("notify-keyspace-events", "KEA")
    with client.pubsub() as listener:
        listener.psubscribe("__keyevent*")
        listener.get_message(timeout=1)
        server.load({"a": "1"})
        message = listener.get_message(timeout=1)
    assert message is not None
    assert message["channel"] == b"__keyevent@0__:set"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "'bad': NoneType is no type of Redis"),
        (True, TypeError, "'bad': bool is no type of Redis"),
        (object, TypeError, "'bad': type is no type of Redis"),
        ([], ValueError, "'bad': Redis has no empty list"),
        ({}, ValueError, "'bad': Redis has no empty dict"),
        (SortedSet(), ValueError, "'bad': Redis has no empty SortedSet"),
        ([["a"]], TypeError, r"'bad': an element is a str, bytes, int or float, not \['a'\]"),
        ({"a": None}, TypeError, "'bad': an element is a str, bytes, int or float, not None"),
        (Expiring("a", 0), ValueError, "'bad': it can't expire in 0 seconds"),
        (Stream([("1-1", {})]), ValueError, "'bad': the entry 1-1 of the stream has no fields"),
    ],
)
def test_nothing_is_written_if_one_value_is_wrong(
    server: Server, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        server.load({"good": "1", "bad": value})
    assert server.dump() == {}


def test_a_key_must_be_a_string(server: Server) -> None:
    with pytest.raises(TypeError, match="a key is a str or bytes, not 1"):
        server.load({1: "a"})


def test_errors_of_commands_are_raised(server: Server, client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError, match="OOM"):
        server.load({"a": "1"})
    client.config_set("maxmemory", 0)
    with pytest.raises(redis.ResponseError, match="not a valid float"):
        server.load({"z": SortedSet(a=float("nan"))})


def test_a_hash_is_dumped_where_fields_cannot_expire() -> None:
    with Server(redis_version="redis-7.2") as server:
        server.load({"hash": {"field": "value"}})
        assert server.dump() == {"hash": {"field": "value"}}
        check(server)


def test_there_must_be_such_a_database(server: Server) -> None:
    with pytest.raises(ValueError, match="there is no database 16: the server has 16"):
        server.dump(database=16)


def test_a_password_does_not_matter() -> None:
    with Server(requirepass="secret") as server:
        server.load({"a": "1"})
        assert server.dump() == {"a": "1"}
        check(server)


def test_a_dump_leaves_the_idle_time_alone(frozen: Server, client: redis.Redis) -> None:
    client.set("a", "1")
    frozen.clock.advance(100)
    frozen.dump()
    assert client.object("idletime", "a") >= 100


TEXTS = st.text(max_size=8)
NUMBERS = st.floats(allow_nan=False)
VALUES = st.one_of(
    TEXTS,
    st.lists(TEXTS, min_size=1),
    st.sets(TEXTS, min_size=1),
    st.dictionaries(TEXTS, TEXTS, min_size=1),
    st.dictionaries(TEXTS, NUMBERS, min_size=1).map(SortedSet),
)


@given(values=st.dictionaries(TEXTS, VALUES))
def test_any_values_come_back(values: dict[str, Any]) -> None:
    with Server() as server:
        server.load(values)
        assert server.dump() == values
        check(server)
