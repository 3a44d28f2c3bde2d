"""Many threads and tasks on one server inside the process, while connections are lost: nothing lost, nothing stuck.

Every client tries again when its connection is lost. So each kind of work is made so that trying again does no harm, or
that the server counts how often it happened:

* a counter is raised by a script that also notes the number of the attempt, so a repeated attempt counts once
* a transaction with WATCH does the same
* an item is pushed by such a script too, and no fault hits a pop that has popped: each item is popped exactly once
* no fault hits a publication that was sent, nor the subscriber: it hears each message exactly once
* a lock of redis-py has one holder, who finds the key that only holders touch as another left it
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.client.faults import Fault
from pyredmem.client.server import Server
from tests.client.conftest import check
from tests.support.suites import SUITE, time_limit

THREADS = 32
LOOPS = 3
TASKS = 200
#: How long the workers may take to end when the time is over.
PATIENCE_S = 60.0
TRIES = 1000
#: Counts once, however often the same attempt is sent.
COUNT_ONCE = "if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then redis.call('INCR', KEYS[1]) end return 1"
LOST = (redis.ConnectionError, redis.TimeoutError)
OOPS = "ERR oops"
#: The kinds of work that are counted.
KINDS = ("counted", "transactions", "published", "locked")


class Work:
    """What the workers have done, and when they must end: on a slow machine not before each fault has fired."""

    def __init__(self, seconds: float, faults: list[Fault]) -> None:
        self.end = time.monotonic() + seconds
        self.faults = faults
        self.lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.pushed: list[bytes] = []
        self.popped: list[bytes] = []
        self.failures: list[BaseException] = []

    def goes_on(self) -> bool:
        if self.failures:
            return False
        late = time.monotonic() - self.end
        return late < 0 or (late < PATIENCE_S / 2 and not self.is_complete())

    def is_complete(self) -> bool:
        """Whether each fault has fired and each kind of work was done."""
        return (
            all(fault.fired for fault in self.faults) and all(self.done[kind] for kind in KINDS) and bool(self.pushed)
        )

    def add(self, kind: str, count: int = 1) -> None:
        with self.lock:
            self.done[kind] += count

    def fail(self, error: BaseException) -> None:
        with self.lock:
            self.failures.append(error)


def again(action: Callable[[], Any]) -> Any:
    """Do it until the connection holds and no error on demand comes."""
    for _ in range(TRIES):
        try:
            return action()
        except LOST:
            continue
        except redis.ResponseError as error:
            if "oops" not in str(error):
                raise
    raise AssertionError("the connection was lost too often")


async def again_async(action: Callable[[], Any]) -> Any:
    for _ in range(TRIES):
        try:
            return await action()
        except LOST:
            await asyncio.sleep(0)
        except redis.ResponseError as error:
            if "oops" not in str(error):
                raise
    raise AssertionError("the connection was lost too often")


# Threads.


def work_in_thread(server: Server, work: Work, number: int) -> None:
    chance = random.Random(number)
    client = server.client(retry=Retry(NoBackoff(), 0), client_name=f"thread-{number}")
    turn = 0
    try:
        while work.goes_on():
            turn += 1
            attempt = f"t{number}:{turn}"
            kind = chance.randrange(6)
            if kind == 0:
                again(partial(client.eval, COUNT_ONCE, 2, "n", "n:seen", attempt))
                work.add("counted")
            elif kind == 1:
                again(partial(transact, client, attempt))
                work.add("transactions")
            elif kind == 2:
                push(client, work, attempt.encode())
            elif kind == 3:
                pop(client, work)
            elif kind == 4:
                lock(client, work)
            else:
                again(partial(client.publish, "channel", attempt))
                work.add("published")
    except BaseException as error:
        work.fail(error)
    finally:
        client.close()


def transact(client: redis.Redis, attempt: str) -> None:
    """Raise a counter, unless this attempt has done so."""
    with client.pipeline() as pipeline:
        while True:
            try:
                pipeline.watch("w", "w:seen")
                if pipeline.sismember("w:seen", attempt):
                    return
                value = int(pipeline.get("w") or 0)
                pipeline.multi()
                pipeline.set("w", value + 1)
                pipeline.sadd("w:seen", attempt)
                pipeline.execute()
                return
            except redis.WatchError:
                continue


def push(client: redis.Redis, work: Work, item: bytes) -> None:
    """Push an item once: a command that was lost may have run, so whoever pushes looks first."""
    again(
        lambda: client.eval(
            "if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then redis.call('RPUSH', KEYS[1], ARGV[1]) end",
            2,
            "q",
            "q:seen",
            item,
        )
    )
    with work.lock:
        work.pushed.append(item)


def pop(client: redis.Redis, work: Work) -> None:
    popped = again(lambda: client.blpop(["q"], timeout=0.05))
    if popped is not None:
        with work.lock:
            work.popped.append(popped[1])


def lock(client: redis.Redis, work: Work) -> None:
    """Hold a lock of redis-py; only its holder touches the key."""
    held = client.lock("lock", timeout=30, blocking_timeout=0.05, sleep=0.001)
    try:
        if not held.acquire():
            return
    except (*LOST, redis.ResponseError):
        return
    try:
        assert again(lambda: client.incr("inside")) == 1
        work.add("locked")
    finally:
        again(lambda: client.delete("inside"))
        with suppress(redis.exceptions.LockError):  # it was released by an attempt whose reply was lost
            again(held.release)


# Tasks.


async def work_in_task(server: Server, work: Work, number: int) -> None:
    chance = random.Random(1000 + number)
    client = server.async_client(retry=AsyncRetry(NoBackoff(), 0), client_name=f"task-{number}")
    turn = 0
    try:
        while work.goes_on():
            turn += 1
            attempt = f"a{number}:{turn}"
            kind = chance.randrange(4)
            if kind == 0:
                await again_async(partial(client.eval, COUNT_ONCE, 2, "n", "n:seen", attempt))
                work.add("counted")
            elif kind == 1:
                await again_async(partial(transact_async, client, attempt))
                work.add("transactions")
            elif kind == 2:
                popped = await again_async(lambda: client.blpop(["q"], timeout=0.05))
                if popped is not None:
                    with work.lock:
                        work.popped.append(popped[1])
            else:
                await again_async(partial(client.publish, "channel", attempt))
                work.add("published")
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
    except BaseException as error:
        work.fail(error)
    finally:
        await client.aclose()


async def transact_async(client: redis.asyncio.Redis, attempt: str) -> None:
    async with client.pipeline() as pipeline:
        while True:
            try:
                await pipeline.watch("w", "w:seen")
                if await pipeline.sismember("w:seen", attempt):
                    return
                value = int(await pipeline.get("w") or 0)
                pipeline.multi()
                pipeline.set("w", value + 1)
                pipeline.sadd("w:seen", attempt)
                await pipeline.execute()
                return
            except redis.WatchError:
                await asyncio.sleep(0)


def run_loop(server: Server, work: Work, first: int) -> None:
    async def main() -> None:
        await asyncio.gather(*(work_in_task(server, work, number) for number in range(first, TASKS, LOOPS)))

    try:
        asyncio.run(main())
    except BaseException as error:
        work.fail(error)


# Messages.


def listen(server: Server, work: Work, ready: threading.Event) -> None:
    """Hear every message: no fault hits this client."""
    client = server.client(client_name="listener", retry=Retry(NoBackoff(), 0))
    try:
        with client.pubsub() as pubsub:
            pubsub.subscribe("channel")
            pubsub.get_message(timeout=5)
            ready.set()
            while True:
                message = pubsub.get_message(timeout=5)
                if message is None:
                    continue
                if message["data"] == b"end":
                    return
                work.add("heard")
    except BaseException as error:
        work.fail(error)
    finally:
        ready.set()
        client.close()


def run(seconds: float) -> Work:
    with Server(seed=11) as server:
        faults = server.faults
        added = [
            # Before a pop or a publication only: what has been popped or sent must not be lost.
            faults.drop(["BLPOP", "PUBLISH"], probability=0.01, client="t*"),
            *(
                faults.drop(["EVAL", "EXEC", "WATCH", "SISMEMBER"], when=when, probability=0.005, client="t*")
                for when in ("before", "after", "reply")
            ),
            faults.error(["EVAL", "EXEC", "BLPOP", "PUBLISH"], OOPS, probability=0.005, client="t*"),
            faults.delay(["EVAL", "EXEC", "BLPOP"], 0.002, probability=0.01, client="t*"),
        ]
        work = Work(seconds, added)
        ready = threading.Event()
        threads = [threading.Thread(target=listen, args=(server, work, ready), daemon=True)]
        threads[0].start()
        assert ready.wait(10)
        threads += [
            *(threading.Thread(target=work_in_thread, args=(server, work, n), daemon=True) for n in range(THREADS)),
            *(threading.Thread(target=run_loop, args=(server, work, n), daemon=True) for n in range(LOOPS)),
        ]
        for thread in threads[1:]:
            thread.start()
        deadline = time.monotonic() + seconds + PATIENCE_S
        for thread in threads[1:]:
            thread.join(max(0.0, deadline - time.monotonic()))
        stuck = [thread.name for thread in threads[1:] if thread.is_alive()]
        assert not work.failures, [repr(error) for error in work.failures]
        assert not stuck
        faults.check_all_fired()
        faults.clear()
        client = server.client()
        client.publish("channel", "end")
        threads[0].join(PATIENCE_S)
        assert not threads[0].is_alive()
        assert not work.failures, [repr(error) for error in work.failures]
        left: Any = client.lrange("q", 0, -1)
        work.popped += left
        assert int(client.get("n") or 0) == work.done["counted"] == client.scard("n:seen")
        assert int(client.get("w") or 0) == work.done["transactions"] == client.scard("w:seen")
        client.delete("lock")
        client.close()
        server.expect_clean(locks="lock*")
        assert len(server.engine.sessions) == 0
        check(server)
    return work


def check_work(work: Work) -> None:
    assert len(set(work.pushed)) == len(work.pushed)
    assert sorted(work.popped) == sorted(work.pushed)
    assert work.done["heard"] == work.done["published"]
    assert min(work.done[kind] for kind in KINDS) > 0
    assert len(work.pushed) > 0


@pytest.mark.slow
@time_limit(180)
def test_many_threads_and_tasks_lose_nothing_while_connections_are_lost() -> None:
    check_work(run(SUITE.double_seconds))


def test_some_seconds_of_threads_and_tasks() -> None:
    check_work(run(1.0))
