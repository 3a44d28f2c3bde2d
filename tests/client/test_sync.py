"""redis-py's clients over a server inside the process."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.server import Server
from pyredmem.client.sync import LocalConnection
from tests.support.wire import request

SECONDS = 20.0


def in_thread(action: Callable[[], Any]) -> Callable[[], Any]:
    """Run an action in a thread; the result is a function that waits for its value, or raises its error."""
    values: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(action())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> Any:
        thread.join(SECONDS)
        assert not thread.is_alive()
        if errors:
            raise errors[0]
        return values[0]

    return result


def wait_for_blocked(server: Server, count: int) -> None:
    """Wait until so many clients are blocked."""
    deadline = time.monotonic() + SECONDS
    while server.blocked_clients < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_client_is_genuine(server: Server) -> None:
    client = server.client()
    assert type(client) is redis.Redis
    assert isinstance(client.connection_pool, redis.ConnectionPool)
    assert client.ping() is True


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_are_those_of_the_protocol(server: Server, protocol: int) -> None:
    client = server.client(protocol=protocol, decode_responses=True)
    client.hset("h", mapping={"a": 1, "b": 2})
    assert client.hgetall("h") == {"a": "1", "b": "2"}
    assert client.client_info()["resp"] == str(protocol)


def test_servers_are_isolated(server: Server) -> None:
    with Server() as other:
        server.client().set("k", "here")
        assert other.client().get("k") is None


def test_clients_of_one_server_share_its_data(server: Server) -> None:
    server.client().set("k", "v")
    assert server.client(db=0).get("k") == b"v"
    assert server.client(db=1).get("k") is None


def test_settings_are_those_of_redis_conf() -> None:
    with Server(maxmemory="2mb", maxmemory_policy="allkeys-lru", databases=4) as server:
        client = server.client()
        assert client.config_get("maxmemory*") == {
            "maxmemory": "2097152",
            "maxmemory-policy": "allkeys-lru",
            "maxmemory-samples": "5",
            "maxmemory-clients": "0",
            "maxmemory-eviction-tenacity": "10",
        }
        with pytest.raises(redis.ResponseError, match="DB index is out of range"):
            server.client(db=4).ping()


def test_replies_longer_than_the_buffer_of_redis_py_arrive_whole(server: Server) -> None:
    client = server.client()
    value = bytes(range(256)) * 4096
    client.set("k", value)
    assert client.get("k") == value
    client.rpush("l", *range(50_000))
    assert client.lrange("l", 0, -1) == [b"%d" % number for number in range(50_000)]


def test_arguments_are_sent_from_any_buffer(server: Server) -> None:
    """redis-py's packer in Python gives a memoryview to the socket as it is."""
    value = b"v" * 100
    local = LocalSocket(server.driver, "localhost", 6379, SECONDS)
    head = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n"
    for part in (bytearray(head), memoryview(value), memoryview(b"\r\n")):
        local.sendall(part)
    assert local.recv(100) == b"+OK\r\n"
    local.close()
    assert server.client().get("k") == value


def test_long_pipelines(server: Server) -> None:
    with server.client().pipeline(transaction=False) as pipeline:
        for number in range(20_000):
            pipeline.set(f"k{number}", "v" * 100)
            pipeline.get(f"k{number}")
        replies = pipeline.execute()
    assert replies == [True, b"v" * 100] * 20_000


def test_a_watched_key_that_changes_ends_the_transaction(server: Server) -> None:
    client, other = server.client(), server.client()
    with client.pipeline() as pipeline:
        pipeline.watch("k")
        other.set("k", "1")
        pipeline.multi()
        pipeline.set("k", "2")
        with pytest.raises(redis.WatchError):
            pipeline.execute()


def test_transactions_are_tried_until_no_watched_key_changes(server: Server) -> None:
    client, other = server.client(), server.client()
    seen: list[Any] = []

    def append(pipeline: Any) -> None:
        seen.append(pipeline.get("k"))
        if len(seen) < 3:
            other.append("k", "x")
        pipeline.multi()
        pipeline.append("k", "!")

    assert client.transaction(append, "k") == [3]
    assert seen == [None, b"x", b"xx"]


def test_a_blocking_pop_gets_what_another_thread_pushes(server: Server) -> None:
    popped = in_thread(lambda: server.client().blpop(["q"], timeout=0))
    wait_for_blocked(server, 1)
    server.client().rpush("q", "v")
    assert popped() == (b"q", b"v")


def test_blocked_threads_are_served_in_the_order_in_which_they_came(server: Server) -> None:
    popped = []
    for number in range(5):
        popped.append(in_thread(lambda: server.client().blpop(["q"], timeout=0)))
        wait_for_blocked(server, number + 1)
    server.client().rpush("q", *range(5))
    assert [pop()[1] for pop in popped] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_blocking_pop_ends_at_its_timeout(server: Server) -> None:
    started = time.monotonic()
    assert server.client().blpop(["q"], timeout=0.2) is None
    assert time.monotonic() - started >= 0.2


def test_several_blocked_threads_each_end_at_their_own_timeout(server: Server) -> None:
    """The leader leaves first, so another thread has to look at the time from then on."""
    pops = [in_thread(partial(server.client().blpop, ["q"], timeout=seconds)) for seconds in (0.1, 0.4)]
    assert [pop() for pop in pops] == [None, None]


def test_a_socket_timeout_is_redis_py_s_error(server: Server) -> None:
    client = server.client(socket_timeout=0.05, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.TimeoutError):
        client.blpop(["q"], timeout=0)
    assert client.ping()
    assert len(client.client_list()) == 1


def test_pubsub(server: Server) -> None:
    client = server.client(decode_responses=True)
    with client.pubsub() as pubsub:
        pubsub.subscribe("c")
        assert pubsub.get_message(timeout=SECONDS)["type"] == "subscribe"
        assert pubsub.get_message(timeout=0.01) is None
        assert client.publish("c", "hello") == 1
        assert pubsub.get_message()["data"] == "hello"
    assert client.publish("c", "nobody") == 0


def test_a_pubsub_thread_hears_messages(server: Server) -> None:
    heard: list[Any] = []
    arrived = threading.Event()

    def hear(message: Any) -> None:
        heard.append(message["data"])
        arrived.set()

    client = server.client()
    pubsub = client.pubsub()
    pubsub.subscribe(c=hear)
    thread = pubsub.run_in_thread(sleep_time=0.01)
    try:
        client.publish("c", "one")
        assert arrived.wait(SECONDS)
    finally:
        thread.stop()
        thread.join(SECONDS)
    assert heard == [b"one"]


def test_keys_expire_while_a_subscriber_waits(server: Server) -> None:
    """Nobody looks at the key: the thread that waits for messages lets the time pass."""
    client = server.client(decode_responses=True)
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub() as pubsub:
        pubsub.psubscribe("__keyevent@0__:expired")
        pubsub.get_message(timeout=SECONDS)
        client.set("k", "v", px=50)
        assert pubsub.get_message(timeout=SECONDS)["data"] == "k"


def test_locks(server: Server) -> None:
    client = server.client()
    with client.lock("l", timeout=10):
        assert not client.lock("l", blocking=False).acquire()
        waiting = in_thread(lambda: server.client().lock("l", sleep=0.01).acquire(blocking_timeout=SECONDS))
    assert waiting()


def test_the_client_side_cache_of_redis_py(server: Server) -> None:
    cache = pytest.importorskip("redis.cache")
    if redis.utils.HIREDIS_AVAILABLE and not hasattr(redis.connection.DefaultParser, "set_invalidation_push_handler"):
        pytest.skip("this redis-py has no cache with hiredis")
    client = server.client(protocol=3, cache_config=cache.CacheConfig(max_size=10))
    other = server.client()
    other.set("k", "one")
    assert [client.get("k"), client.get("k")] == [b"one", b"one"]
    assert server.engine.statistics.of(server.engine.commands.commands[b"get"]).calls() == 1
    other.set("k", "two")
    assert client.get("k") == b"two"


def test_monitor(server: Server) -> None:
    client = server.client()
    with client.monitor() as monitor:
        server.client().set("k", "v")
        assert next(line for line in monitor.listen() if line["command"].startswith("SET"))["command"] == "SET k v"


def test_a_single_connection_client(server: Server) -> None:
    client = server.client(single_connection_client=True)
    assert type(client.connection) is LocalConnection
    client.client_setname("me")
    assert client.client_getname() == "me"
    assert client.info("stats")["total_connections_received"] == 1
    client.close()
    if redis.__version__ == "5.0.0":  # there it leaves the connection to the pool
        client.connection_pool.disconnect()
    assert len(server.engine.sessions) == 0


def test_a_blocking_pool_waits_for_a_free_connection(server: Server) -> None:
    pool = redis.BlockingConnectionPool(
        max_connections=1, timeout=1, connection_class=LocalConnection, driver=server.driver
    )
    client = redis.Redis(connection_pool=pool)
    with client.pubsub() as pubsub:
        pubsub.subscribe("c")
        waiting = in_thread(client.ping)
    assert waiting()


def test_from_url_with_the_connection_class(server: Server) -> None:
    client = redis.Redis.from_url("redis://app@db:7000/3", connection_class=LocalConnection, driver=server.driver)
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    client = redis.Redis.from_url("redis://db:7000/3", connection_class=LocalConnection, driver=server.driver)
    client.set("k", "v")
    assert server.client(db=3).get("k") == b"v"


def test_a_killed_client_connects_again(server: Server) -> None:
    client, other = server.client(), server.client()
    number = client.client_id()
    assert other.client_kill_filter(_id=str(number)) == 1
    assert client.ping()
    assert client.client_id() != number


def test_a_blocked_client_that_is_killed_sees_the_end_of_its_connection(server: Server) -> None:
    client = server.client(retry=Retry(NoBackoff(), 0))
    number = client.client_id()
    waiting = in_thread(lambda: client.blpop(["q"], timeout=0))
    wait_for_blocked(server, 1)
    server.client().client_kill_filter(_id=str(number))
    with pytest.raises(redis.ConnectionError):
        waiting()


def test_health_checks(server: Server) -> None:
    client = server.client(health_check_interval=1)
    client.set("k", "v")
    for connection in client.connection_pool._available_connections:
        connection.next_health_check = 0
    assert client.get("k") == b"v"
    assert server.engine.statistics.of(server.engine.commands.commands[b"ping"]).calls() >= 1


def test_clients_authenticate() -> None:
    with Server(requirepass="secret") as server:
        assert server.client(password="secret").ping()
        never = Retry(NoBackoff(), 0)
        with pytest.raises(redis.AuthenticationError):
            server.client(password="wrong", retry=never).ping()
        with pytest.raises(redis.AuthenticationError):
            server.client(retry=never).ping()


def test_a_closed_connection_leaves_the_client_list(server: Server) -> None:
    clients = [server.client() for _ in range(5)]
    for client in clients:
        client.ping()
    for client in clients[1:]:
        client.connection_pool.disconnect()
    assert len(clients[0].client_list()) == 1


def test_a_dropped_client_leaves_the_client_list(server: Server) -> None:
    server.client().ping()
    gc.collect()
    assert len(server.client().client_list()) == 1


def test_the_memory_limit_refuses_writes() -> None:
    with Server(maxmemory=1) as server, pytest.raises(redis.exceptions.OutOfMemoryError):
        server.client().set("k", "v")


def test_messages_that_nobody_reads_are_limited() -> None:
    with Server(client_output_buffer_limit="pubsub 100kb 0 0", redis_version="redis-7.4") as server:
        client = server.client()
        with client.pubsub() as pubsub:
            pubsub.subscribe("c")
            sent = 0
            while client.publish("c", "x" * 1000):
                sent += 1
            assert 80 <= sent <= 110
            assert client.info("clients")["connected_clients"] == 1
            assert client.info("stats")["client_output_buffer_limit_disconnections"] == 1


def test_a_closed_server_disconnects_its_clients() -> None:
    server = Server()
    client = server.client(retry=Retry(NoBackoff(), 0))
    waiting = in_thread(lambda: server.client(retry=Retry(NoBackoff(), 0)).blpop(["q"], timeout=0))
    wait_for_blocked(server, 1)
    client.ping()
    server.close()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    with pytest.raises(redis.ConnectionError):
        waiting()


def test_an_exception_in_a_thread_that_waits_leaves_the_server_usable(server: Server) -> None:
    """As when Control-C ends a blocking pop."""
    server.clock.freeze()  # it does nothing but wait
    client = server.client()

    class InterruptError(BaseException):
        pass

    def interrupt(*_: Any) -> None:
        raise InterruptError

    old = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(InterruptError):
            client.blpop(["q"], timeout=0)
    finally:
        signal.signal(signal.SIGALRM, old)
    server.client().rpush("q", "v")
    assert client.lrange("q", 0, -1) == [b"v"]


def test_an_exception_out_of_what_is_due_leaves_a_server_that_waits_usable(server: Server) -> None:
    """As when Control-C comes while a thread that waits lets another client's timeout pass."""

    class InterruptError(BaseException):
        pass

    def interrupt() -> None:
        raise InterruptError

    server.driver.enter()
    session = server.driver.open_session(1)
    session.receive(request("BLPOP", "other", "0.05"))
    session.on_output = interrupt
    server.driver.leave()
    with pytest.raises(InterruptError):
        server.client().blpop(["q"], timeout=0)
    assert server.client().ping()
    server.driver.forget(session)


def test_exceptions_while_another_thread_is_inside_leave_the_server_usable(server: Server) -> None:
    """As when Control-C is pressed again and again, until a thread that waited gets in again."""
    server.clock.freeze()

    class InterruptError(BaseException):
        pass

    interrupts = threading.Semaphore(0)

    def interrupt(*_: Any) -> None:
        interrupts.release()
        raise InterruptError

    def stay_inside() -> None:
        wait_for_blocked(server, 1)
        server.driver.enter()
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        for _ in range(3):
            assert interrupts.acquire(timeout=SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        server.driver.leave()

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        staying = in_thread(stay_inside)
        with pytest.raises(InterruptError):
            server.client().blpop(["q"], timeout=0)
        staying()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert server.client().ping()


def test_many_threads_lose_nothing(server: Server) -> None:
    def work(number: int) -> bool:
        client = server.client()
        for step in range(100):
            client.incr("count")
            client.rpush("l", f"{number}:{step}")
        return True

    workers = [in_thread(partial(work, number)) for number in range(8)]
    assert all(worker() for worker in workers)
    client = server.client()
    assert client.get("count") == b"800"
    assert len(set(client.lrange("l", 0, -1))) == 800
