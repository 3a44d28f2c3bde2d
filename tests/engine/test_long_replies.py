"""Limits on output during one command: a long reply stops at the limit, and its command ends soon after."""

from __future__ import annotations

import pytest

from pyredmem.engine.session import Session
from pyredmem.protocol.resp import GROWTH_STEP
from tests.support.replies import PONG
from tests.support.wire import Argument, request
from tests.support.world import World

LIMIT = 1_000_000
HARD = f"normal {LIMIT} 0 0"


class Shell:
    """Stands for a client that reads nothing; `most` is the largest amount of output that has waited for it at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.most = 0
        session.count_unsent = self._look

    def _look(self) -> int:
        self.most = max(self.most, int(self._session.output.size()))
        return 0


def _fill(world: World) -> None:
    world.do("SADD", "set", *range(300))
    world.do("SADD", "table", *[f"member:{number}" for number in range(300)])
    world.do("HSET", "hash", *range(600))
    world.do("ZADD", "sorted", *range(600))
    world.do("RPUSH", "list", *["x" * 100] * 30_000)
    world.do("SET", "middle", "x" * 10_000)


LONG: dict[str, tuple[Argument, ...]] = {
    "SRANDMEMBER": ("SRANDMEMBER", "set", -(2**62)),
    "SRANDMEMBER of a hash table": ("SRANDMEMBER", "table", -(2**62)),
    "HRANDFIELD": ("HRANDFIELD", "hash", -(2**61), "WITHVALUES"),
    "ZRANDMEMBER": ("ZRANDMEMBER", "sorted", -(2**61), "WITHSCORES"),
    "LRANGE": ("LRANGE", "list", 0, -1),
    "MGET": ("MGET", *["middle"] * 300),
    "SORT": ("SORT", "list", "BY", "nosort"),
}


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", LONG)
def test_a_reply_exceeds_the_limit_by_at_most_a_step(name: str, protocol: int) -> None:
    world = World(client_output_buffer_limit=HARD)
    _fill(world)
    victim = world.client()
    victim.do("HELLO", protocol)
    shell = Shell(victim.session)
    victim.receive(request(*LONG[name]) + request("SET", "after", 1))
    assert victim.session.aborted
    assert victim.session.output.size() == 0
    assert LIMIT - 2 * GROWTH_STEP < shell.most < LIMIT + 2 * GROWTH_STEP
    assert world.do("EXISTS", "after") == 0
    assert len(world.engine.sessions) == 1
    world.check()


def test_a_client_that_exceeds_maxmemory_clients_alone_is_evicted_during_its_command() -> None:
    world = World(maxmemory_clients="1000000")
    _fill(world)
    victim = world.client()
    victim.receive(request(*LONG["SRANDMEMBER"]))
    assert victim.session.aborted
    assert world.engine.clients.eviction.evicted == 1
    assert world.do("PING") == PONG
    world.check()


def test_a_client_with_no_evict_on_gets_its_long_reply() -> None:
    world = World(maxmemory_clients="1000000")
    _fill(world)
    world.do("CLIENT", "NO-EVICT", "ON")
    assert len(world.raw("LRANGE", "list", 0, -1)) > 3_000_000


def test_without_a_limit_a_long_reply_is_whole() -> None:
    world = World()
    _fill(world)
    assert world.raw("SRANDMEMBER", "set", -100_000).count(b"$") == 100_000


def test_the_rest_of_a_transaction_runs_although_its_client_is_disconnected() -> None:
    world = World(client_output_buffer_limit=HARD)
    _fill(world)
    victim = world.client()
    commands = ["MULTI", "SRANDMEMBER set -4611686018427387904", "CLIENT TRACKING ON", "SET inside 1", "EXEC"]
    victim.receive(b"".join([request(*command.split()) for command in commands]) + request("SET", "after", 1))
    assert victim.session.aborted
    assert world.do("EXISTS", "inside", "after") == 1
    assert world.engine.tracking.of(victim.session) is None
    world.check()


def test_the_limit_holds_after_the_protocol_has_changed() -> None:
    world = World(client_output_buffer_limit=HARD)
    _fill(world)
    for protocol in (3, 2, 3):
        victim = world.client()
        victim.do("HELLO", protocol)
        victim.do("HELLO", 5 - protocol)
        victim.receive(request(*LONG["SRANDMEMBER"]))
        assert victim.session.aborted


def test_the_limit_applies_to_a_monitor_while_another_client_runs_its_batch() -> None:
    world = World(client_output_buffer_limit=HARD)
    monitor = world.client()
    monitor.do("MONITOR")
    shell = Shell(monitor.session)
    batch = b"".join([request("ECHO", b"\0" * 1000)] * 500)  # each byte takes four in the line of the monitor
    world.first.receive(batch + request("CLIENT", "LIST"))
    assert world.first.take_output().count(b"cmd=monitor") <= 1
    assert monitor.session.aborted
    assert shell.most < LIMIT + 2 * GROWTH_STEP
    assert len(world.engine.sessions) == 1
    world.check()


def test_the_limit_applies_to_a_tracking_client_while_another_client_runs_its_batch() -> None:
    world = World(client_output_buffer_limit="normal 100000 0 0")
    victim = world.client()
    victim.do("HELLO", 3)
    victim.do("CLIENT", "TRACKING", "ON")
    keys = [f"key:{number}" + "x" * 100 for number in range(3000)]
    victim.do("MGET", *keys)
    Shell(victim.session)
    world.first.receive(b"".join([request("SET", key, 1) for key in keys]))
    world.first.take_output()
    assert victim.session.aborted
    assert world.engine.tracking.of(victim.session) is None
    world.check()
