"""The pipeline of a sync client: what it leaves out, and that it does all the rest as redis-py does."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import redis
from redis.client import Pipeline

from pyredmem.client.pipelines import LocalPipeline, shorten_pipeline
from pyredmem.client.server import Server
from pyredmem.client.shortcuts import READERS
from pyredmem.fakeredis import FakeRedis

SECONDS = 20.0

needs_reader = pytest.mark.skipif(not READERS, reason="this redis-py, or its parser in Python, reads replies as ever")

Make = Callable[..., Any]


def pipeline_of(client: redis.Redis) -> Any:
    """A pipeline without a transaction, of the class that the client chooses."""
    return client.pipeline(transaction=False)


@pytest.fixture(params=[LocalPipeline, Pipeline], ids=["short", "genuine"])
def pipeline(request: pytest.FixtureRequest, server: Server) -> Iterator[Make]:
    """Makes pipelines of ours, and redis-py's own: every test must pass with both. Takes options of the client."""
    clients = []

    def make(**options: Any) -> Any:
        client = server.client(**options)
        clients.append(client)
        made = pipeline_of(client)
        made.__class__ = request.param
        return made

    yield make
    for client in clients:
        client.close()


# What is left out.


@needs_reader
def test_redis_py_is_not_asked_for_each_reply(server: Server) -> None:
    pipeline = pipeline_of(server.client())
    pipeline.set("key", "value").get("key")
    with mock.patch.object(LocalPipeline, "parse_response") as parse_response:
        assert pipeline.execute() == [True, b"value"]
    assert not parse_response.called


# What is as ever: with either pipeline.


def test_replies_of_all_types_go_through_their_callbacks(pipeline: Make) -> None:
    made = pipeline(decode_responses=True)
    made.set("key", "value").get("key").get("missing").incr("count").incrbyfloat("float", 0.5)
    made.hset("hash", mapping={"field": "1"}).hgetall("hash").zadd("board", {"member": 1.5})
    made.zrange("board", 0, -1, withscores=True).sadd("set", "member").smembers("set").lrange("none", 0, -1)
    replies = made.execute()
    assert replies[:8] == [True, "value", None, 1, 0.5, 1, {"field": "1"}, 1]
    assert [tuple(pair) for pair in replies[8]] == [("member", 1.5)]
    assert replies[9:] == [1, {"member"}, []]


def test_a_name_in_lower_case_has_the_callback_too(pipeline: Make) -> None:
    assert pipeline().execute_command("set", "key", "value").execute() == [True]


def test_a_name_of_bytes_is_a_command(pipeline: Make) -> None:
    made = pipeline()
    made.command_stack.append(((b"ECHO", "words"), {}))
    assert made.execute_command("PING").execute()[1] is True


def test_a_callback_that_the_client_sets_is_called(pipeline: Make) -> None:
    made = pipeline()
    made.response_callbacks["GET"] = lambda reply, **options: ("seen", reply)
    assert made.set("key", "value").get("key").execute() == [True, ("seen", b"value")]


def test_a_reply_that_must_not_be_decoded_stays_bytes(pipeline: Make) -> None:
    made = pipeline(decode_responses=True)
    made.set("key", "\xe9").dump("key").get("key")
    replies = made.execute()
    assert isinstance(replies[1], bytes)
    assert replies[2] == "\xe9"


def test_the_first_error_is_raised_and_says_which_command(pipeline: Make) -> None:
    made = pipeline()
    made.set("key", "value").lpush("key", "element").incr("key").get("key")
    with pytest.raises(
        redis.ResponseError, match=r"Command # 2 \(LPUSH key element\) of pipeline caused error: WRONGTYPE"
    ):
        made.execute()


def test_errors_are_returned_if_nobody_wants_them_raised(pipeline: Make) -> None:
    made = pipeline()
    made.set("key", "value").lpush("key", "element").get("key")
    replies = made.execute(raise_on_error=False)
    assert replies[0] is True
    assert isinstance(replies[1], redis.ResponseError)
    assert replies[2] == b"value"


def test_an_error_inside_a_reply_is_left_there(pipeline: Make) -> None:
    made = pipeline()
    made.execute_command("EVAL", "return {redis.error_reply('MY error'), 'two'}", 0).set("key", "value")
    replies = made.execute()
    assert isinstance(replies[0][0], redis.ResponseError)
    assert replies[0][1] == b"two"
    assert replies[1] is True


def test_watch_makes_commands_run_at_once_until_multi(pipeline: Make) -> None:
    made = pipeline()
    made.watch("key")
    assert made.get("key") is None
    made.multi()
    assert made.set("key", "value").execute() == [True]
    assert not made.watching


def test_unwatch_in_a_pipeline_ends_watching(pipeline: Make) -> None:
    made = pipeline()
    made.watch("key")
    made.command_stack = [(("UNWATCH",), {}), (("GET", "key"), {})]
    assert made.execute() == [True, None]
    assert not made.watching


def test_a_command_that_blocks_gets_its_reply_later(pipeline: Make, server: Server) -> None:
    made = pipeline()
    made.set("key", "value").blpop("list", timeout=SECONDS).get("key")
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(made.execute()))
    thread.start()
    other = server.client()
    while not server.blocked_clients:
        assert thread.is_alive()
    other.rpush("list", "element")
    thread.join(SECONDS)
    assert replies == [True, (b"list", b"element"), b"value"]


@needs_reader  # redis-py 5.0 takes an invalidation for a reply
def test_an_invalidation_between_two_replies_is_handled(pipeline: Make) -> None:
    made = pipeline(protocol=3)
    made.execute_command("CLIENT TRACKING", "ON")
    made.get("key").set("key", "value").get("key")
    replies = made.execute()
    assert replies[1:] == [None, True, b"value"]


def test_a_server_that_hangs_up_in_the_middle_is_noticed(pipeline: Make, server: Server) -> None:
    made = pipeline(retry=None)
    server.faults.drop("INCRBY", when="before", times=1)
    made.set("key", "value").incr("count").get("key")
    with pytest.raises(redis.ConnectionError):
        made.execute()
    assert server.client().get("key") == b"value"
    assert made.get("count").execute() == [None]


def test_a_callback_that_fails_leaves_no_reply_for_the_next_command(pipeline: Make) -> None:
    made = pipeline()
    made.response_callbacks["GET"] = mock.Mock(side_effect=ValueError("from the test"))
    with pytest.raises(ValueError, match="from the test"):
        made.get("key").set("key", "value").execute()
    assert made.execute_command("ECHO", "asked").execute() == [b"asked"]


def test_requests_longer_than_a_part_are_sent_whole(pipeline: Make) -> None:
    made = pipeline()
    for number in range(50):
        made.set(f"key:{number}", bytes([number]) * 5_000).get(f"key:{number}")
    replies = made.execute()
    assert replies[1::2] == [bytes([number]) * 5_000 for number in range(50)]


def test_a_script_is_loaded_before_the_pipeline_runs(pipeline: Make) -> None:
    made = pipeline()
    script = made.register_script("return ARGV[1]")
    script(args=["words"], client=made)
    assert made.execute() == [b"words"]


# Transactions.


@pytest.fixture
def transaction(pipeline: Make) -> Make:
    """Makes pipelines of both kinds that run a transaction."""

    def make(**options: Any) -> Any:
        made = pipeline(**options)
        made.transaction = True
        return made

    return make


@needs_reader
def test_redis_py_is_not_asked_for_each_reply_of_a_transaction(server: Server) -> None:
    made: Any = server.client().pipeline()
    made.set("key", "value").get("key")
    with mock.patch.object(LocalPipeline, "parse_response") as parse_response:
        assert made.execute() == [True, b"value"]
    assert not parse_response.called


def test_replies_in_a_transaction_go_through_their_callbacks(transaction: Make) -> None:
    made = transaction(decode_responses=True)
    made.set("key", "value").get("key").execute_command("get", "missing").hset("hash", mapping={"field": "1"})
    made.hgetall("hash").sadd("set", "member").smembers("set").zadd("board", {"member": 1.5})
    made.zrange("board", 0, -1, withscores=True)
    replies = made.execute()
    assert replies[:8] == [True, "value", None, 1, {"field": "1"}, 1, {"member"}, 1]
    assert [tuple(pair) for pair in replies[8]] == [("member", 1.5)]


def test_a_command_that_fails_in_a_transaction_does_not_stop_it(transaction: Make) -> None:
    made = transaction()
    made.set("key", "value").lpush("key", "element").set("other", "value")
    with pytest.raises(redis.ResponseError, match=r"Command # 2 \(LPUSH key element\) of pipeline .*WRONGTYPE"):
        made.execute()
    made.get("other").lpush("key", "element").get("key")
    replies = made.execute(raise_on_error=False)
    assert isinstance(replies[1], redis.ResponseError)
    assert replies[::2] == [b"value", b"value"]


def test_a_command_that_is_refused_stops_the_transaction(transaction: Make) -> None:
    made = transaction()
    made.set("key", "value").execute_command("GET").execute_command("NOSUCH")
    with pytest.raises(redis.ResponseError, match=r"Command # 2 \(GET\) of pipeline caused error: wrong number"):
        made.execute(raise_on_error=False)
    assert made.get("key").execute() == [None]


def test_a_transaction_that_the_server_aborts_for_itself_says_so(transaction: Make, server: Server) -> None:
    with server.faults.error("EXEC", "EXECABORT from the test"):
        made = transaction()
        with pytest.raises(redis.exceptions.ExecAbortError, match="from the test"):
            made.set("key", "value").execute()


def test_a_key_that_was_changed_fails_the_transaction(transaction: Make, server: Server) -> None:
    made = transaction()
    made.watch("key")
    server.client().set("key", "changed")
    made.multi()
    made.set("key", "value")
    with pytest.raises(redis.WatchError, match="Watched variable changed"):
        made.execute()
    assert made.get("key").execute() == [b"changed"]


def test_watching_ends_with_the_transaction(transaction: Make) -> None:
    made = transaction()
    made.watch("key")
    made.multi()
    made.set("key", "value")
    assert made.execute() == [True]
    assert not made.watching


def test_a_reply_that_redis_py_knows_is_not_asked_for(transaction: Make, server: Server) -> None:
    made = transaction()
    made.set("key", "value").mget([]).get("key")
    server.commands.start()
    assert made.execute() == [True, [], b"value"]
    assert server.commands.count("MGET") == 0


# The client, and those who follow what it does.


def test_the_client_is_redis_pys_own(server: Server) -> None:
    client = server.client()
    assert type(client) is redis.Redis
    assert isinstance(client.pipeline(), Pipeline)
    assert pipeline_of(client).echo("words").execute() == [b"words"]


def test_the_client_goes_with_its_last_user(server: Server) -> None:
    gc.disable()
    try:
        client = server.client()
        gone = weakref.ref(client)
        pipeline_of(client).set("key", "value").execute()
        del client
        assert gone() is None
    finally:
        gc.enable()


def test_a_pipeline_outlives_its_client(server: Server) -> None:
    assert pipeline_of(server.client()).set("key", "value").execute() == [True]
    made: Any = server.client().pipeline(False)
    assert made.get("key").execute() == [b"value"]


def test_a_client_with_another_pool_has_pipelines_on_it(server: Server) -> None:
    client = server.client()
    client.connection_pool = server.client(db=1).connection_pool
    pipeline_of(client).set("key", "value").execute()
    assert server.client(db=1).get("key") == b"value"


@pytest.mark.parametrize("make", [FakeRedis, lambda: FakeRedis.from_url("redis://localhost:6391/1")])
def test_a_client_of_pyredmem_fakeredis_has_the_same_pipeline(make: Callable[[], FakeRedis]) -> None:
    made = pipeline_of(make())
    assert made.set("key", "value").get("key").execute() == [True, b"value"]
    assert type(made) is LocalPipeline


@pytest.mark.parametrize("owner", [Pipeline, redis.Redis])
def test_a_method_that_a_test_has_replaced_is_called(server: Server, owner: type) -> None:
    with mock.patch.object(owner, "parse_response", return_value="from the test"):
        made = pipeline_of(server.client())
        assert made.get("key").execute() == ["from the test"]


def test_a_pipeline_of_another_class_is_left_alone(server: Server) -> None:
    class Own(Pipeline):
        pass

    client = server.client()
    own = Own(client.connection_pool, client.response_callbacks, False, None)
    assert type(shorten_pipeline(own)) is Own
