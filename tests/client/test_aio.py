"""redis-py's asyncio clients over a server inside the process."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pyredmem.client.server import Server
from tests.client.test_sync import SECONDS, in_thread, wait_for_blocked


def client_of(server: Server, **options: Any) -> Any:
    """A client without redis-py's types: they give the same result to both kinds of clients."""
    return server.async_client(**options)


async def until_blocked(server: Server, count: int) -> None:
    """Wait until so many clients are blocked."""
    async with asyncio.timeout(SECONDS):
        while server.blocked_clients < count:
            await asyncio.sleep(0)


async def test_a_client_is_genuine(server: Server) -> None:
    async with client_of(server) as client:
        assert type(client) is redis.asyncio.Redis
        assert await client.ping() is True


@pytest.mark.parametrize("protocol", [2, 3])
async def test_replies_are_those_of_the_protocol(server: Server, protocol: int) -> None:
    async with client_of(server, protocol=protocol, decode_responses=True) as client:
        await client.hset("h", mapping={"a": 1, "b": 2})
        assert await client.hgetall("h") == {"a": "1", "b": "2"}
        assert (await client.client_info())["resp"] == str(protocol)


async def test_clients_of_both_kinds_share_the_data(server: Server) -> None:
    async with client_of(server) as client:
        await client.set("k", "v")
        assert server.client().get("k") == b"v"


async def test_replies_longer_than_the_buffer_of_redis_py_arrive_whole(server: Server) -> None:
    async with client_of(server) as client:
        value = bytes(range(256)) * 4096
        await client.set("k", value)
        assert await client.get("k") == value
        async with client.pipeline(transaction=False) as pipeline:
            for _ in range(2000):
                pipeline.echo("x" * 100)
            assert await pipeline.execute() == [b"x" * 100] * 2000


async def test_a_watched_key_that_changes_ends_the_transaction(server: Server) -> None:
    async with client_of(server) as client, client.pipeline() as pipeline:
        await pipeline.watch("k")
        await client.set("k", "1")
        pipeline.multi()
        pipeline.set("k", "2")
        with pytest.raises(redis.WatchError):
            await pipeline.execute()


async def test_a_blocking_pop_blocks_its_own_task_alone(server: Server) -> None:
    async with client_of(server) as client:
        popped = asyncio.create_task(client.blpop(["q"], timeout=0))
        await until_blocked(server, 1)
        await client.rpush("q", "v")
        assert await popped == (b"q", b"v")


async def test_blocked_tasks_are_served_in_the_order_in_which_they_came(server: Server) -> None:
    async with client_of(server) as client:
        popped = []
        for number in range(20):
            popped.append(asyncio.create_task(client.blpop(["q"], timeout=0)))
            await until_blocked(server, number + 1)
        await client.rpush("q", *range(20))
        assert [pop[1] for pop in await asyncio.gather(*popped)] == [b"%d" % number for number in range(20)]


async def test_a_blocking_pop_ends_at_its_timeout(server: Server) -> None:
    async with client_of(server) as client:
        started = time.monotonic()
        assert await client.blpop(["q"], timeout=0.2) is None
        assert time.monotonic() - started >= 0.2


async def test_a_task_gets_what_a_thread_pushes(server: Server) -> None:
    async with client_of(server) as client:
        popped = asyncio.create_task(client.blpop(["q"], timeout=0))
        await until_blocked(server, 1)
        await asyncio.to_thread(server.client().rpush, "q", "v")
        assert await popped == (b"q", b"v")


async def test_a_thread_gets_what_a_task_pushes(server: Server) -> None:
    popped = in_thread(lambda: server.client().blpop(["q"], timeout=0))
    await asyncio.to_thread(wait_for_blocked, server, 1)
    async with client_of(server) as client:
        await client.rpush("q", "v")
    assert popped() == (b"q", b"v")


async def test_a_socket_timeout_is_redis_py_s_error(server: Server) -> None:
    async with client_of(server, socket_timeout=0.05, retry=Retry(NoBackoff(), 0)) as client:
        with pytest.raises(redis.TimeoutError):
            await client.blpop(["q"], timeout=0)
        assert await client.ping()


async def test_a_cancelled_pop_takes_nothing(server: Server) -> None:
    async with client_of(server) as client:
        popped = asyncio.create_task(client.blpop(["q"], timeout=0))
        await until_blocked(server, 1)
        await asyncio.sleep(0.01)  # asyncio.wait_for of Python 3.11 may lose a cancellation while redis-py sends
        popped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await popped
        await client.rpush("q", "v")
        assert await client.lrange("q", 0, -1) == [b"v"]


async def test_pubsub(server: Server) -> None:
    async with client_of(server, decode_responses=True) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("c")
        assert (await pubsub.get_message(timeout=SECONDS))["type"] == "subscribe"
        await client.publish("c", "from the loop")
        await asyncio.to_thread(server.client().publish, "c", "from a thread")
        messages = [await pubsub.get_message(timeout=SECONDS) for _ in range(2)]
        assert [message["data"] for message in messages] == ["from the loop", "from a thread"]


async def test_keys_expire_while_a_subscriber_waits(server: Server) -> None:
    async with client_of(server, decode_responses=True) as client, client.pubsub() as pubsub:
        await client.config_set("notify-keyspace-events", "Ex")
        await pubsub.psubscribe("__keyevent@0__:expired")
        await pubsub.get_message(timeout=SECONDS)
        await client.set("k", "v", px=50)
        assert (await pubsub.get_message(timeout=SECONDS))["data"] == "k"


async def test_other_tasks_have_their_turn_while_a_task_runs_commands(server: Server) -> None:
    """Over a socket each command waits for its reply. Here none would, and a loop of commands would stop all others."""
    turns = 0
    ended = False

    async def count() -> None:
        nonlocal turns
        while not ended:
            turns += 1
            await asyncio.sleep(0)

    async with client_of(server) as client:
        counting = asyncio.create_task(count())
        async with asyncio.timeout(SECONDS):
            while turns < 10:
                await client.get("k")
        ended = True
        await counting
    assert turns >= 10


def test_one_server_serves_several_loops(server: Server) -> None:
    def loop(number: int) -> bool:
        async def work() -> None:
            async with client_of(server) as client:
                for _ in range(50):
                    await client.incr("count")
                popped = asyncio.create_task(client.blpop([f"q{number}"], timeout=0))
                await client.rpush(f"q{(number + 1) % 3}", "v")
                assert (await popped)[1] == b"v"

        asyncio.run(work())
        return True

    loops = [in_thread(partial(loop, number)) for number in range(3)]
    assert all(loop() for loop in loops)
    assert server.client().get("count") == b"150"


def test_a_client_of_one_loop_cannot_wait_in_another(server: Server) -> None:
    """As over TCP: redis-py's connection belongs to the loop in which it was made."""
    client = client_of(server, retry=Retry(NoBackoff(), 0))

    async def ask(command: Coroutine[Any, Any, Any]) -> Any:
        return await command

    assert asyncio.run(ask(client.ping()))
    with pytest.raises((RuntimeError, redis.ConnectionError)):
        asyncio.run(ask(client.blpop(["q"], timeout=1)))
    asyncio.run(client.connection_pool.disconnect())


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_connections_of_a_closed_loop_are_closed(server: Server) -> None:
    async def work() -> None:
        client = client_of(server)
        await client.ping()

    asyncio.run(work())
    gc.collect()
    assert len(server.client().client_list()) == 1
    assert server.driver.alarms == []


async def test_a_killed_client_connects_again(server: Server) -> None:
    async with client_of(server) as client:
        number = await client.client_id()
        await asyncio.to_thread(server.client().client_kill_filter, _id=str(number))
        assert await client.ping()
        assert await client.client_id() != number


async def test_messages_that_nobody_reads_are_limited() -> None:
    with Server(client_output_buffer_limit="pubsub 100kb 0 0") as server:
        publisher = server.async_client()
        async with client_of(server) as reader, reader.pubsub() as pubsub, publisher:
            await pubsub.subscribe("c")
            for _ in range(1000):
                if not await publisher.publish("c", "x" * 1000):
                    break
                await asyncio.sleep(0)  # the loop of the client that does not read goes on
            else:
                pytest.fail("the output grows without limit")


async def test_what_a_client_has_put_off_reading_arrives_in_order(server: Server) -> None:
    async with client_of(server) as reader, reader.pubsub() as pubsub, server.async_client() as publisher:
        await pubsub.subscribe("c")
        for number in range(1000):
            await publisher.publish("c", f"{number}:" + "x" * 1000)
        messages = [await pubsub.get_message(timeout=SECONDS) for _ in range(1001)]
        assert [message["data"][:5].split(b":")[0] for message in messages[1:]] == [b"%d" % n for n in range(1000)]
        assert await reader.set("long", "x" * 1_000_000)
        assert len(await reader.get("long")) == 1_000_000


async def test_locks(server: Server) -> None:
    async with client_of(server) as client:
        async with client.lock("l", timeout=10):
            assert not await client.lock("l", blocking=False).acquire()
        assert await client.lock("l", blocking=False).acquire()


async def test_a_closed_server_disconnects_its_clients() -> None:
    server = Server()
    client = client_of(server, retry=Retry(NoBackoff(), 0))
    await client.ping()
    waiting = asyncio.create_task(client.blpop(["q"], timeout=0))
    await until_blocked(server, 1)
    server.close()
    with pytest.raises(redis.ConnectionError):
        await waiting
    with pytest.raises(redis.ConnectionError):
        await client.ping()
    await client.connection_pool.disconnect()


async def test_a_connection_that_a_thread_drops_is_closed_in_its_loop(server: Server) -> None:
    client = client_of(server)
    await client.ping()
    [connection] = client.connection_pool._available_connections
    writer = connection._writer
    dropper = threading.Thread(target=writer.close)
    dropper.start()
    dropper.join()
    await asyncio.sleep(0)
    assert len(server.client().client_list()) == 1
    await client.connection_pool.disconnect()
