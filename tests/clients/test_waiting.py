"""Clients that wait, as in applications: threads and tasks, pipelines, connections that are killed or dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.servers import Server

PATIENCE_SECONDS = 10.0


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port, protocol=request.param, decode_responses=True) as connected:
        yield connected


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
async def aio(ours: Server, request: pytest.FixtureRequest) -> AsyncIterator[redis.asyncio.Redis]:
    connected = redis.asyncio.Redis(port=ours.port, protocol=request.param, decode_responses=True)
    yield connected
    await connected.aclose()


class Waiter(threading.Thread):
    """A thread with its own connection, which waits for one reply."""

    def __init__(self, port: int, *words: str | int | float, count: int = 1) -> None:
        super().__init__(daemon=True)
        self.client = redis.Redis(
            port=port, single_connection_client=True, decode_responses=True, retry=Retry(NoBackoff(), 0)
        )
        self.id = self.client.client_id()
        self._words = words
        self._count = count
        self.replies: list[object] = []
        self.start()

    def run(self) -> None:
        for _ in range(self._count):
            try:
                self.replies.append(self.client.execute_command(*self._words))
            except redis.RedisError as error:
                self.replies.append(error)

    def reply(self) -> object:
        """The last reply, once all have arrived."""
        self.join(PATIENCE_SECONDS)
        assert not self.is_alive()
        self.client.close()
        return self.replies[-1]


def blocked(client: redis.Redis, count: int) -> None:
    """Return when ``count`` clients are blocked."""
    for _ in range(1000):
        if client.info("clients")["blocked_clients"] == count:
            return
    raise AssertionError(client.info("clients"))


def test_threads_are_served_in_the_order_in_which_they_came(client: redis.Redis, ours: Server) -> None:
    waiters = []
    for number in range(8):
        waiters.append(Waiter(ours.port, "BLPOP", "queue", 0))
        blocked(client, number + 1)
    client.rpush("queue", *range(8))
    assert [waiter.reply() for waiter in waiters] == [("queue", str(number)) for number in range(8)]
    assert client.exists("queue") == 0
    blocked(client, 0)


def test_workers_take_each_job_once(client: redis.Redis, ours: Server) -> None:
    workers = [Waiter(ours.port, "BLMOVE", "jobs", "done", "LEFT", "RIGHT", 0, count=100) for _ in range(4)]
    for first in range(0, 400, 10):
        client.rpush("jobs", *range(first, first + 10))
    for worker in workers:
        worker.reply()
    taken = [reply for worker in workers for reply in worker.replies]
    assert sorted(map(str, taken)) == sorted(map(str, range(400)))
    assert client.lrange("done", 0, -1) == [str(number) for number in range(400)]


def test_a_killed_client_takes_nothing(client: redis.Redis, ours: Server) -> None:
    killed = Waiter(ours.port, "BZPOPMIN", "z", 0)
    blocked(client, 1)
    stays = Waiter(ours.port, "BZPOPMIN", "z", 0)
    blocked(client, 2)
    assert client.client_kill_filter(_id=str(killed.id)) == 1
    client.zadd("z", {"m": 1})
    assert stays.reply() == ("z", "m", 1.0)
    assert isinstance(killed.reply(), redis.ConnectionError)
    assert client.exists("z") == 0


def test_a_client_is_unblocked_with_an_error(client: redis.Redis, ours: Server) -> None:
    waiter = Waiter(ours.port, "XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    blocked(client, 1)
    assert client.client_unblock(waiter.id, error=True)
    error = waiter.reply()
    assert isinstance(error, redis.ResponseError)
    assert str(error) == "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    assert not client.client_unblock(waiter.id)


def test_the_list_of_clients_shows_which_ones_wait(client: redis.Redis, ours: Server) -> None:
    waiter = Waiter(ours.port, "XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
    assert isinstance(waiter.reply(), redis.ResponseError)
    client.xgroup_create("s", "g", mkstream=True)
    waiter = Waiter(ours.port, "XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
    blocked(client, 1)
    (line,) = [line for line in client.client_list() if line["id"] == str(waiter.id)]
    assert (line["flags"], line["cmd"]) == ("b", "xreadgroup")
    figures = client.info("clients")
    assert (figures["total_blocking_keys"], figures["total_blocking_keys_on_nokey"]) == (1, 1)
    client.delete("s")
    assert isinstance(waiter.reply(), redis.ResponseError)
    figures = client.info("clients")
    assert (figures["total_blocking_keys"], figures["total_blocking_keys_on_nokey"]) == (0, 0)


def test_a_blocked_call_is_counted_when_it_ends(client: redis.Redis, ours: Server) -> None:
    client.config_resetstat()
    waiter = Waiter(ours.port, "BRPOP", "k", 0)
    blocked(client, 1)
    assert "cmdstat_brpop" not in client.info("commandstats")
    client.lpush("k", 1)
    waiter.reply()
    figures = client.info("commandstats")["cmdstat_brpop"]
    assert (figures["calls"], figures["failed_calls"]) == (1, 0)


def test_a_pipeline_continues_after_a_command_that_waits(client: redis.Redis, ours: Server) -> None:
    def push() -> None:
        blocked(client, 1)
        client.rpush("k", "x")

    pusher = threading.Thread(target=push)
    with redis.Redis(port=ours.port, decode_responses=True) as other, other.pipeline(transaction=False) as pipe:
        pipe.set("n", 1)
        pipe.blpop("k", 0)
        pipe.incr("n")
        pipe.get("n")
        pusher.start()
        assert pipe.execute() == [True, ("k", "x"), 2, "2"]
    pusher.join(PATIENCE_SECONDS)


def test_in_a_transaction_no_command_waits(client: redis.Redis) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.blpop("none", 0)
        pipe.bzpopmin("none", 0)
        pipe.blmove("none", "other", 0)
        pipe.xread({"none": "$"}, block=0)
        replies = pipe.execute()
    assert replies[:3] == [None, None, None]
    assert not replies[3]


async def test_tasks_are_served_in_the_order_in_which_they_came(aio: redis.asyncio.Redis) -> None:
    tasks = []
    for number in range(5):
        tasks.append(asyncio.ensure_future(aio.brpop(["queue"], 0)))
        while (await aio.info("clients"))["blocked_clients"] <= number:
            await asyncio.sleep(0)
    await aio.lpush("queue", *range(5))
    replies = await asyncio.gather(*tasks)
    assert [list(reply or ()) for reply in replies] == [["queue", str(number)] for number in range(5)]


async def test_a_cancelled_task_takes_nothing(aio: redis.asyncio.Redis) -> None:
    task = asyncio.ensure_future(aio.blpop(["queue"], 0))
    while (await aio.info("clients"))["blocked_clients"] == 0:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while (await aio.info("clients"))["blocked_clients"] == 1:
        await asyncio.sleep(0)
    await aio.rpush("queue", "a")
    assert await aio.lrange("queue", 0, -1) == ["a"]


async def test_a_timeout_may_be_a_fraction_of_a_second(aio: redis.asyncio.Redis) -> None:
    started = asyncio.get_running_loop().time()
    assert await aio.bzpopmax(["none"], 0.15) is None
    assert 0.14 < asyncio.get_running_loop().time() - started < 2


async def test_a_group_of_tasks_shares_a_stream(aio: redis.asyncio.Redis) -> None:
    await aio.xgroup_create("s", "g", mkstream=True)
    done: list[str] = []

    async def consume(name: str) -> None:
        while True:
            reply: Any = await aio.xreadgroup("g", name, {"s": ">"}, count=1, block=2000)
            entries = reply["s"][0] if isinstance(reply, dict) else reply[0][1]
            for number, fields in entries:
                if fields == {"stop": "1"}:
                    return
                done.append(fields["n"])
                await aio.xack("s", "g", number)

    consumers = [asyncio.ensure_future(consume(f"c{number}")) for number in range(3)]
    for number in range(60):
        await aio.xadd("s", {"n": str(number)})
    for _ in consumers:
        await aio.xadd("s", {"stop": "1"})
    await asyncio.wait_for(asyncio.gather(*consumers), PATIENCE_SECONDS)
    assert sorted(done, key=int) == [str(number) for number in range(60)]
    assert (await aio.xpending("s", "g"))["pending"] == 3
