"""Servers: their versions and types, and which clients share one."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis

from pyredmem.fakeredis import FakeRedis, FakeServer, FakeStrictRedis
from pyredmem.fakeredis.servers import Version


def shares(one: redis.Redis, other: redis.Redis) -> bool:
    """Whether what one client sets is there for the other one."""
    one.set("shared", "1")
    found = other.exists("shared")
    one.delete("shared")
    return bool(found)


def test_clients_without_an_address_share_nothing() -> None:
    assert not shares(FakeRedis(), FakeRedis())


def test_clients_of_one_server_share() -> None:
    server = FakeServer()
    assert shares(FakeRedis(server=server), FakeStrictRedis(server=server, host="elsewhere", port=1))


def test_clients_of_different_servers_do_not_share() -> None:
    assert not shares(FakeRedis("same", server=FakeServer()), FakeRedis("same", server=FakeServer()))


def test_clients_of_one_address_share() -> None:
    assert shares(FakeRedis("by-address"), FakeRedis(host="by-address", port=6379))
    assert shares(FakeRedis("by-address", 7000), FakeRedis.from_url("redis://by-address:7000/0"))
    assert shares(FakeRedis.from_url("unix:///tmp/by-path"), FakeRedis(unix_socket_path="/tmp/by-path"))


def test_clients_of_different_addresses_do_not_share() -> None:
    assert not shares(FakeRedis("by-address"), FakeRedis("by-another-address"))
    assert not shares(FakeRedis("by-address"), FakeRedis("by-address", 7001))
    assert not shares(FakeRedis.from_url("unix:///tmp/by-path"), FakeRedis.from_url("unix:///tmp/another-path"))


def test_databases_of_one_address_are_apart() -> None:
    assert not shares(FakeRedis("by-address", 6379, 0), FakeRedis("by-address", 6379, 1))
    assert not shares(FakeRedis.from_url("redis://by-address/0"), FakeRedis.from_url("redis://by-address/", db=2))


def test_major_versions_of_one_address_are_apart() -> None:
    assert not shares(FakeRedis("by-version", version=1), FakeRedis("by-version", version=10))
    assert shares(FakeRedis("by-version", version="7.2.1"), FakeRedis("by-version", version=(7,)))
    assert shares(FakeRedis("by-version"), FakeRedis("by-version", version=7))


def test_types_of_one_address_are_apart() -> None:
    assert not shares(FakeRedis("by-type"), FakeRedis("by-type", server_type="dragonfly"))
    assert shares(FakeRedis("by-type", server_type="kividb"), FakeRedis("by-type", server_type="kividb"))


def test_a_pool_chooses_the_server_like_a_client() -> None:
    pool = redis.ConnectionPool(connection_class=FakeRedis.default_connection_class, host="by-pool", port=6379)
    assert shares(redis.Redis(connection_pool=pool), FakeRedis("by-pool"))


@pytest.mark.parametrize(
    ("version", "reported"),
    [
        (6, "6.0.0"),
        (7.2, "7.2.0"),
        ("7.4.1", "7.4.1"),
        ((8,), "8.0.0"),
        ((6, 2), "6.2.0"),
    ],
)
def test_info_and_hello_report_the_version(version: Version, reported: str) -> None:
    client: Any = FakeRedis(server=FakeServer(version=version), protocol=3)
    assert client.info("server")["redis_version"] == reported
    assert client.execute_command("HELLO")[b"version"] == reported.encode()


def test_a_client_may_name_the_version() -> None:
    assert FakeRedis(version="6.2").info("server")["redis_version"] == "6.2.0"
    assert FakeRedis.from_url("redis://versions", version=(6, 2)).info("server")["redis_version"] == "6.2.0"


def test_the_parts_of_the_version_are_at_the_server() -> None:
    assert FakeServer("7.4.1").version == (7, 4, 1)
    assert FakeServer().version[0] == 7


@pytest.mark.parametrize("version", [None, [7]])
def test_what_is_no_version_is_refused(version: object) -> None:
    if version is not None:
        with pytest.raises(ValueError, match="Unsupported version"):
            FakeServer(version)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid literal"):
        FakeServer("seven")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported server type: mongo"):
        FakeServer(server_type="mongo")  # type: ignore[arg-type]


def test_settings_of_redis_conf_are_in_force(tmp_path: Path) -> None:
    users = tmp_path / "users.acl"
    server = FakeServer(config={b"requirepass": b"secret", "aclfile": str(users)})
    with pytest.raises(redis.AuthenticationError):
        FakeRedis(server=server).ping()
    client = FakeRedis(server=server, password="secret")
    client.acl_setuser("reader", enabled=True, nopass=True, keys=["*"], commands=["+get"])
    client.acl_save()
    assert "user reader on nopass" in users.read_text()


def test_the_time_is_pythons() -> None:
    with mock.patch("time.time", return_value=1_893_456_000.0) as now:
        client = FakeRedis()
        client.set("session", "1", ex=60)
        now.return_value += 59
        assert client.get("session") == b"1"
        now.return_value += 2
        assert client.get("session") is None


def test_the_genuine_server_is_at_hand_with_its_clock() -> None:
    server = FakeServer(obeys_python_time=False)
    client = FakeRedis(server=server)
    client.set("session", "1", ex=60)
    server.server.clock.advance(61)
    assert client.get("session") is None


def test_memory_is_limited_like_in_redis() -> None:
    server = FakeServer(config={"maxmemory": "3mb", "maxmemory-policy": "allkeys-lru"})
    client = FakeRedis(server=server)
    for number in range(300):
        client.set(f"key:{number}", b"x" * 10_000)
    assert client.info("stats")["evicted_keys"] > 0
    assert client.info("memory")["used_memory"] <= 3 * 1024 * 1024


def test_a_closed_server_gives_its_data_back() -> None:
    server = FakeServer()
    client = FakeRedis(server=server)
    client.set("name", "text")
    server.close()
    assert client.get("name") is None
