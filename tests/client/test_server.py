"""A server from its start to its end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from pyredmem.base.build import COMPILED
from pyredmem.client.server import Server
from pyredmem.config.settings import SettingError
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.database_save import DatabaseSave
from pyredmem.keyspace.keyspace import Keyspace


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _alive(kind: type) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


def _new_objects() -> int:
    """How many new objects Python counts when a server, a client and its first command are there."""
    before = gc.get_count()[0]
    with Server(records_commands=True) as server, server.client() as client:
        client.ping()
        return gc.get_count()[0] - before


@pytest.mark.skipif(not COMPILED, reason="Python tracks every object of the interpreted package")
@pytest.mark.usefixtures("no_garbage_collector")
def test_a_test_with_a_server_does_not_make_python_collect_garbage() -> None:
    """Python collects when there are 700 new objects, and most of the tests of a project make some themselves."""
    _new_objects()  # those, too, that last as long as the process
    assert _new_objects() < 560


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_closed_server_needs_no_garbage_collector() -> None:
    before = _alive(Engine), _alive(Keyspace)
    server = Server(records_commands=True)
    client = server.client()
    client.set("key", "value")
    client.eval("return 1", 0)
    client.lpush("list", 1)
    client.config_set("maxmemory", "10mb")
    client.acl_setuser("bob", enabled=True)
    client.close()
    server.close()
    del server
    assert (_alive(Engine), _alive(Keyspace)) == before


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_server_that_is_closed_while_it_saves_needs_no_garbage_collector() -> None:
    before = _alive(Engine), _alive(Keyspace)
    server = Server()
    client = server.client()
    client.sadd("set", *range(5000))
    pipeline = client.pipeline(transaction=False)
    pipeline.bgsave()
    pipeline.srem("set", 1)
    pipeline.execute()  # at once: the save, which goes on when a client comes, has not begun to write
    del pipeline
    assert _alive(DatabaseSave) == 1
    client.close()
    server.close()
    del server
    assert (_alive(Engine), _alive(Keyspace), _alive(DatabaseSave)) == (*before, 0)


@pytest.mark.usefixtures("no_garbage_collector")
def test_the_data_goes_although_a_client_stays() -> None:
    before = _alive(Keyspace)
    with Server() as server:
        client = server.client()
        client.set("key", "value")
    del server
    assert _alive(Keyspace) == before
    with pytest.raises(redis.ConnectionError):
        client.get("key")


@pytest.mark.usefixtures("no_garbage_collector")
async def test_the_data_goes_although_an_asyncio_client_stays() -> None:
    before = _alive(Keyspace)
    with Server() as server:
        client = server.async_client()
        await client.set("key", "value")
    del server
    assert _alive(Keyspace) == before
    with pytest.raises(redis.ConnectionError):
        await client.get("key")


def test_a_server_may_be_closed_twice() -> None:
    server = Server()
    server.close()
    server.close()
    assert server.driver.is_closed


def test_a_closed_server_says_so() -> None:
    with Server() as server:
        pass
    for use in (server.dump, server.expect_clean, lambda: server.load({"a": "b"}), lambda: server.memory.used):
        with pytest.raises(RuntimeError, match="the server is closed"):
            use()
    with pytest.raises(redis.ConnectionError):
        server.client(retry=None).ping()


def test_a_thread_that_waits_learns_that_the_server_is_closed() -> None:
    errors: list[Exception] = []
    server = Server()

    def wait() -> None:
        try:
            server.client(retry=None).blpop("list")
        except redis.ConnectionError as error:
            errors.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while server.client().info("clients")["blocked_clients"] < len(threads):
        pass
    server.close()
    for thread in threads:
        thread.join()
    assert len(errors) == len(threads)


def test_each_client_tells_the_version_of_redis_py() -> None:
    with Server() as server, server.client(decode_responses=True) as client:
        told = client.client_info()
        assert (told["lib-name"], told["lib-ver"]) == ("redis-py", redis.__version__)


@pytest.mark.filterwarnings("ignore:Call to '__init__':DeprecationWarning")  # of redis-py 8
def test_a_client_may_tell_another_library() -> None:
    with Server() as server, server.client(decode_responses=True, lib_name="mine", lib_version="1") as client:
        told = client.client_info()
        assert (told["lib-name"], told["lib-ver"]) == ("mine", "1")


def test_a_closed_server_can_do_nothing_new() -> None:
    with Server() as server:
        pass
    for use in (
        server.listen,
        server.__enter__,
        lambda: server.clock.advance(1),
        server.clock.freeze,
        server.clock.run_real,
        lambda: server.faults.error("GET", "ERR oops"),
        server.faults.refuse_connections,
    ):
        with pytest.raises(RuntimeError, match="the server is closed"):
            use()


def test_a_client_of_a_closed_server_does_not_try_for_long() -> None:
    with Server() as server:
        client = server.client(retry=Retry(ConstantBackoff(0.001), 1_000_000))
        client.ping()
    with pytest.raises(redis.ConnectionError, match="the server is closed"):
        client.ping()


def test_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingError, match="there is no setting maxmemmory; did you mean maxmemory"):
        Server(maxmemmory="5mb")


def test_a_setting_may_have_underscores_in_redis_too() -> None:
    with Server(bio_cpulist="0-1", redis_version="7.2.4") as server:
        assert server.client(decode_responses=True).config_get("bio_cpulist") == {"bio_cpulist": "0-1"}


def test_true_and_false_are_yes_and_no() -> None:
    with Server(appendonly=False, lazyfree_lazy_expire=True) as server:
        assert server.client(decode_responses=True).config_get("lazyfree-lazy-expire") == {
            "lazyfree-lazy-expire": "yes"
        }


@pytest.mark.parametrize("moment", ["2030-01-01", 1.5])
def test_a_moment_is_a_datetime(moment: Any) -> None:
    with Server() as server:
        with pytest.raises(TypeError, match="a moment is a datetime"):
            server.clock.freeze(moment)
        with pytest.raises(TypeError, match="a moment is a datetime"):
            Server(frozen_at=moment)


def test_time_begins_in_1970() -> None:
    with Server() as server, pytest.raises(ValueError, match="begins in 1970"):
        server.clock.freeze(datetime(1960, 1, 1, tzinfo=UTC))
