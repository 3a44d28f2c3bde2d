"""redis-py's scripts, locks and functions on this server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import LockError, LockNotOwnedError, NoScriptError, ResponseError

from tests.support.servers import Server

LIBRARY = (
    "#!lua name=shop\n"
    "redis.register_function('buy', function(keys, args) return redis.call('decrby', keys[1], args[1]) end)\n"
    "redis.register_function{function_name='stock', flags={'no-writes'}, "
    "callback=function(keys) return redis.call('get', keys[1]) end}"
)


@pytest.fixture(params=[2, 3])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port, protocol=request.param) as connected:
        yield connected
        connected.function_flush()
        connected.script_flush()


def test_a_registered_script_is_loaded_when_the_server_does_not_know_it(client: redis.Redis) -> None:
    multiply = client.register_script("return redis.call('get', KEYS[1]) * ARGV[1]")
    client.set("a", 6)
    assert multiply(keys=["a"], args=[7]) == 42
    client.script_flush()
    assert multiply(keys=["a"], args=[2]) == 12
    assert client.script_exists(multiply.sha) == [True]


def test_a_registered_script_runs_in_a_pipeline(client: redis.Redis) -> None:
    multiply = client.register_script("return redis.call('get', KEYS[1]) * ARGV[1]")
    pipeline = client.pipeline()
    pipeline.set("a", 2)
    multiply(keys=["a"], args=[5], client=pipeline)
    assert pipeline.execute() == [True, 10]


def test_errors_are_exceptions(client: redis.Redis) -> None:
    with pytest.raises(NoScriptError):
        client.evalsha("f" * 40, 0)
    with pytest.raises(ResponseError, match="user_script:1: attempt to perform arithmetic on a nil value"):
        client.eval("return nil + 1", 0)


def test_a_lock_excludes_others_and_is_released(client: redis.Redis) -> None:
    lock, other = client.lock("lock", timeout=10), client.lock("lock", timeout=10)
    assert lock.acquire(blocking=False)
    assert not other.acquire(blocking=False)
    assert lock.extend(10)
    assert 10_000 < (client.pttl("lock") or 0) <= 20_000
    assert lock.reacquire()
    with pytest.raises(LockError):
        other.release()
    lock.release()
    with client.lock("lock", timeout=10, blocking_timeout=1):
        assert client.exists("lock")
    assert not client.exists("lock")


def test_a_lock_that_was_lost_is_not_released(client: redis.Redis) -> None:
    lock = client.lock("lock", timeout=10)
    lock.acquire()
    client.set("lock", "another token")
    with pytest.raises(LockNotOwnedError):
        lock.release()
    assert client.get("lock") == b"another token"


def test_functions_are_loaded_called_and_moved(client: redis.Redis) -> None:
    assert client.function_load(LIBRARY) in {b"shop", "shop"}
    client.set("apples", 10)
    assert client.fcall("buy", 1, "apples", 3) == 7
    assert client.fcall_ro("stock", 1, "apples") == b"7"
    dump = client.function_dump()
    client.function_delete("shop")
    assert client.function_list() == []
    client.function_restore(dump)  # type: ignore[arg-type]  # the payload is bytes
    assert len(client.function_list(library="sh*", withcode=True)) == 1
    assert client.function_stats()
