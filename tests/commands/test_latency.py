"""LATENCY, and which events the latency monitor records."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.differential.harness import Pair, step
from tests.support.replies import Error, Verbatim
from tests.support.servers import Server
from tests.support.specs import ask, items
from tests.support.world import World


def take(world: World, name: str, milliseconds: int) -> None:
    """Run a command that takes `milliseconds`."""

    def slow(context: object, argv: list[bytes]) -> None:
        world.clock.advance_ms(milliseconds)
        world.session.reply.ok()

    world.handle(name, slow)
    world.do(name, "k", "v")


@pytest.fixture
def watched(world: World) -> World:
    """A world with the latency monitor on."""
    world.do("CONFIG", "SET", "latency-monitor-threshold", "5")
    return world


def test_nothing_is_recorded_while_the_monitor_is_off(world: World) -> None:
    take(world, "set", 50)
    assert world.do("LATENCY", "LATEST") == []


def test_fast_commands_are_an_event_of_their_own(watched: World) -> None:
    take(watched, "set", 7)
    take(watched, "setnx", 9)
    now_s = watched.clock.now_us() // 1_000_000
    assert ask(watched, "LATENCY", "LATEST") == [["command", now_s, 7, 7], ["fast-command", now_s, 9, 9]]


def test_durations_below_the_threshold_are_not_recorded(watched: World) -> None:
    take(watched, "set", 4)
    assert watched.do("LATENCY", "LATEST") == []


def test_history(watched: World) -> None:
    take(watched, "set", 6)
    first = watched.clock.now_us() // 1_000_000
    watched.clock.advance_ms(2000)
    take(watched, "set", 8)
    second = watched.clock.now_us() // 1_000_000
    assert ask(watched, "LATENCY", "HISTORY", "command") == [[first, 6], [second, 8]]
    assert watched.do("LATENCY", "HISTORY", "nosuch") == []


def test_reset_forgets_the_named_events_or_all(watched: World) -> None:
    take(watched, "set", 6)
    take(watched, "setnx", 6)
    assert watched.do("LATENCY", "RESET", "Command", "nosuch") == 1
    assert watched.do("LATENCY", "RESET") == 1
    assert watched.do("LATENCY", "RESET") == 0


def test_graph(watched: World) -> None:
    assert watched.do("LATENCY", "GRAPH", "command") == Error(b"ERR No samples available for event 'command'")
    assert watched.do("LATENCY", "GRAPH", "a\x00b") == Error(b"ERR No samples available for event 'a'")
    take(watched, "set", 6)
    picture = str(ask(watched, "LATENCY", "GRAPH", "command"))
    assert picture.startswith("command - high 6 ms, low 6 ms (all time high 6 ms)\n")


def test_doctor(watched: World) -> None:
    take(watched, "set", 6)
    report = str(ask(watched, "LATENCY", "DOCTOR"))
    assert "1. command: 1 latency spikes (average 6ms, mean deviation 0ms" in report
    watched.set_protocol(3)
    assert isinstance(watched.do("LATENCY", "DOCTOR"), Verbatim)


def test_histogram_of_one_command(world: World) -> None:
    for _ in range(3):
        take(world, "set", 2)
    expected = ["set", ["calls", 3, "histogram_usec", [2113, 3]]]
    assert ask(world, "LATENCY", "HISTOGRAM", "SET") == expected


def test_histogram_of_a_container_is_that_of_its_subcommands(world: World) -> None:
    world.do("CONFIG", "GET", "hz")
    found = items(ask(world, "LATENCY", "HISTOGRAM", "config", "nosuch", "get"))
    assert found[0] == "config|get"
    assert len(found) == 2
    assert ask(world, "LATENCY", "HISTOGRAM", "config|get") == found


def test_histogram_of_all(world: World) -> None:
    world.do("GET", "k")
    assert items(ask(world, "LATENCY", "HISTOGRAM"))[::2] == ["get"]


def test_no_histogram_without_tracking(world: World) -> None:
    world.do("CONFIG", "SET", "latency-tracking", "no")
    world.do("GET", "k")
    assert world.do("LATENCY", "HISTOGRAM", "get") == []
    assert int(world.counters("get").calls()) == 1


CALLS = [
    *("LATENCY", "LATENCY LATEST", "LATENCY HISTORY x", "LATENCY HISTORY", "LATENCY GRAPH x", "LATENCY RESET a b"),
    *("LATENCY HISTOGRAM nosuch", "LATENCY DOCTOR x", "LATENCY NOSUCH", "LATENCY LATEST x"),
]


@pytest.mark.needs_redis
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_real_server_gives_the_same_replies(real: Server, ours: Server, protocol: int) -> None:
    with closing(Pair(real, ours)) as pair:
        pair.check([step("LATENCY", "RESET"), *[step(*call.split()) for call in CALLS]], protocol)
