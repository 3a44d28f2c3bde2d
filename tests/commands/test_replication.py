"""The commands on replication, of a server that is always a master without replicas."""

from __future__ import annotations

import pytest

from tests.support.replies import OK, Error
from tests.support.world import World


def test_the_role_is_a_master_without_replicas(world: World) -> None:
    assert world.do("ROLE") == [b"master", 0, []]


@pytest.mark.parametrize("command", ["REPLICAOF", "SLAVEOF"])
def test_replicaof_no_one_is_accepted(world: World, command: str) -> None:
    assert world.do(command, "no", "ONE") == OK


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_replicaof_needs_a_valid_port(world: World, port: str) -> None:
    assert world.do("REPLICAOF", "localhost", port) == Error(b"ERR Invalid master port")


def test_replicaof_a_master_is_refused(world: World) -> None:
    reply = world.do("REPLICAOF", "localhost", "6380")
    assert isinstance(reply, Error)
    assert b"does not replicate" in reply.text


@pytest.mark.parametrize("words", [["SYNC"], ["PSYNC", "?", "-1"], ["REPLCONF", "LISTENING-PORT", "6380"]])
def test_a_replica_is_refused(world: World, words: list[str]) -> None:
    assert world.do(*words) == Error(b"ERR this server does not replicate: it cannot have replicas")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], b"ERR FAILOVER requires connected replicas."),
        (["TO", "h", "1", "FORCE", "TIMEOUT", "1"], b"ERR FAILOVER requires connected replicas."),
        (["ABORT"], b"ERR No failover in progress."),
        (["TIMEOUT", "0"], b"ERR FAILOVER timeout must be greater than 0"),
        (["TIMEOUT", "x"], b"ERR value is not an integer or out of range"),
        (["TO", "h", "x"], b"ERR value is not an integer or out of range"),
        (["TO", "h"], b"ERR syntax error"),
        (["FORCE", "FORCE"], b"ERR syntax error"),
        (["ABORT", "FORCE"], b"ERR syntax error"),
        (["TIMEOUT", "1", "ABORT"], b"ERR syntax error"),
    ],
)
def test_failover_is_refused(world: World, words: list[str], message: bytes) -> None:
    assert world.do("FAILOVER", *words) == Error(message)
