"""What redis-py leaves out for a server inside the process, and that nobody can tell."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection
from redis.exceptions import BusyLoadingError, DataError, ResponseError

from pyredmem.client.server import Server
from pyredmem.client.shortcuts import NO_REPLY, READERS, pack, pack_together, read
from pyredmem.client.sync import ShortConnection

pytestmark = pytest.mark.skipif(not READERS, reason="this redis-py, or its parser in Python, reads replies as ever")


def connection_of(client: Any) -> Any:
    """The only connection of a client's pool."""
    (connection,) = client.connection_pool._available_connections
    return connection


def test_a_reply_that_is_there_is_read_without_redis_py(server: Server) -> None:
    connection = server.client(single_connection_client=True).connection
    assert connection is not None
    connection.send_command("PING")
    assert read(connection, False) == b"PONG"
    assert read(connection, False) is NO_REPLY


def test_an_error_reply_is_raised_and_the_connection_stays(server: Server) -> None:
    client = server.client()
    client.set("key", "text")
    connection = connection_of(client)
    with pytest.raises(ResponseError, match="not an integer"):
        client.incr("key")
    assert connection._sock is not None
    assert client.get("key") == b"text"


def test_an_error_reply_that_ends_connections_disconnects(server: Server) -> None:
    client = server.client(retry=None)
    client.ping()
    connection = connection_of(client)
    server.faults.state("loading")
    with pytest.raises(BusyLoadingError):
        client.get("key")
    assert connection._sock is None


def test_a_reply_that_cannot_be_decoded_disconnects(server: Server) -> None:
    client = server.client(decode_responses=True)
    client.set("key", b"\xff")
    connection = connection_of(client)
    with pytest.raises(UnicodeDecodeError):
        client.get("key")
    assert connection._sock is None


def test_an_error_inside_of_a_transaction_is_a_value(server: Server) -> None:
    pipeline = server.client().pipeline()
    pipeline.set("key", "text")
    pipeline.incr("key")
    pipeline.get("key")
    done, error, value = pipeline.execute(raise_on_error=False)
    assert done is True
    assert isinstance(error, ResponseError)
    assert value == b"text"


def test_a_client_that_checks_its_connections_still_does(server: Server) -> None:
    server.commands.start()
    client = server.client(health_check_interval=30)
    client.set("key", "value")
    connection = connection_of(client)
    assert connection.next_health_check > 0
    connection.next_health_check = 0
    assert client.get("key") == b"value"
    assert server.commands.count("PING") > 0


def test_a_client_that_was_disconnected_connects_again(server: Server) -> None:
    client = server.client(single_connection_client=True)
    client.set("key", "value")
    assert client.connection is not None
    client.connection.disconnect()
    assert client.get("key") == b"value"


@pytest.mark.parametrize(
    "word", ["text", "", "\u20ac", b"\x00\xff", 0, -5, 2**70, 1.5, -0.0, 1 / 3, 1e300, float("inf"), float("nan")]
)
def test_words_are_packed_as_redis_py_packs_them(server: Server, word: object) -> None:
    connection = redis.asyncio.Connection()
    any_word: Any = word  # redis-py's types leave some of these out
    packed = pack(connection, [("SET", "key", word)])
    assert packed is not None
    assert b"".join(packed) == b"".join(connection.pack_command("SET", "key", any_word))


def test_a_parser_that_a_test_has_replaced_is_asked(server: Server) -> None:
    client = server.client(single_connection_client=True)
    client.ping()
    with mock.patch.object(client.connection, "_parser") as parser:
        parser.read_response.return_value = b"other"
        assert client.get("key") == b"other"


async def test_a_parser_that_a_test_has_replaced_is_asked_in_asyncio(server: Server) -> None:
    async with server.async_client() as client:
        await client.ping()
        with mock.patch.object(connection_of(client), "_parser") as parser:
            parser.can_read = parser.can_read_destructive = mock.AsyncMock(return_value=False)
            parser.read_response = mock.AsyncMock(return_value=b"other")
            assert await client.get("key") == b"other"


class Text(str):
    """A string that hiredis does not know."""


@pytest.mark.parametrize(
    "words",
    [("CONFIG GET", "port"), ("GET\tkey",), ("",), (b"GET", "key"), ("SET", "key", memoryview(b"a")), (Text("PING"),)],
)
def test_other_words_are_left_to_redis_py(words: tuple[object, ...]) -> None:
    assert pack(redis.asyncio.Connection(), [("PING",), words]) is None


_WORDS = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20),
    st.integers(),
    st.floats(),
    st.sampled_from([1, 2999, 5970, 5999, 6000, 6001, 13000]).map(lambda size: "x" * size),
    st.binary(max_size=3).map(bytearray),
)
_NAMES = st.sampled_from(["GET", "set", "CONFIG GET", "JSON.SET", "GET\t", "\u20acuro", b"GET", b"CONFIG GET"])
_COMMANDS = st.lists(st.tuples(_NAMES, _WORDS, _WORDS), max_size=12)


def packed(connection_class: Any, commands: list[tuple[Any, ...]]) -> object:
    """The parts that a connection sends, or the error for a word that this redis-py does not send."""
    try:
        return connection_class().pack_commands(commands)
    except DataError as error:
        return str(error)


@given(_COMMANDS)
def test_commands_are_packed_together_as_redis_py_packs_them(commands: list[tuple[Any, ...]]) -> None:
    assert packed(ShortConnection, commands) == packed(Connection, commands)


def test_ordinary_commands_are_packed_together_without_redis_py() -> None:
    connection = Connection()
    with mock.patch.object(connection._command_packer, "pack") as packer:
        assert pack_together(connection, [("PING",), ("JSON.SET", "k", 1.5)]) == [
            b"*1\r\n$4\r\nPING\r\n*3\r\n$8\r\nJSON.SET\r\n$1\r\nk\r\n$3\r\n1.5\r\n"
        ]
    assert not packer.called


class OtherPacker:
    """Packs as nobody else does."""

    def pack(self, *words: Any) -> list[bytes]:
        return [b"PING\r\n"]


def test_a_packer_of_the_test_is_asked(server: Server) -> None:
    client = server.client(single_connection_client=True)
    client.ping()
    connection: Any = client.connection
    connection._command_packer = OtherPacker()
    connection.send_command("GET", "key")
    assert connection.read_response() == b"PONG"
    assert connection.pack_commands([("GET", "key")] * 2) == [b"PING\r\nPING\r\n"]


def test_a_command_is_sent_as_redis_py_packs_it(server: Server) -> None:
    server.commands.start()
    client = server.client()
    client.execute_command("CONFIG GET", "port")
    client.execute_command("SET\tkey", "value")
    client.execute_command(b"APPEND key", b"\x00")
    assert client.get("key") == b"value\x00"
    assert server.commands.count("CONFIG GET") == 1
    with pytest.raises(DataError):
        client.set("key", True)
    assert client.get("key") == b"value\x00"


def test_a_pipeline_with_a_word_that_cannot_be_sent_sends_nothing(server: Server) -> None:
    client = server.client()
    pipeline = client.pipeline()
    pipeline.set("a", 1)
    pipeline.set("b", None)  # type: ignore[arg-type]  # the error is what is tested
    with pytest.raises(DataError):
        pipeline.execute()
    assert client.exists("a", "b") == 0


def test_another_encoding_is_left_to_redis_py() -> None:
    assert pack(redis.asyncio.Connection(encoding="latin-1"), [("SET", "key", "\xe9")]) is None


async def test_asyncio_sends_what_redis_py_packs(server: Server) -> None:
    latin = server.async_client(encoding="latin-1")
    plain = server.async_client()
    async with latin, plain:
        await latin.set("key", "\xe9")
        assert await plain.get("key") == b"\xe9"
        assert await plain.config_get("maxmemory") == {"maxmemory": "0"}
        with pytest.raises(DataError):
            await plain.set("key", True)
        pipeline = plain.pipeline()
        pipeline.set("a", 1)
        pipeline.set("b", 2.5)
        pipeline.mget("a", "b")
        assert await pipeline.execute() == [True, True, [b"1", b"2.5"]]


async def test_errors_in_asyncio_are_those_of_redis_py(server: Server) -> None:
    client = server.async_client(retry=None, decode_responses=True)
    async with client:
        await client.set("key", b"\xff")
        connection = connection_of(client)
        with pytest.raises(ResponseError, match="not an integer"):
            await client.incr("key")
        assert connection.is_connected
        with pytest.raises(UnicodeDecodeError):
            await client.get("key")
        assert not connection.is_connected
        await client.ping()
        server.faults.state("loading")
        with pytest.raises(BusyLoadingError):
            await client.get("key")
        assert not connection.is_connected


async def test_tasks_that_never_wait_let_others_have_their_turn(server: Server) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with server.async_client() as client:
        counting = asyncio.create_task(count())
        for _ in range(500):
            await client.get("key")
        counting.cancel()
    assert turns >= 10
