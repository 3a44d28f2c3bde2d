"""Faults as tests ask for them, seen by redis-py inside the process, in an event loop, and over TCP."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

import pyredmem
from pyredmem.client.faults import StateName
from pyredmem.client.server import Server
from tests.client.conftest import check
from tests.client.test_sync import SECONDS, in_thread

#: redis-py tries again when a connection is lost, unless it is told not to.
ONCE = Retry(NoBackoff(), 0)
ASYNC_ONCE = AsyncRetry(NoBackoff(), 0)

#: What tells redis-py to try again, in releases before 6.0 too.
ONCE_MORE: dict[str, Any] = {"retry": Retry(NoBackoff(), 1), "retry_on_error": [redis.ConnectionError]}


@pytest.fixture(name="connect", params=["inside", "tcp"])
def fixture_connect(request: pytest.FixtureRequest, server: Server) -> Iterator[Callable[..., redis.Redis]]:
    """A function that makes a client, which does not try again unless it is told to."""
    clients: list[redis.Redis] = []

    def connect(**options: Any) -> redis.Redis:
        options.setdefault("retry", ONCE)
        if request.param == "tcp":
            client = redis.Redis(port=server.listen().port, **options)
        else:
            client = server.client(**options)
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()


def wait_for_delayed(server: Server, count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while server.faults.delayed < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


# Errors.


def test_an_error_reply(server: Server, connect: Callable[..., redis.Redis]) -> None:
    fault = server.faults.error("GET", "ERR oops", key="user:*", times=2)
    client = connect()
    assert client.get("other") is None
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="oops"):
            client.get("user:1")
    assert client.get("user:1") is None
    assert fault.fired == 2


def test_an_error_reply_of_a_subcommand(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = connect()
    with server.faults.error("config get", "ERR no config"), pytest.raises(redis.ResponseError, match="no config"):
        client.config_get("port")
    assert client.config_get("port")


def test_the_name_of_a_container_means_all_its_subcommands(server: Server) -> None:
    server.faults.error("CONFIG", "ERR no config")
    client = server.client()
    with pytest.raises(redis.ResponseError, match="no config"):
        client.config_get("port")
    with pytest.raises(redis.ResponseError, match="no config"):
        client.config_resetstat()


def test_an_error_in_a_pipeline_hits_one_command(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.faults.error(["LPUSH", "RPUSH"], "ERR oops", times=1)
    pipeline = connect().pipeline(transaction=False)
    pipeline.set("a", 1)
    pipeline.rpush("q", 1)
    pipeline.rpush("q", 2)
    replies = pipeline.execute(raise_on_error=False)
    assert replies[0] is True
    assert isinstance(replies[1], redis.ResponseError)
    assert replies[2] == 1


def test_an_error_in_a_transaction_discards_it(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.faults.error("INCRBY", "ERR oops", times=1)
    client = connect()
    pipeline = client.pipeline()
    pipeline.set("a", 1)
    pipeline.incr("n")
    with pytest.raises(redis.ResponseError):
        pipeline.execute()
    assert client.exists("a") == 0


def test_only_the_client_of_a_name_is_hit(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.faults.error("PING", "ERR oops", client="worker")
    assert connect().ping()
    with pytest.raises(redis.ResponseError):
        connect(client_name="worker").ping()


async def test_an_error_in_an_event_loop(server: Server) -> None:
    server.faults.error("GET", "WRONGTYPE oops", times=1)
    async with server.async_client() as client:
        with pytest.raises(redis.ResponseError, match="oops"):
            await client.get("k")
        assert await client.get("k") is None


# Lost connections.


@pytest.mark.parametrize(("when", "value"), [("before", None), ("after", b"v"), ("reply", b"v")])
def test_a_lost_connection(server: Server, connect: Callable[..., redis.Redis], when: Any, value: bytes | None) -> None:
    client = connect()
    client.ping()
    with server.faults.drop("SET", when=when, times=1) as fault, pytest.raises(redis.ConnectionError):
        client.set("k", "v")
    assert client.get("k") == value
    assert fault.fired == 1


def test_a_client_that_tries_again_does_not_notice(server: Server, connect: Callable[..., redis.Redis]) -> None:
    fault = server.faults.drop("INCRBY", when="after", times=1)
    client = connect(**ONCE_MORE)
    assert client.incr("n") == 2
    assert fault.fired == 1


def test_every_second_connection_is_lost(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = connect()
    server.faults.drop("PING", every=2)
    outcomes: list[bool] = []
    for _ in range(6):
        try:
            outcomes.append(client.ping())
        except redis.ConnectionError:
            outcomes.append(False)
    assert outcomes == [True, False] * 3


def test_a_blocked_client_loses_what_it_has_popped(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.faults.drop("BLPOP", when="after")
    popped = in_thread(lambda: connect().blpop(["q"], timeout=0))
    deadline = time.monotonic() + SECONDS
    while server.blocked_clients < 1:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    server.client().rpush("q", "v")
    with pytest.raises(redis.ConnectionError):
        popped()
    assert server.client().llen("q") == 0


@pytest.mark.parametrize("when", ["before", "after", "reply"])
async def test_a_lost_connection_in_an_event_loop(server: Server, when: Any) -> None:
    async with server.async_client(retry=ASYNC_ONCE) as client:
        await client.ping()
        server.faults.drop("SET", when=when, times=1)
        with pytest.raises(redis.ConnectionError):
            await client.set("k", "v")
        assert await client.get("k") == (None if when == "before" else b"v")


def test_a_long_script_whose_reply_is_lost(connect: Callable[..., redis.Redis], server: Server) -> None:
    """It is suspended meanwhile, so its end comes from elsewhere."""
    client = connect()
    client.config_set("busy-reply-threshold", 1)
    server.faults.drop("EVAL", when="after")
    with pytest.raises(redis.ConnectionError):
        client.eval("redis.call('SET', 'k', 'v') for i = 1, 3e6 do end", 1, "k")
    assert client.get("k") == b"v"


def test_a_subscription_whose_reply_is_cut_off(connect: Callable[..., redis.Redis], server: Server) -> None:
    server.faults.drop("SUBSCRIBE", when="reply", sent=10, times=1)
    with connect().pubsub() as pubsub:
        pubsub.subscribe("c")
        with pytest.raises(redis.ConnectionError):
            pubsub.get_message(timeout=SECONDS)


def test_code_under_test_meets_faults_too() -> None:
    with pyredmem.patch() as server:
        client = redis.Redis(retry=ONCE)
        client.ping()
        server.faults.drop("SET", times=1)
        with pytest.raises(redis.ConnectionError):
            client.set("k", "v")
        assert client.set("k", "v")


def test_threads_that_try_again_lose_nothing(connect: Callable[..., redis.Redis], server: Server) -> None:
    server.faults.drop("INCRBY", probability=0.1)
    server.faults.delay("INCRBY", 0.001, every=7)
    server.faults.refuse_connections(every=5)

    def at_last(command: Callable[[], object]) -> object:
        """Before redis-py 8, a client does not try again if its connection is lost while it connects."""
        return Retry(NoBackoff(), 50).call_with_retry(command, lambda _error: None)

    def count() -> int:
        client = connect(retry=Retry(NoBackoff(), 50))
        return len([at_last(lambda: client.incr("n")) for _ in range(50)])

    counts = [in_thread(count) for _ in range(8)]
    assert sum(done() for done in counts) == 400
    client = server.client(retry=Retry(NoBackoff(), 50))
    assert at_last(lambda: client.get("n")) == b"400"
    assert server.faults.delayed == 0
    server.faults.check_all_fired()


# Delays.


def test_a_delay_is_in_the_time_of_the_server(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.clock.freeze()
    fault = server.faults.delay("GET", timedelta(hours=1))
    server.client().set("k", "v")
    got = in_thread(lambda: connect().get("k"))
    wait_for_delayed(server, 1)
    server.client().set("k", "later")
    server.clock.advance(3599)
    assert server.faults.delayed == 1
    server.clock.advance(1)
    assert got() == b"later"
    assert fault.fired == 1


def test_a_client_gives_up_waiting(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.clock.freeze()
    server.faults.delay("GET", 10)
    with pytest.raises(redis.TimeoutError):
        connect(socket_timeout=0.05).get("k")


def test_a_delay_in_real_time_ends_by_itself(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.faults.delay("GET", 0.02)
    start = time.monotonic()
    assert connect().get("k") is None
    assert time.monotonic() - start >= 0.02


def test_clients_go_on_when_a_delay_is_removed(server: Server, connect: Callable[..., redis.Redis]) -> None:
    server.clock.freeze()
    with server.faults.delay("GET", 10):
        got = in_thread(lambda: connect().get("k"))
        wait_for_delayed(server, 1)
    assert got() is None


def test_a_delayed_client_learns_that_the_server_is_closed() -> None:
    with Server() as server:
        server.clock.freeze()
        fault = server.faults.delay("GET", 10)
        got = in_thread(lambda: server.client(retry=ONCE).get("k"))
        wait_for_delayed(server, 1)
        check(server)
    with pytest.raises(redis.ConnectionError):
        got()
    fault.remove()


def test_a_delay_obeys_the_time_of_python() -> None:
    with Server(obeys_python_time=True) as server:
        server.faults.delay("GET", 0.02)
        start = time.monotonic()
        assert server.client().get("k") is None
        assert time.monotonic() - start >= 0.01


async def test_other_tasks_are_served_during_a_delay(server: Server) -> None:
    server.clock.freeze()
    server.faults.delay("GET", 60, times=1)
    async with server.async_client() as client:
        got: asyncio.Future[object] = asyncio.ensure_future(client.get("k"))
        while server.faults.delayed == 0:
            await asyncio.sleep(0)
        await client.set("k", "v")
        assert await client.get("k") == b"v"
        assert not got.done()
        server.clock.advance(60)
        assert await got == b"v"


# Slow readers.


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_slow_reader_gets_its_output_when_it_reads_again(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = server.client()
    client.set("k", "v" * 100_000)
    with server.faults.slow_reader("GET") as fault:
        got = in_thread(lambda: connect(client_name="slow").get("k"))
        wait_until(lambda: fault.fired == 1)
        waiting = [one for one in client.client_list() if one["name"] == "slow"]
        assert int(waiting[0]["omem"]) > 80_000
    assert got() == b"v" * 100_000


def test_a_subscriber_that_reads_slowly_is_disconnected(server: Server, connect: Callable[..., redis.Redis]) -> None:
    publisher = server.client()
    publisher.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
    with connect().pubsub() as pubsub:
        pubsub.subscribe("c")
        assert pubsub.get_message(timeout=SECONDS)
        server.faults.slow_reader("PING")
        pubsub.ping()
        wait_until(lambda: len(server.faults.hits) == 1)
        sent = 0
        while publisher.publish("c", "m" * 10_000):
            sent += 1
        assert 80 < sent < 120
        with pytest.raises(redis.ConnectionError):
            pubsub.get_message(timeout=SECONDS)
    assert publisher.info("stats")["client_output_buffer_limit_disconnections"] == 1


async def test_a_slow_reader_in_an_event_loop(server: Server) -> None:
    async with server.async_client(retry=ASYNC_ONCE) as client:
        await client.set("k", "v" * 100_000)
        with server.faults.slow_reader("GET", times=1):
            got: asyncio.Future[object] = asyncio.ensure_future(client.get("k"))
            await asyncio.sleep(0.01)
            assert not got.done()
        assert await got == b"v" * 100_000


def test_a_slow_reader_learns_that_the_server_is_closed() -> None:
    with Server() as server:
        server.faults.slow_reader("GET")
        got = in_thread(lambda: server.client(retry=ONCE).get("k"))
        wait_until(lambda: len(server.faults.hits) == 1)
    with pytest.raises(redis.ConnectionError):
        got()


# States.


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("busy", redis.ResponseError),
        ("loading", redis.exceptions.BusyLoadingError),
        ("masterdown", redis.ResponseError),
        ("misconf", redis.ResponseError),
        ("noauth", redis.AuthenticationError),
        ("noreplicas", redis.ResponseError),
        ("oom", redis.exceptions.OutOfMemoryError),
        ("readonly", redis.exceptions.ReadOnlyError),
    ],
)
def test_a_state_is_over_at_the_end_of_the_block(
    server: Server, connect: Callable[..., redis.Redis], name: StateName, error: type[Exception]
) -> None:
    client = connect()
    client.ping()
    with server.faults.state(name), pytest.raises(error):
        client.set("k", "v")
    assert client.set("k", "v")


def test_replicas_can_be_read(server: Server, connect: Callable[..., redis.Redis]) -> None:
    with server.faults.state("readonly"):
        assert connect().get("k") is None


def test_clients_are_redirected(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = connect()
    with server.faults.moved("127.0.0.1:7001"), pytest.raises(redis.ResponseError) as moved:
        client.get("foo")
    assert redirection(moved.value) == "MOVED 12182 127.0.0.1:7001"
    with server.faults.ask("127.0.0.1:7001", 12182), pytest.raises(redis.ResponseError) as asked:
        client.get("foo")
    assert redirection(asked.value) == "ASK 12182 127.0.0.1:7001"


def redirection(error: redis.ResponseError) -> str:
    """The error that the server sent. Since redis-py 6.0 its first word is the class."""
    words: dict[type, str] = {redis.exceptions.MovedError: "MOVED ", redis.exceptions.AskError: "ASK "}
    return words.get(type(error), "") + str(error)


# Connections.


def test_too_many_clients(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = connect()
    client.ping()
    with server.faults.max_clients() as fault:
        with pytest.raises(redis.ConnectionError):
            connect().ping()
        assert client.ping()
    assert fault.fired >= 1
    assert connect().ping()


def test_refused_connections(server: Server, connect: Callable[..., redis.Redis]) -> None:
    client = connect()
    client.ping()
    with server.faults.refuse_connections():
        assert client.ping()
        with pytest.raises(redis.ConnectionError):
            connect().ping()
    with server.faults.refuse_connections(drop_existing=True), pytest.raises(redis.ConnectionError):
        client.ping()
    assert client.ping()


def test_a_client_that_tries_again_connects_at_last(server: Server) -> None:
    fault = server.faults.refuse_connections(times=2)
    retry = Retry(NoBackoff(), 2, supported_errors=(OSError, redis.ConnectionError))  # before redis-py 8: OSError
    assert server.client(retry=retry).ping()
    assert fault.fired == 2


async def test_refused_connections_in_an_event_loop(server: Server) -> None:
    async with server.async_client(retry=ASYNC_ONCE) as client:
        await client.ping()
        with server.faults.refuse_connections(drop_existing=True), pytest.raises(redis.ConnectionError):
            await client.ping()
        assert await client.ping()


# Memory.


def test_full_memory_evicts_keys() -> None:
    with Server(maxmemory="8mb", maxmemory_policy="allkeys-lru") as server:
        server.clock.freeze()  # else the timer may change the clients' buffers between two replies
        client = server.client()
        client.info("stats")  # the first call of each command takes memory for its histogram
        client.dbsize()
        for number in range(100):
            client.set(f"k{number}", "v" * 1000)
        with server.faults.fill_memory():
            check(server)
            client.set("new", "v" * 5000)
            evicted = client.info("stats")["evicted_keys"]
            assert 5 <= evicted <= 20
            assert client.dbsize() == 101 - evicted
        check(server)
        assert client.info("memory")["used_memory"] < 4_000_000


def test_full_memory_refuses_writes_if_nothing_is_evicted() -> None:
    with Server(maxmemory="8mb") as server:
        client = server.client()
        with server.faults.fill_memory(), pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("k", "v")
        assert client.set("k", "v")
        with server.faults.fill_memory(leave=100_000):
            assert client.set("k", "v")
        check(server)


def test_memory_without_a_limit_cannot_be_filled(server: Server) -> None:
    with pytest.raises(ValueError, match="maxmemory is not set"):
        server.faults.fill_memory()


def test_keys_are_evicted_on_demand(server: Server) -> None:
    client = server.client(decode_responses=True)
    client.config_set("notify-keyspace-events", "Ee")
    client.mset({"a": 1, "b": 2, "c": 3})
    client.expire("b", 100)
    with client.pubsub() as pubsub:
        pubsub.subscribe("__keyevent@0__:evicted")
        pubsub.get_message(timeout=SECONDS)
        assert server.faults.evict("a", "b", "missing") == 2
        assert [pubsub.get_message(timeout=SECONDS)["data"] for _ in range(2)] == ["a", "b"]
    assert client.keys() == ["c"]
    assert client.info("stats")["evicted_keys"] == 2


def test_keys_of_another_database_are_evicted(server: Server) -> None:
    server.client(db=3).set("k", "v")
    assert server.faults.evict("k") == 0
    assert server.faults.evict("k", db=3) == 1


# Reports.


def test_a_fault_that_never_fired_is_named(server: Server) -> None:
    server.faults.error("GET", "ERR oops", key="user:*", times=2)
    server.faults.drop("SET", when="after")
    client = server.client(retry=ONCE)
    with pytest.raises(
        AssertionError, match=r"error\('GET', 'ERR oops', key='user:\*', times=2\).*drop\('SET', 'after'\)"
    ):
        server.faults.check_all_fired()
    with pytest.raises(redis.ResponseError):
        client.get("user:1")
    with pytest.raises(redis.ConnectionError):
        client.set("k", "v")
    server.faults.check_all_fired()


def test_removed_faults_must_have_fired_too(server: Server) -> None:
    with server.faults.state("loading"):
        pass
    with pytest.raises(AssertionError, match=r"state\('loading'\)"):
        server.faults.check_all_fired()


def test_nothing_is_left_after_clear(server: Server) -> None:
    server.faults.error("GET", "ERR oops")
    server.faults.max_clients()
    client = server.client()
    server.faults.clear()
    assert client.get("k") is None
    assert server.faults.hits == []
    server.faults.check_all_fired()


def test_hits_are_listed_in_order(server: Server) -> None:
    server.faults.error("GET", "ERR oops")
    server.faults.state("readonly")
    client = server.client()
    for command in (["GET", "k"], ["SET", "k", "v"]):
        with pytest.raises(redis.ResponseError):
            client.execute_command(*command)
    assert [(hit.title, hit.words) for hit in server.faults.hits] == [
        ("error('GET', 'ERR oops')", [b"GET", b"k"]),
        ("state('readonly')", [b"SET", b"k", b"v"]),
    ]


def test_two_runs_with_one_seed_agree() -> None:
    def run(seed: int) -> list[bool]:
        with Server(seed=seed) as server:
            server.faults.drop("PING", probability=0.3)
            client = server.client(retry=ONCE)
            outcomes: list[bool] = []
            for _ in range(100):
                try:
                    outcomes.append(client.ping())
                except redis.ConnectionError:
                    outcomes.append(False)
            check(server)
            return outcomes

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 40 < sum(run(7)) < 95


# Mistakes.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": 0}, "times must be"),
        ({"skip": -1}, "skip can't"),
        ({"every": 0}, "every must be"),
        ({"probability": 0.0}, "a probability is"),
        ({"probability": 1.5}, "a probability is"),
    ],
)
def test_wrong_options_are_refused(server: Server, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        server.faults.error("GET", "ERR oops", **options)
    server.faults.check_all_fired()


def test_unknown_names_are_refused(server: Server) -> None:
    with pytest.raises(ValueError, match="unknown command 'GETT'"):
        server.faults.error("GETT", "ERR oops")
    with pytest.raises(ValueError, match="no state 'sleepy'"):
        server.faults.state("sleepy")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="when must be"):
        server.faults.drop("GET", when="never")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a text"):
        server.faults.error("GET", "")
    with pytest.raises(ValueError, match="negative"):
        server.faults.delay("GET", -1)
    with pytest.raises(ValueError, match="slots are from"):
        server.faults.moved("127.0.0.1:7001", 16384)


def test_what_the_test_itself_loads_meets_no_faults(server: Server) -> None:
    fault = server.faults.error("*", "ERR out of order")
    server.load({"k": "v"})
    assert server.dump() == {"k": "v"}
    assert fault.fired == 0


# The page.

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
BLOCKS: Final = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if PAGE.exists() else []


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page_runs(number: int) -> None:
    assert "assert" in BLOCKS[number] or "raises" in BLOCKS[number]
    exec(compile(BLOCKS[number], str(PAGE), "exec"), {})
