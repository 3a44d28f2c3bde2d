"""Which calls get into the slow log and the latency monitor, and with which duration."""

from __future__ import annotations

from tests.support.world import World


def _blocked(world: World) -> bytes:
    """Block a client for a second, serve it, and return the commandstats of its command."""
    blocked = world.client()
    blocked.do("BLPOP", "l", "0")
    world.advance(1000)
    world.do("RPUSH", "l", "v")
    assert b"$1\r\nv" in blocked.take_output()
    return next(line for line in world.raw("INFO", "commandstats").split(b"\r\n") if line.startswith(b"cmdstat_blpop"))


def test_the_time_that_a_client_was_blocked_is_not_the_time_that_its_command_took() -> None:
    world = World(slowlog_log_slower_than="0")
    assert b"calls=1,usec=0," in _blocked(world)
    entries = world.engine.slow_commands.log.get(-1)
    assert [entry.duration_us for entry in entries if entry.arguments[0] == b"BLPOP"] == [0]


def test_a_client_that_was_blocked_for_long_is_not_slow() -> None:
    world = World(slowlog_log_slower_than="1000", latency_monitor_threshold="1")
    _blocked(world)
    assert len(world.engine.slow_commands.log) == 0
    assert world.engine.slow_commands.monitor.events() == []
