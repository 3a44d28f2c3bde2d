"""A server and the processes that are forked from its own."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import socket
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

import pyredmem
from pyredmem.client.forks import ForeignServerError
from pyredmem.client.server import Server
from tests.support.without import environment

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # Python 3.12 warns of threads, which a listener has; that the child gets on without them is what is tested.
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]

FOREIGN = "this server belongs to the process that was forked"
SECONDS = 20.0


def in_child(action: Callable[[], object]) -> None:
    """Run this in a forked process. It must end well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def refused(client: Any) -> None:
    with pytest.raises(redis.ConnectionError, match=FOREIGN):
        client.ping()


def test_a_client_from_before_the_fork_gets_a_clear_error(server: Server) -> None:
    client = server.client()
    client.set("a", "1")
    in_child(lambda: refused(client))
    assert client.get("a") == b"1"


def test_a_connection_that_was_in_use_does_not_come_back_in_the_child(server: Server) -> None:
    client = server.client()
    client.ping()
    pool: Any = client.connection_pool
    (connection,) = pool._available_connections
    pool._available_connections.remove(connection)
    pool._in_use_connections.add(connection)

    def give_back() -> None:
        pool.release(connection)
        assert pool._available_connections == []
        assert pool.pid == os.getpid()

    in_child(give_back)
    pool.release(connection)
    assert client.ping()


def test_so_does_a_new_client(server: Server) -> None:
    in_child(lambda: refused(server.client()))


def test_so_does_a_client_with_a_single_connection(server: Server) -> None:
    client = server.client(single_connection_client=True, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 3))
    in_child(lambda: refused(client))
    assert client.ping()


def test_redis_py_does_not_try_again_for_long(server: Server) -> None:
    for_ever = redis.retry.Retry(redis.backoff.ConstantBackoff(0.001), -1)
    in_child(lambda: refused(server.client(retry=for_ever)))


def test_so_does_an_asyncio_client(server: Server) -> None:
    async def use() -> None:
        async with server.async_client() as client:
            with pytest.raises(redis.ConnectionError, match=FOREIGN):
                await client.ping()

    in_child(lambda: asyncio.run(use()))


def test_so_does_a_client_at_a_patched_address() -> None:
    with pyredmem.patch():
        client = redis.Redis()
        assert client.ping()
        in_child(lambda: refused(client))
        in_child(lambda: refused(redis.Redis()))
        assert client.ping()


@pytest.mark.parametrize(
    "use",
    [
        lambda server: server.load({"a": "1"}),
        lambda server: server.dump(),
        lambda server: server.listen(),
        lambda server: server.expect_clean(),
        lambda server: server.clock.freeze(),
    ],
    ids=["load", "dump", "listen", "expect_clean", "clock"],
)
def test_methods_of_the_server_raise_too(server: Server, use: Callable[[Server], object]) -> None:
    def child() -> None:
        with pytest.raises(RuntimeError, match=FOREIGN):
            use(server)

    in_child(child)


def test_a_server_that_only_its_client_keeps_is_foreign_too() -> None:
    client = Server().client()
    in_child(lambda: refused(client))
    assert client.ping()


def test_a_child_does_not_wait_for_a_thread_that_was_inside(server: Server) -> None:
    client = server.client()
    server.driver.enter()
    try:
        in_child(lambda: refused(client))
    finally:
        server.driver.leave()


def test_to_close_things_in_the_child_does_nothing_to_the_parent(server: Server, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    listeners = [server.listen(), server.listen(path=path)]
    clients = [redis.Redis.from_url(listener.url) for listener in listeners]
    local = server.client()
    for client in [*clients, local]:
        client.ping()

    def child() -> None:
        local.close()
        for listener in listeners:
            listener.close()
        server.close()
        server.close()

    in_child(child)
    for client in [*clients, local]:
        assert client.ping()
        client.close()
    for listener in listeners:  # new connections
        with redis.Redis.from_url(listener.url) as client:
            assert client.ping()


@pytest.mark.parametrize("missing", ["nothing", "uvloop"])
def test_a_child_that_is_finalized_does_nothing_to_the_parent(missing: str) -> None:
    script = """
import os, sys, warnings
import redis
import pyredmem
warnings.simplefilter("ignore", DeprecationWarning)
server = pyredmem.Server()
listener = server.listen()
client = redis.Redis.from_url(listener.url, retry=None)
client.ping()
local = server.client()
local.ping()
child = os.fork()
if child == 0:
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
print(client.ping(), local.ping(), redis.Redis.from_url(listener.url).ping())
server.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(missing),
        timeout=60,
        check=False,
    )
    assert done.stdout == "True True True\n", done.stderr
    assert not done.stderr


@contextmanager
def living_child() -> Iterator[None]:
    """A forked process that does nothing."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        here.close()
        there.recv(1)
        os._exit(0)
    there.close()
    try:
        yield
    finally:
        here.close()
        os.waitpid(child, 0)


def test_connections_and_ports_end_with_the_parents_listener_while_a_child_lives(server: Server) -> None:
    listener = server.listen()
    with socket.create_connection((listener.host, listener.port), SECONDS) as raw:
        raw.sendall(b"PING\r\n")
        assert raw.recv(100) == b"+PONG\r\n"
        with living_child():
            listener.close()
            assert raw.recv(100) == b""
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((listener.host, listener.port), SECONDS)


def test_a_child_can_have_servers_of_its_own(server: Server) -> None:
    def child() -> None:
        with Server() as own:
            assert own.client().incr("visits") == 1
            with redis.Redis.from_url(own.listen().url) as client:
                assert client.incr("visits") == 2
            in_child(lambda: refused(own.client()))

    server.client().incr("visits")
    in_child(child)
    assert server.client().get("visits") == b"1"


def count_visit(url: str) -> int:
    """What processes run; at the head of the module, so that it can be sent to them."""
    with redis.Redis.from_url(url) as client:
        return int(client.incr("visits"))


def use_forked(server: Server) -> str:
    try:
        server.client().ping()
    except redis.ConnectionError as error:
        return str(error)
    return "it worked"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_a_server_by_its_url(server: Server, method: str) -> None:
    url = server.listen().url
    context: Any = multiprocessing.get_context(method)
    processes = [context.Process(target=count_visit, args=(url,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        assert process.exitcode == 0
    assert server.client().get("visits") == b"2"


def test_a_pool_of_processes_shares_a_server_by_its_url(server: Server) -> None:
    url = server.listen().url
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        assert sorted(pool.map(count_visit, [url] * 4)) == [1, 2, 3, 4]


def test_the_error_comes_back_from_a_pool_of_processes() -> None:
    error = ForeignServerError("why")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        returned = pool.submit(raise_it, error).exception(SECONDS)
    assert isinstance(returned, ForeignServerError)
    assert str(returned) == "why"


def raise_it(error: Exception) -> None:
    raise error


def test_a_server_does_not_outlive_its_last_user() -> None:
    """What watches for forks must not keep it."""
    server = Server()
    gone = weakref.ref(server.engine.core.host)
    server.close()
    del server
    gc.collect()
    assert gone() is None
