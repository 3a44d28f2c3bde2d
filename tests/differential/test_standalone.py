"""What a standalone server refuses, and how: CLUSTER, FAILOVER, READONLY, MODULE and the like."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.servers import Server
from tests.support.specs import described_by
from tests.support.world import World

pytestmark = pytest.mark.needs_redis

PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3])
SUBCOMMANDS = [name.partition("|")[2] for name in described_by(World()) if name.startswith("cluster|")]
#: Subcommands that redis-server 7.0 does not have.
LATER = {"myshardid", "slot-stats"}

CALLS = [
    *("CLUSTER", "CLUSTER nosuch", "READONLY", "READONLY x", "READWRITE", "ASKING", "ASKING x", "MODULE"),
    *("MODULE LIST", "MODULE LIST x", "MODULE nosuch", "ROLE", "ROLE x", "REPLICAOF NO ONE", "SLAVEOF no one"),
    *("REPLICAOF h x", "REPLICAOF h -1", "REPLICAOF h 65536", "REPLICAOF h", "SYNC x", "PSYNC", "PSYNC x"),
    *("RESTORE-ASKING", "RESTORE-ASKING k 0 x", "RESTORE-ASKING k x x", "RESTORE-ASKING k 0 x NOSUCH", "WAIT 0 1"),
    *("WAIT x 0", "WAIT 0 x", "WAIT 0 -1", "WAIT 0"),
]
WORDS = ["TO", "FORCE", "abort", "ABORT", "TIMEOUT", "timeout", "h", "1", "0", "-1", "x"]


@PROTOCOLS
def test_single_calls_get_the_same_replies(real: Server, ours: Server, protocol: int) -> None:
    with real.connect(protocol) as theirs, ours.connect(protocol) as wire:
        for call in CALLS:
            assert wire.do(*call.split()) == theirs.do(*call.split()), call


@PROTOCOLS
def test_every_subcommand_of_cluster_is_refused_the_same_whatever_its_arguments(
    real: Server, ours: Server, protocol: int
) -> None:
    with real.connect(protocol) as theirs, ours.connect(protocol) as wire:
        for name in sorted(set(SUBCOMMANDS) - LATER):
            for count in range(5):
                call = ["CLUSTER", name, *["1"] * count]
                assert wire.do(*call) == theirs.do(*call), call


def test_failover_is_refused_the_same_whatever_its_arguments(real: Server, ours: Server) -> None:
    random = Random(1)
    with real.connect() as theirs, ours.connect() as wire:
        for _ in range(1000):
            call = ["FAILOVER", *random.choices(WORDS, k=random.randint(0, 6))]
            assert wire.do(*call) == theirs.do(*call), call


def test_the_same_commands_are_queued_and_refused_in_a_transaction(real: Server, ours: Server) -> None:
    with real.connect() as theirs, ours.connect() as wire:
        for call in [*CALLS, "FAILOVER", "CLUSTER NODES", "SYNC", "PSYNC ? -1"]:
            replies = []
            for connection in (theirs, wire):
                connection.do("MULTI")
                queued = connection.do(*call.split())
                replies.append((queued, connection.do("EXEC")))
            assert replies[1] == replies[0], call
