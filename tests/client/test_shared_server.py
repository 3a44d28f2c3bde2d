"""A server that several tests use: what a reset undoes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from pyredmem.client.server import Server
from pyredmem.client.shared_server import SharedServer
from tests.client.conftest import check
from tests.client.test_sync import in_thread, wait_for_blocked


@pytest.fixture
def shared() -> Iterator[SharedServer]:
    with Server(records_commands=True, maxmemory="100mb") as server:
        yield SharedServer(server, "shared", None)
        check(server)


@pytest.fixture
def client(shared: SharedServer) -> Iterator[redis.Redis]:
    with shared.server.client() as client:
        yield client


def test_it_empties_all_databases(shared: SharedServer, client: redis.Redis) -> None:
    shared.server.load({"a": "1"}, database=3)
    shared.reset()
    assert shared.server.dump(database=3) == {}


def test_it_forgets_scripts_and_libraries(shared: SharedServer, client: redis.Redis) -> None:
    sha = client.script_load("return 1")
    client.function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    shared.reset()
    assert client.script_exists(sha) == [False]
    assert client.function_list() == []


def test_it_restores_settings(shared: SharedServer, client: redis.Redis) -> None:
    client.config_set("maxmemory", "1mb")
    client.config_set("notify-keyspace-events", "KEA")
    client.config_set("save", "100 1")
    shared.reset()
    with Server(maxmemory="100mb") as fresh, fresh.client() as other:
        assert client.config_get("*") == other.config_get("*")


def test_it_restores_users_and_passwords(shared: SharedServer, client: redis.Redis) -> None:
    client.acl_setuser("ann", enabled=True, nopass=True)
    client.config_set("requirepass", "secret")
    client.execute_command("ACL", "SETUSER", "default", "-@all", "resetkeys")
    shared.reset()
    with shared.server.client() as other:
        assert other.acl_users() == ["default"]
        assert other.set("a", "1")


def test_it_keeps_the_password_that_there_was_at_first() -> None:
    with Server(requirepass="secret") as server:
        SharedServer(server, "shared", None).reset()
        with server.client(password="secret") as client:
            assert client.ping()
        with server.client() as other, pytest.raises(redis.AuthenticationError):
            other.ping()


def test_it_lets_idle_clients_stay(shared: SharedServer, client: redis.Redis) -> None:
    number = client.client_id()
    shared.reset()
    assert client.client_id() == number


def test_it_disconnects_those_that_wait(shared: SharedServer, client: redis.Redis) -> None:
    with shared.server.client(retry=None) as waiting:
        result = in_thread(lambda: waiting.blpop(["q"], 10))
        wait_for_blocked(shared.server, 1)
        shared.reset()
        with pytest.raises(redis.ConnectionError):
            result()
    shared.server.expect_clean()


def test_it_ends_a_pause(shared: SharedServer, client: redis.Redis) -> None:
    client.client_pause(60000)
    shared.reset()
    assert client.set("a", "1")


def test_it_records_commands_again(shared: SharedServer, client: redis.Redis) -> None:
    client.ping()
    shared.server.commands.stop()
    shared.reset()
    client.echo("x")
    assert [str(one) for one in shared.server.commands] == ["ECHO x"]


def test_it_works_for_a_server_that_obeys_pythons_time() -> None:
    with Server(obeys_python_time=True) as server:
        server.load({"a": "1"})
        SharedServer(server, "shared", None).reset()
        assert server.dump() == {}


def test_a_closed_server_is_left_alone(shared: SharedServer) -> None:
    shared.server.close()
    shared.reset()
    assert shared.server.driver.is_closed


def test_a_setting_that_cannot_be_changed_is_an_error(shared: SharedServer) -> None:
    with pytest.raises(redis.ResponseError, match="can't set immutable config"):
        shared.change({"databases": 2})
