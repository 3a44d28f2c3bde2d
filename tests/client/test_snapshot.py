"""`Server.snapshot` and `Server.restore`, as tests use them. (tests/keyspace/test_snapshot.py has what is restored.)"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis

from pyredmem.client.dataset import Expiring, SortedSet, Stream
from pyredmem.client.server import Server
from pyredmem.keyspace.digest import keyspace_digest
from tests.client.conftest import check

DATA = {
    "board": SortedSet({"ann": 1.5, "bob": 3}),
    "cart": {"apple": "2", "coupon": Expiring("x", 30.0)},
    "counter": "17",
    "events": Stream([("1-1", {"a": "b"})], {"workers": "1-1"}),
    "queue": ["a", "b", "a"],
    "session": Expiring("token", 60.0),
    "tags": {"x", "y"},
}
LIBRARY = "#!lua name=shop\nredis.register_function('price', function() return {} end)"


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with server.client(decode_responses=True) as client:
        yield client


def lasting_change(client: redis.Redis) -> None:
    client.rpush("queue", "c")
    client.delete("counter", "tags")
    client.set("new", 1)


def test_the_dataset_is_set_back(server: Server, client: redis.Redis) -> None:
    server.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    server.load(DATA)
    server.load({"other": "value"}, database=5)
    before, digest = server.dump(), keyspace_digest(server.engine.keyspace)
    snapshot = server.snapshot()
    used = []
    for _ in range(2):
        lasting_change(client)
        client.swapdb(0, 5)
        assert server.dump() != before
        server.restore(snapshot)
        assert server.dump() == before
        assert server.dump(database=5) == {"other": "value"}
        assert keyspace_digest(server.engine.keyspace) == digest
        used.append(server.memory.used)
    assert used[0] == used[1]


def test_times_to_live_go_on_by_the_clock(server: Server, client: redis.Redis) -> None:
    server.clock.freeze()
    client.set("k", "v", ex=100)
    snapshot = server.snapshot()
    server.clock.advance(40)
    client.set("k", "w")
    server.restore(snapshot)
    assert client.ttl("k") == 60
    server.clock.advance(100)
    server.restore(snapshot)
    assert client.get("k") is None


def test_libraries_of_functions_belong_to_the_dataset(server: Server, client: redis.Redis) -> None:
    empty = server.snapshot()
    client.function_load(LIBRARY.format(1))
    loaded = server.snapshot()
    client.function_load(LIBRARY.format(2), replace=True)
    assert client.fcall("price", 0) == 2
    server.restore(loaded)
    assert client.fcall("price", 0) == 1
    client.function_flush()
    server.restore(loaded)
    assert client.fcall("price", 0) == 1
    server.restore(empty)
    assert client.function_list() == []


def test_scripts_settings_and_users_do_not(server: Server, client: redis.Redis) -> None:
    snapshot = server.snapshot()
    sha = client.script_load("return 7")
    client.config_set("maxmemory-policy", "allkeys-lfu")
    client.acl_setuser("ann", enabled=True)
    server.restore(snapshot)
    assert client.evalsha(sha, 0) == 7
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
    assert "ann" in client.acl_users()


# Clients.


def test_a_transaction_fails_whose_watched_key_is_set_back(server: Server, client: redis.Redis) -> None:
    client.set("k", "1")
    snapshot = server.snapshot()
    client.set("k", "2")
    with client.pipeline() as pipeline:
        pipeline.watch("k")
        pipeline.multi()
        pipeline.set("k", "3")
        server.restore(snapshot)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("k") == "1"


def test_a_blocked_client_is_served(server: Server, client: redis.Redis) -> None:
    client.rpush("queue", "job")
    snapshot = server.snapshot()
    client.delete("queue")
    popped: list[object] = []
    with server.client() as waiting:
        thread = threading.Thread(target=lambda: popped.append(waiting.blpop("queue", timeout=60)))
        thread.start()
        while not client.info("clients")["blocked_clients"]:
            pass
        server.restore(snapshot)
        thread.join(30)
    assert popped == [(b"queue", b"job")]
    assert client.exists("queue") == 0


def test_a_group_that_is_gone_ends_the_wait_for_its_entries(server: Server, client: redis.Redis) -> None:
    snapshot = server.snapshot()
    client.xgroup_create("stream", "group", mkstream=True)
    errors: list[str] = []

    def read(waiting: redis.Redis) -> None:
        try:
            waiting.xreadgroup("group", "me", {"stream": ">"}, block=60_000)
        except redis.ResponseError as error:
            errors.append(str(error))

    with server.client() as waiting:
        thread = threading.Thread(target=read, args=[waiting])
        thread.start()
        while not client.info("clients")["blocked_clients"]:
            pass
        server.restore(snapshot)
        thread.join(30)
    assert [error.partition(" ")[0] for error in errors] == ["NOGROUP"]


def test_caches_of_tracking_clients_are_invalidated(server: Server, client: redis.Redis) -> None:
    caches = pytest.importorskip("redis.cache", reason="this redis-py has no caches")
    client.set("k", "1")
    snapshot = server.snapshot()
    client.set("k", "2")
    with server.client(protocol=3, cache_config=caches.CacheConfig(), decode_responses=True) as caching:
        assert caching.get("k") == "2"
        server.restore(snapshot)
        assert caching.get("k") == "1"


def test_caches_stay_when_nothing_changes(server: Server, client: redis.Redis) -> None:
    client.set("k", "1")
    snapshot = server.snapshot()
    with server.client(protocol=3) as tracking:
        tracking.execute_command("CLIENT", "TRACKING", "ON")
        tracking.get("k")
        server.restore(snapshot)
        assert client.info("stats")["tracking_total_keys"] == 1


# The life of a snapshot.


def test_a_snapshot_of_another_server_is_refused(server: Server) -> None:
    with Server() as other, pytest.raises(ValueError, match="the snapshot was taken of another server"):
        server.restore(other.snapshot())


def test_a_closed_snapshot_is_refused(server: Server) -> None:
    with server.snapshot() as snapshot:
        pass
    snapshot.close()
    with pytest.raises(ValueError, match="the snapshot is closed"):
        server.restore(snapshot)


def test_a_closed_server_has_no_snapshots() -> None:
    server = Server()
    snapshot = server.snapshot()
    server.close()
    with pytest.raises(RuntimeError, match="the server is closed"):
        server.restore(snapshot)
    with pytest.raises(RuntimeError, match="the server is closed"):
        server.snapshot()
    snapshot.close()


def test_a_snapshot_that_nobody_has_any_more_costs_nothing(server: Server) -> None:
    snapshot = server.snapshot()
    assert server.engine.keyspace.snapshots == 1
    del snapshot
    gc.collect()
    assert server.engine.keyspace.snapshots == 0


def test_a_snapshot_may_be_forgotten_while_the_driver_is_entered(server: Server, client: redis.Redis) -> None:
    server.clock.freeze()
    snapshot = server.snapshot()
    server.driver.enter()
    try:
        del snapshot
        gc.collect()
    finally:
        server.driver.leave()
    client.ping()
    assert server.engine.keyspace.snapshots == 0


def test_no_snapshot_is_taken_or_restored_while_a_script_runs() -> None:
    with Server(busy_reply_threshold="1") as server, server.client() as client, server.client() as other:
        snapshot = server.snapshot()
        script = "while true do end"
        outcome: list[object] = []

        def run() -> None:
            try:
                client.eval(script, 0)
            except redis.ResponseError as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        while not server.engine.script_run.is_suspended():
            pass
        with pytest.raises(RuntimeError, match="a script is running"):
            server.restore(snapshot)
        with pytest.raises(RuntimeError, match="a script is running"):
            server.snapshot()
        other.script_kill()
        thread.join(30)
        assert len(outcome) == 1
        server.restore(snapshot)
        check(server)


def test_only_values_that_change_are_copied(server: Server, client: redis.Redis) -> None:
    """What makes snapshots cheap; `benchmarks/snapshots.py` shows how cheap."""
    client.mset({f"key:{number}": f"value {number}" for number in range(1000)})
    with server.snapshot() as snapshot:
        for number in range(10):
            client.set(f"key:{number}", "another value")
        (image, *_) = snapshot._keyspace._databases
        assert len(image.lost) == 10
        server.restore(snapshot)
        assert client.get("key:3") == "value 3"
