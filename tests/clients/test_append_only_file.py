"""The append-only file of a server process, as clients see it: WAITAOF, INFO, and how much they wait for the disk."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

import pytest
import redis

from tests.support.servers import Server, pyredmem_server
from tests.support.wire import OK, request

CLIENTS: Final = 50
COMMANDS_PER_CLIENT: Final = 20
WRITE_SECONDS: Final = 0.01


@contextlib.contextmanager
def connected(policy: str) -> Iterator[tuple[Server, redis.Redis]]:
    """A server with an append-only file, and a client."""
    with (
        pyredmem_server("--appendonly", "yes", "--appendfsync", policy) as server,
        redis.Redis(port=server.port, single_connection_client=True) as client,
    ):
        yield server, client


@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_waitaof_returns_when_the_write_is_on_the_disk(policy: str) -> None:
    with connected(policy) as (_, client):
        client.set("a", "1")
        assert client.waitaof(1, 0, 10_000) == [1, 0]
        assert client.waitaof(1, 0, 0) == [1, 0]
        assert client.info("persistence")["aof_last_write_status"] == "ok"


def test_waitaof_tells_at_its_timeout_that_the_write_is_not_on_the_disk() -> None:
    with connected("no") as (_, client):
        client.set("a", "1")
        assert client.waitaof(1, 0, 50) == [0, 0]


def test_waitaof_without_an_append_only_file_is_an_error() -> None:
    with connected("always") as (_, client):
        client.config_set("appendonly", "no")
        with pytest.raises(redis.ResponseError, match="WAITAOF cannot be used when numlocal is set"):
            client.waitaof(1, 0, 0)


def test_info_tells_of_the_file() -> None:
    with connected("always") as (_, client):
        client.set("a", "x" * 1000)
        fields = client.info("persistence")
        assert fields["aof_enabled"] == 1
        assert fields["aof_current_size"] > fields["aof_base_size"] + 1000
        assert [fields[name] for name in ("aof_delayed_fsync", "aof_pending_bio_fsync", "aof_buffer_length")] == [0] * 3
        client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        fields = client.info("persistence")
        assert fields["aof_current_size"] == fields["aof_base_size"]
        assert (fields["aof_rewrites"], fields["aof_last_bgrewrite_status"]) == (1, "ok")


def test_with_always_clients_that_write_at_the_same_time_wait_for_the_disk_together() -> None:
    """Each write to the file, which is then forced to the disk, takes so long that one for each command would show."""
    with connected("always") as (server, client), contextlib.ExitStack() as stack:
        wires = [stack.enter_context(server.connect()) for _ in range(CLIENTS)]
        client.execute_command("DEBUG", "AOF-FLUSH-SLEEP", int(WRITE_SECONDS * 1_000_000))
        began = time.monotonic()
        for number, wire in enumerate(wires):
            wire.send(request("INCR", f"key:{number}") * (COMMANDS_PER_CLIENT - 1) + request("SET", "a", "1"))
        for wire in wires:
            assert [wire.receive() for _ in range(COMMANDS_PER_CLIENT)][-1] == OK
        taken = time.monotonic() - began
        assert WRITE_SECONDS <= taken < CLIENTS * COMMANDS_PER_CLIENT * WRITE_SECONDS / 2
