"""Every block of code in docs/from-fakeredis.md runs as it stands, and each of its promises has a test."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem import fakeredis
from pyredmem.fakeredis import FakeRedis, FakeServer, aioredis
from tests.support.pages import Page
from tests.support.servers import ROOT

PAGE: Final = Page("docs/from-fakeredis.md")
BLOCKS: Final = PAGE.blocks()

pytestmark = pytest.mark.skipif(not PAGE.text, reason="the tests were copied without the documents")
promise = PAGE.promise


def test_the_page_has_examples() -> None:
    assert len(BLOCKS) > 5


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_runs(block: str) -> None:
    command = [sys.executable, "-W", "error", "-c", block]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_each_promise_is_tested() -> None:
    assert not PAGE.untested()


def test_what_is_tested_is_promised() -> None:
    assert not PAGE.unpromised()


@promise("**Errors are Redis's.**")
def test_errors_are_those_of_redis(fake_server: FakeServer) -> None:
    FakeRedis(server=fake_server).acl_setuser("anna", enabled=True, passwords=["+secret"], commands=["+set"])
    with pytest.raises(redis.exceptions.NoPermissionError, match="No permissions to access a key"):
        FakeRedis(server=fake_server, username="anna", password="secret").set("name", "text")


@promise("**Memory is limited and counted.**")
def test_memory_is_limited_and_counted() -> None:
    server = FakeServer(config={"maxmemory": "3mb", "maxmemory-policy": "allkeys-lru", "list-max-listpack-size": "1"})
    client: Any = FakeRedis(server=server)
    for number in range(300):
        client.set(f"key:{number}", b"x" * 10_000)
    assert client.info("stats")["evicted_keys"] > 0
    assert client.info("memory")["used_memory"] <= 3 * 1024 * 1024
    client.set("foo", "bar")
    assert client.memory_usage("foo") == 56
    client.rpush("queue", "a", "b")
    assert client.object("ENCODING", "queue") == b"quicklist"


@promise("**`version` chooses what INFO and HELLO report, and which commands there are.**")
@pytest.mark.parametrize(
    ("options", "reported", "has_field_times"),
    [({"version": (6,)}, "6.0.0", False), ({"version": 7.4}, "7.4.0", True), ({}, "7.4.7", True)],
)
def test_a_version_has_its_commands(options: Any, reported: str, has_field_times: bool) -> None:
    client: Any = FakeRedis(server=FakeServer(**options), protocol=3)
    assert client.info("server")["redis_version"] == reported
    assert client.execute_command("HELLO")[b"version"] == reported.encode()
    client.hset("user", "name", "Ann")
    if has_field_times:
        assert client.hexpire("user", 60, "name") == [1]
    else:
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.hexpire("user", 60, "name")


@promise("**`server_type` decides which clients share an address")
@pytest.mark.parametrize("kind", ["dragonfly", "valkey", "kividb"])
def test_a_type_shares_no_address_and_has_no_commands_of_its_own(kind: Any) -> None:
    client: Any = FakeRedis("typed", 6001, server_type=kind)
    client.set("name", "text")
    assert FakeRedis("typed", 6001).get("name") is None
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("DELIFEQ", "name", "text")


@promise("**`SAVE` really saves, but to a file in memory.**")
def test_a_save_leaves_nothing_on_disk(
    fake_server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = FakeRedis(server=fake_server)
    assert client.save()
    assert client.info("persistence")["rdb_saves"] == 1
    assert os.listdir(tmp_path) == []


@promise("**`SAVE` really saves, but to a file in memory.**")
def test_with_a_directory_a_save_writes_a_file_there(tmp_path: Path) -> None:
    client = FakeRedis(server=FakeServer(config={"dir": str(tmp_path)}))
    client.set("name", "text")
    assert client.save()
    assert os.listdir(tmp_path) == ["dump.rdb"]
    assert FakeRedis(server=FakeServer(config={"dir": str(tmp_path)})).get("name") == b"text"


@promise("**`SAVE` really saves, but to a file in memory.**")
def test_clients_are_really_paused(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server, socket_timeout=0.01)
    client.client_pause(60_000, all=False)
    with pytest.raises(redis.TimeoutError):
        FakeRedis(server=fake_server, socket_timeout=0.01).set("name", "text")
    client.client_unpause()
    assert client.get("name") is None


@promise("**There are no modules.**")
@pytest.mark.parametrize("command", ["JSON.SET", "BF.ADD", "TS.ADD", "VADD"])
def test_there_are_no_modules(fake_server: FakeServer, command: str) -> None:
    client: Any = FakeRedis(server=fake_server)
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command(command, "key", "1", "2")


@promise("**`lua_modules` has no effect.**")
@pytest.mark.parametrize("options", [{}, {"lua_modules": {"cjson", "socket"}}])
def test_scripts_have_the_libraries_of_redis_and_no_others(fake_server: FakeServer, options: Any) -> None:
    client = FakeRedis(server=fake_server, **options)
    types = "return {type(cjson), type(cmsgpack), type(struct), type(bit), type(rawget(_G, 'require'))}"
    assert client.eval(types, 0) == [b"table"] * 4 + [b"nil"]
    with pytest.raises(redis.ResponseError, match="nonexistent global variable 'socket'"):
        client.eval("return type(socket)", 0)


@promise("**A lost connection is lost.**")
def test_a_subscription_does_not_go_on(fake_server: FakeServer) -> None:
    client: Any = FakeRedis(server=fake_server)
    connection = client.connection_pool.get_connection()
    connection.send_command("SUBSCRIBE", "news")
    assert connection.read_response(push_request=True)
    fake_server.connected = False
    fake_server.connected = True
    assert FakeRedis(server=fake_server).publish("news", "hello") == 0


@promise("**A lost connection is lost.**")
def test_a_client_that_has_only_sent_commands_notices_nothing(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server)
    client.set("name", "text")
    fake_server.connected = False
    fake_server.connected = True
    assert client.get("name") == b"text"


@promise("**Every option of redis-py counts.**")
def test_an_option_that_redis_py_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError):
        FakeRedis(no_such_option=1)
    with pytest.raises(redis.ConnectionError):
        FakeRedis(connected=False).ping()


@promise("**Every option of redis-py counts.**")
def test_clients_with_one_path_share() -> None:
    FakeRedis(unix_socket_path="/run/page.sock").set("name", "text")
    assert FakeRedis(unix_socket_path="/run/page.sock").get("name") == b"text"


@promise("**Every option of redis-py counts.**")
def test_nothing_is_tried_again_unless_a_client_asks_for_it(fake_server: FakeServer) -> None:
    faults = fake_server.server.faults
    fault = faults.drop("GET", times=1)
    with pytest.raises(redis.ConnectionError):
        FakeRedis(server=fake_server).get("name")
    fault.remove()
    faults.drop("GET", times=1)
    assert FakeRedis(server=fake_server, retry=Retry(NoBackoff(), 1)).get("name") is None


@promise("**`FakeConnection` and `FakeAsyncConnection` are classes**")
def test_connections_are_classes_and_raise_no_warning() -> None:
    assert fakeredis.FakeConnection is fakeredis.FakeRedisConnection
    assert fakeredis.FakeAsyncConnection is fakeredis.FakeAsyncRedisConnection
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool = redis.ConnectionPool(connection_class=fakeredis.FakeConnection, server=FakeServer())
        assert redis.Redis(connection_pool=pool).ping()


@promise("**The inside is another one.**")
def test_the_inside_is_another_one() -> None:
    assert not hasattr(fakeredis, "_server")
    assert aioredis.FakeReader is asyncio.StreamReader
    assert aioredis.FakeWriter is aioredis.AsyncFakeSocket
