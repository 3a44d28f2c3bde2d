"""A day of virtual time with all that waits for time: expire times, timeouts, streams, eviction, defragmentation.

The clients are tasks of one event loop. A task goes on only when a reply or the time lets it, so the day is the same
each time, and its diary is compared.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis.asyncio

from pyredmem.client.server import Server
from pyredmem.config.profiles import MIXED
from tests.client.conftest import check

START = datetime(2030, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
STEPS = 288
Tell = Callable[..., None]

pytestmark = pytest.mark.slow


async def visit(client: redis.asyncio.Redis, chance: random.Random, tell: Tell) -> None:
    """A visitor: a session that slides, a basket whose items expire one by one, a count per hour, a job, an event."""
    user = chance.randrange(200)
    session = f"session:{user}"
    if not await client.expire(session, 1800):
        await client.set(session, chance.randbytes(chance.randint(10, 8000)), ex=1800)
        tell("login", user)
    await client.hset(f"basket:{user}", f"item:{chance.randrange(20)}", chance.randrange(100))
    field = await client.hrandfield(f"basket:{user}")
    await client.execute_command("HEXPIRE", f"basket:{user}", chance.randint(60, 7200), "FIELDS", 1, field)
    hour = await client.incr("visits")
    if hour == 1:
        await client.expire("visits", 3600)
    if await client.set("lock:report", user, nx=True, ex=900):
        tell("report by", user)
    await client.zadd("online", {f"user:{user}": chance.random()})
    if chance.random() < 0.3:
        await client.rpush("jobs", f"mail to {user}")
    if chance.random() < 0.5:
        tell("event", await client.xadd("events", {"user": user}, maxlen=500))


async def work(client: redis.asyncio.Redis, number: int, tell: Tell) -> None:
    while True:
        job = await client.blpop(["jobs", "more jobs"], timeout=30 + 400 * number)
        tell("worker", number, job)


async def pick(client: redis.asyncio.Redis, tell: Tell) -> None:
    while True:
        tell("picked", await client.bzpopmin("rare", timeout=1000))
        tell("online", await client.zrandmember("online", 2), await client.randomkey())


async def consume(client: redis.asyncio.Redis, name: str, tell: Tell) -> None:
    while True:
        read: Any = await client.xreadgroup("group", name, {"events": ">"}, count=10, block=700_000)
        tell(name, read)
        for _stream, entries in read or []:
            await client.xack("events", "group", *[entry for entry, _ in entries])


async def listen(client: redis.asyncio.Redis, tell: Tell) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.psubscribe("__keyevent@0__:expired", "__keyevent@0__:evicted", "__keyevent@0__:hexpired")
        async for message in pubsub.listen():
            tell(message["channel"], message["data"])


async def settle(diary: list[Any]) -> None:
    """Let the tasks run until nothing happens any more."""
    quiet = 0
    while quiet < 20:
        before = len(diary)
        await asyncio.sleep(0)
        quiet = quiet + 1 if len(diary) == before else 0


async def day(seed: int, steps: int = STEPS) -> list[Any]:
    """What has happened on a day, in its order."""
    diary: list[Any] = []
    chance = random.Random(1)
    with Server(
        redis_version=MIXED.name,
        seed=seed,
        frozen_at=START,
        maxmemory=1_720_000,
        maxmemory_policy="volatile-lfu",
        notify_keyspace_events="Exeh",
        active_defrag_ignore_bytes=1,
        active_defrag_threshold_lower=1,
    ) as server:

        def tell(*what: object) -> None:
            diary.append((server.clock.now(), *what))

        stack = AsyncExitStack()
        clients = [await stack.enter_async_context(server.async_client(protocol=2)) for _ in range(8)]
        client = clients[0]
        await client.xgroup_create("events", "group", mkstream=True)
        tasks = [
            *(asyncio.ensure_future(work(clients[1 + number], number, tell)) for number in range(3)),
            *(asyncio.ensure_future(consume(clients[4 + number], f"reader {number}", tell)) for number in range(2)),
            asyncio.ensure_future(pick(clients[6], tell)),
            asyncio.ensure_future(listen(clients[7], tell)),
        ]
        await settle(diary)
        for step in range(steps):
            for _ in range(chance.randrange(12)):
                await visit(client, chance, tell)
            if step % 12 == 0:
                await client.zadd("rare", {f"hour {step // 12}": 1})
                tell("info", {name: (await client.info())[name] for name in FIGURES})
            if step % 48 == 47:  # it would never end: there is always more waste than a byte
                await client.config_set("activedefrag", "yes")
                server.clock.advance(2)
                await client.config_set("activedefrag", "no")
            await settle(diary)
            server.clock.advance(STEP)
            await settle(diary)
        assert server.blocked_clients == 6
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await stack.aclose()
        check(server)
        server.expect_clean()
    return diary


FIGURES = (
    *("used_memory", "expired_keys", "evicted_keys", "keyspace_hits", "keyspace_misses", "active_defrag_hits"),
    *("allocator_frag_bytes", "total_commands_processed", "uptime_in_seconds"),
)


@pytest.fixture(scope="module", name="diary")
def fixture_diary() -> list[Any]:
    return asyncio.run(day(7))


def said(diary: list[Any], *beginning: object) -> list[Any]:
    return [line for line in diary if line[1 : 1 + len(beginning)] == beginning]


def test_a_day_is_the_same_each_time(diary: list[Any]) -> None:
    again = asyncio.run(day(7, STEPS // 3))
    for kind in (b"expired", b"evicted", b"hexpired"):  # what is random has its effects in the first third already
        assert said(again, b"__keyevent@0__:" + kind), kind
    assert len(said(again, "info")) == 8
    assert next((lines for lines in zip(diary, again, strict=False) if lines[0] != lines[1]), None) is None


def test_another_seed_makes_another_day(diary: list[Any]) -> None:
    assert asyncio.run(day(8, 20)) != diary[:200]


def test_everything_happens_on_this_day(diary: list[Any]) -> None:
    for kind in (b"expired", b"evicted", b"hexpired"):
        assert len(said(diary, b"__keyevent@0__:" + kind)) > 20, kind
    assert diary[-1][0] - START > timedelta(hours=23)
    assert all(before[0] <= after[0] for before, after in pairwise(diary))
    info = said(diary, "info")[-1][2]
    assert info["active_defrag_hits"] > 0
    assert 23 * 3600 <= info["uptime_in_seconds"] < 23 * 3600 + 20


def test_every_job_is_done_once(diary: list[Any]) -> None:
    jobs = [line for line in diary if line[1] == "worker" and line[3] is not None]
    assert len(jobs) > 100
    assert {line[3][0] for line in jobs} == {b"jobs"}


def test_timeouts_end_when_their_time_has_come(diary: list[Any]) -> None:
    """A worker waits for 830 seconds, and is back at the end of the third step of five minutes."""
    lines = pairwise(said(diary, "worker", 2))
    gaps = [after[0] - before[0] for before, after in lines if after[3] is None]
    assert gaps
    assert all(3 * STEP < gap < 3 * STEP + timedelta(seconds=3) for gap in gaps)


def test_every_event_is_read_once(diary: list[Any]) -> None:
    sent = [line[2] for line in said(diary, "event")]
    read = [
        entry
        for name in ("reader 0", "reader 1")
        for line in said(diary, name)
        for _, entries in line[2] or []
        for entry, _ in entries
    ]
    assert sorted(read) == sorted(sent)
