"""`Server.commands`: what a server has received, and assertions about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis

from pyredmem.client.server import Server
from tests.client.conftest import check
from tests.client.test_sync import in_thread, wait_for_blocked


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(records_commands=True) as server:
        yield server
        check(server)


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with server.client(client_name="web", protocol=3) as client:
        client.ping()
        server.commands.clear()
        yield client


def test_commands_are_counted_by_name_and_key(server: Server, client: redis.Redis) -> None:
    client.get("user:1")
    client.get("item:1")
    client.mget("user:2", "item:2")
    assert server.commands.count() == 3
    assert server.commands.count("get") == 2
    assert server.commands.count("GET", key="user:*") == 1
    assert server.commands.count(key="user:*") == 2
    assert server.commands.count("GET", "MGET", key=b"item:?") == 2
    assert server.commands.count("SET") == 0


def test_a_container_stands_for_its_subcommands(server: Server, client: redis.Redis) -> None:
    client.config_get("maxmemory")
    client.config_set("maxmemory", 0)
    assert server.commands.count("CONFIG") == 2
    assert server.commands.count("CONFIG SET") == 1


def test_commands_are_told_apart_by_client_and_database(server: Server, client: redis.Redis) -> None:
    client.get("a")
    with server.client(client_name="worker", db=3) as other:
        other.get("b")
        number = other.client_id()
    assert [str(one) for one in server.commands.of("GET", client="worker")] == ["GET b"]
    assert [str(one) for one in server.commands.of("GET", client=number)] == ["GET b"]
    assert [str(one) for one in server.commands.of("GET", database=0)] == ["GET a"]
    address = server.commands.of("GET", client="web")[0].address
    assert server.commands.count("GET", client=address) == 1


def test_the_last_ones_come_in_their_order(server: Server, client: redis.Redis) -> None:
    for key in "abc":
        client.get(key)
    assert [one.argv for one in server.commands.last(2)] == [(b"GET", b"b"), (b"GET", b"c")]
    assert [str(one) for one in server.commands.last()] == ["GET c"]
    assert len(server.commands.last(0)) == 0
    assert len(server.commands.last(99)) == 3
    assert str(server.commands[0]) == "GET a"
    assert [str(one) for one in server.commands[1:]] == ["GET b", "GET c"]


def test_a_command_says_when_it_came(server: Server, client: redis.Redis) -> None:
    moment = datetime(2030, 1, 2, tzinfo=UTC)
    server.clock.freeze(moment)
    client.get("a")
    assert server.commands[0].time == moment


def test_a_command_says_how_it_ended(server: Server, client: redis.Redis) -> None:
    client.set("a", "x y")
    client.get("a")
    client.get("none")
    client.rpush("list", "a", "b")
    client.lrange("list", 0, -1)
    client.hgetall("none")
    with pytest.raises(redis.ResponseError):
        client.incr("a")
    outcomes = [one.outcome for one in server.commands]
    assert outcomes[:6] == ["OK", "'x y'", "(nil)", "2", "(2 elements)", "(0 pairs)"]
    assert outcomes[6] == "(error) ERR value is not an integer or out of range"
    assert [one.error for one in server.commands.errors()] == ["ERR value is not an integer or out of range"]
    assert server.commands[0].error is None


def test_a_reply_of_one_element_is_in_the_singular(server: Server) -> None:
    client = server.client(protocol=3)
    client.hset("hash", "field", "value")
    client.hkeys("hash")
    client.hgetall("hash")
    assert [one.outcome for one in server.commands.last(2)] == ["(1 element)", "(1 pair)"]


def test_the_format_of_a_verbatim_string_is_not_shown(server: Server) -> None:
    server.client(protocol=3).info("clients")
    assert server.commands[-1].outcome.startswith("'# Clients")


def test_a_blocked_command_has_not_ended(server: Server, client: redis.Redis) -> None:
    result = in_thread(lambda: client.blpop(["q"], 10))
    wait_for_blocked(server, 1)
    assert (server.commands[0].has_ended, server.commands[0].outcome) == (False, "(blocked)")
    with server.client() as other:
        other.rpush("q", "a")
    result()
    assert server.commands.of("BLPOP")[0].outcome == "(2 elements)"


def test_what_redis_py_sends_when_it_connects_is_a_greeting(server: Server) -> None:
    with server.client(client_name="web", protocol=3) as client:
        client.ping()
    assert [str(one) for one in server.commands if not one.is_greeting] == ["CLIENT SETNAME web", "PING"]
    assert not server.commands.errors()


def test_a_transaction_is_recorded_as_it_was_sent(server: Server, client: redis.Redis) -> None:
    with client.pipeline() as pipe:
        pipe.set("a", "1")
        pipe.get("a")
        pipe.execute()
    assert [one.name for one in server.commands] == ["MULTI", "SET", "GET", "EXEC"]


def test_keys_that_were_read_but_never_written_are_found(server: Server, client: redis.Redis) -> None:
    client.set("a", "1")
    client.get("a")
    client.get("typo")
    client.sinter(["s", "t"])
    client.sadd("t", "x")
    assert server.commands.keys_read_but_never_written() == ["typo", "s"]


def test_malformed_commands_have_no_keys(server: Server, client: redis.Redis) -> None:
    for words in (["GET"], ["NOPE", "a"], ["EVAL", "return 1", "9", "a"]):
        with pytest.raises(redis.ResponseError):
            client.execute_command(*words)
    assert [one.keys for one in server.commands] == [(), (), ()]
    assert [one.name for one in server.commands] == ["GET", "NOPE", "EVAL"]


def test_arguments_are_shown_so_that_they_can_be_told_apart(server: Server, client: redis.Redis) -> None:
    client.set("a b", b"\xff")
    client.set("c", "")
    client.set("d", "x" * 1000)
    client.delete(*(f"k{number}" for number in range(20)))
    shown = [str(one) for one in server.commands]
    assert shown[0] == r"SET 'a b' '\\xff'"
    assert shown[1] == "SET c ''"
    assert shown[2] == "SET d " + "x" * 57 + "..."
    assert shown[3] == "DEL k0 k1 k2 k3 k4 k5 k6 k7 ... (12 more)"


def test_its_repr_shows_the_last_commands(server: Server, client: redis.Redis) -> None:
    assert repr(server.commands) == "<0 commands>"
    client.get("a")
    assert repr(server.commands) == "<1 command: GET a>"
    for key in "bcdefg":
        client.get(key)
    assert repr(server.commands) == "<7 commands: ...; GET c; GET d; GET e; GET f; GET g>"
    assert repr(server.commands[0]) == "<GET a -> (nil)>"


def test_the_first_ones_are_forgotten_when_there_are_too_many(server: Server, client: redis.Redis) -> None:
    server.commands.start(3)
    for key in "abcde":
        client.get(key)
    assert [str(one) for one in server.commands] == ["GET c", "GET d", "GET e"]
    with pytest.raises(ValueError, match="at least one"):
        server.commands.start(0)


def test_recording_can_stop_and_go_on(server: Server, client: redis.Redis) -> None:
    client.get("a")
    server.commands.stop()
    client.get("b")
    assert [str(one) for one in server.commands] == ["GET a"]
    server.commands.start()
    client.get("c")
    assert [str(one) for one in server.commands] == ["GET a", "GET c"]


def test_a_server_that_never_recorded_says_so() -> None:
    with Server() as server:
        with pytest.raises(RuntimeError, match="records_commands=True"):
            server.commands.count("GET")
        assert repr(server.commands) == "<no commands are recorded>"
        assert server.engine.core.gates.bits == 0


def test_commands_of_the_test_itself_are_left_out(server: Server, client: redis.Redis) -> None:
    server.load({"a": "1"})
    server.dump()
    server.memory.of("a")
    assert len(server.commands) == 0


def test_a_name_that_no_command_has_is_refused(server: Server, client: redis.Redis) -> None:
    with pytest.raises(ValueError, match="there is no command 'GETT'"):
        server.commands.count("GETT")
    assert server.commands.count("CONFIG SET") == 0
    with pytest.raises(redis.ResponseError):
        client.execute_command("JSON.SET", "a", "$", "1")
    assert server.commands.count("JSON.SET") == 1
