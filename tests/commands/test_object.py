"""OBJECT."""

from __future__ import annotations

import pytest

from tests.support.replies import Error, Simple
from tests.support.world import World

NO_LFU = Error(
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
    b"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)
LFU = Error(
    b"ERR An LFU maxmemory policy is selected, idle time not tracked. "
    b"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)


@pytest.mark.parametrize("subcommand", ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"])
def test_a_missing_key_is_null(world: World, subcommand: str) -> None:
    assert world.do("OBJECT", subcommand, "none") is None


@pytest.mark.parametrize(
    ("value", "encoding"),
    [("12", b"int"), ("-1", b"int"), ("text", b"embstr"), ("x" * 44, b"embstr"), ("x" * 45, b"raw")],
)
def test_encoding(world: World, value: str, encoding: bytes) -> None:
    world.do("SET", "k", value)
    assert world.do("OBJECT", "encoding", "k") == encoding


def test_shared_numbers_have_the_greatest_reference_count(world: World) -> None:
    world.do("MSET", "a", "9999", "b", "10000", "c", "x")
    assert world.do("OBJECT", "REFCOUNT", "a") == 2147483647
    assert world.do("OBJECT", "REFCOUNT", "b") == 1
    assert world.do("OBJECT", "REFCOUNT", "c") == 1


def test_idletime_is_counted_in_seconds_of_the_clock_of_the_timer(world: World) -> None:
    world.do("SET", "k", "v")
    world.advance(3500)
    assert world.do("OBJECT", "IDLETIME", "k") == 3
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == 0


def test_a_shared_integer_has_been_idle_since_the_start_until_a_key_with_it_is_used(world: World) -> None:
    world.advance(3500)
    world.do("SET", "a", "5")
    world.do("SET", "b", "5")
    assert world.do("OBJECT", "IDLETIME", "a") == 3
    world.do("GET", "b")
    assert world.do("OBJECT", "IDLETIME", "a") == 0


def test_a_shared_integer_that_no_command_has_used_has_the_first_frequency() -> None:
    world = World(maxmemory_policy="allkeys-lfu")
    world.do("SET", "k", "5")
    assert world.do("OBJECT", "FREQ", "k") == 5


def test_freq_needs_an_lfu_policy_and_idletime_another(world: World) -> None:
    world.do("SET", "k", "v")
    assert world.do("OBJECT", "FREQ", "k") == NO_LFU
    world.engine.settings.set_many([("maxmemory-policy", "allkeys-lfu")])
    assert world.do("OBJECT", "IDLETIME", "k") == LFU


def test_freq_begins_at_five_grows_with_use_and_decays_with_time() -> None:
    world = World(maxmemory_policy="volatile-lfu")
    world.do("SET", "k", "v")
    assert world.do("OBJECT", "FREQ", "k") == 5
    world.do("GET", "k")
    assert world.do("OBJECT", "FREQ", "k") == 6
    world.tick(180_000)
    assert world.do("OBJECT", "FREQ", "k") == 3
    world.check()


def test_freq_follows_the_settings() -> None:
    world = World(maxmemory_policy="allkeys-lfu", lfu_decay_time="0", lfu_log_factor="0")
    world.do("SET", "k", "v")
    for _ in range(100):
        world.do("GET", "k")
    world.tick(3_600_000)
    assert world.do("OBJECT", "FREQ", "k") == 105
    world.engine.settings.set_many([("lfu-decay-time", "1")])
    assert world.do("OBJECT", "FREQ", "k") == 45
    world.check()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("OBJECT",), "wrong number of arguments for 'object' command"),
        (("OBJECT", "ENCODING"), "wrong number of arguments for 'object|encoding' command"),
        (("OBJECT", "FREQ", "a", "b"), "wrong number of arguments for 'object|freq' command"),
        (("OBJECT", "HELP", "x"), "wrong number of arguments for 'object|help' command"),
        (("OBJECT", "Foo"), "unknown subcommand 'Foo'. Try OBJECT HELP."),
    ],
)
def test_bad_calls_are_refused(world: World, words: tuple[str, ...], message: str) -> None:
    assert world.do(*words) == Error(b"ERR %b" % message.encode())


def test_help_names_all_subcommands(world: World) -> None:
    text = world.do("OBJECT", "HELP")
    for name in (b"ENCODING <key>", b"FREQ <key>", b"IDLETIME <key>", b"REFCOUNT <key>", b"HELP"):
        assert Simple(name) in text
