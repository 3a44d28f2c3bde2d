"""EXPIRE, PERSIST, TTL and the related commands."""

from __future__ import annotations

import pytest

from tests.support.journal import Journal
from tests.support.replies import NOT_AN_INTEGER, Error
from tests.support.world import World

NOW_MS = 1_700_000_000_000  # the time at which the clock of a World begins


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("EXPIRE", 100),
        ("PEXPIRE", 100_000),
        ("EXPIREAT", NOW_MS // 1000 + 100),
        ("PEXPIREAT", NOW_MS + 100_000),
    ],
)
def test_a_time_can_be_given_in_four_ways(world: World, command: str, argument: int) -> None:
    world.do("SET", "k", "v")
    assert world.do(command, "k", argument) == 1
    assert world.do("TTL", "k") == 100
    assert world.do("PTTL", "k") == 100000
    assert world.do("EXPIRETIME", "k") == NOW_MS // 1000 + 100
    assert world.do("PEXPIRETIME", "k") == NOW_MS + 100_000


@pytest.mark.parametrize("command", ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"])
def test_a_key_without_a_time_gives_minus_one_and_a_missing_key_minus_two(world: World, command: str) -> None:
    world.do("SET", "k", "v")
    assert world.do(command, "k") == -1
    assert world.do(command, "none") == -2


@pytest.mark.parametrize(("left_ms", "seconds"), [(1499, 1), (1500, 2), (499, 0), (500, 1)])
def test_seconds_are_rounded_to_the_nearest_second(world: World, left_ms: int, seconds: int) -> None:
    world.do("SET", "k", "v", "PX", left_ms)
    assert world.do("TTL", "k") == seconds


def test_a_key_exists_until_the_end_of_its_last_millisecond(world: World) -> None:
    world.do("SET", "k", "v", "PX", "10")
    world.clock.advance_ms(10)
    assert world.do("PTTL", "k") == 0
    world.clock.advance_ms(1)
    assert world.do("PTTL", "k") == -2


@pytest.mark.parametrize(
    ("command", "argument"), [("EXPIRE", 0), ("EXPIRE", -1), ("PEXPIRE", -(2**63)), ("EXPIREAT", 1), ("PEXPIREAT", 0)]
)
def test_a_time_in_the_past_deletes_the_key(world: World, command: str, argument: int) -> None:
    world.do("SET", "k", "v")
    journal = Journal(world)
    before = world.engine.keyspace.changes.since_save()
    assert world.do(command, "k", argument) == 1
    assert journal.take() == ["* k", "del k"]
    assert world.engine.keyspace.changes.since_save() - before == 1
    assert world.engine.keyspace.expired == 0


def test_expire_and_persist_notify_their_events(world: World) -> None:
    world.do("SET", "k", "v")
    journal = Journal(world)
    world.do("EXPIRE", "k", "100")
    assert journal.take() == ["* k", "expire k"]
    world.do("PERSIST", "k")
    assert journal.take() == ["* k", "persist k"]
    world.do("PERSIST", "k")
    world.do("EXPIRE", "none", "100")
    assert journal.take() == []


def test_persist_removes_the_time_to_live(world: World) -> None:
    world.do("SET", "k", "v", "EX", "100")
    assert world.do("PERSIST", "k") == 1
    assert world.do("PERSIST", "k") == 0
    assert world.do("PERSIST", "none") == 0
    assert world.do("TTL", "k") == -1


@pytest.mark.parametrize(
    ("current", "condition", "seconds", "done"),
    [
        ("", "NX", 100, True),
        ("100", "NX", 200, False),
        ("", "XX", 100, False),
        ("100", "XX", 50, True),
        ("", "GT", 100, False),
        ("100", "GT", 200, True),
        ("100", "GT", 100, False),
        ("100", "GT", 50, False),
        ("", "LT", 100, True),
        ("100", "LT", 50, True),
        ("100", "LT", 100, False),
        ("100", "LT", 200, False),
        ("100", "LT", -1, True),
        ("100", "GT", -1, False),
    ],
)
def test_conditions(world: World, current: str, condition: str, seconds: int, done: bool) -> None:
    world.do("SET", "k", "v", *(["EX", current] if current else []))
    assert world.do("EXPIRE", "k", seconds, condition.lower()) == done


@pytest.mark.parametrize("options", [("XX", "GT"), ("LT", "XX"), ("nx", "NX")])
def test_options_that_go_together(world: World, options: tuple[str, ...]) -> None:
    assert world.do("EXPIRE", "none", "100", *options) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("NX", "XX"), "NX and XX, GT or LT options at the same time are not compatible"),
        (("GT", "NX"), "NX and XX, GT or LT options at the same time are not compatible"),
        (("GT", "LT"), "GT and LT options at the same time are not compatible"),
        (("Foo",), "Unsupported option Foo"),
        (("Foo\x00bar",), "Unsupported option Foo"),
        (("NX", "XX", "foo"), "Unsupported option foo"),
    ],
)
@pytest.mark.parametrize("seconds", ["100", "x", str(2**63 - 1)])
def test_options_are_checked_before_the_time(
    world: World, options: tuple[str, ...], message: str, seconds: str
) -> None:
    assert world.do("EXPIRE", "none", seconds, *options) == Error(b"ERR %b" % message.encode())


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("EXPIRE", 2**63 - 1),
        ("EXPIRE", -(2**63)),
        ("EXPIRE", (2**63 - 1) // 1000),
        ("PEXPIRE", 2**63 - 1),
        ("EXPIREAT", (2**63 - 1) // 1000 + 1),
        ("EXPIREAT", -((2**63) // 1000) - 1),
    ],
)
def test_a_time_that_does_not_fit_is_refused_even_without_the_key(world: World, command: str, argument: int) -> None:
    expected = Error(b"ERR invalid expire time in '%b' command" % command.lower().encode())
    assert world.do(command, "none", argument) == expected


@pytest.mark.parametrize(("command", "argument"), [("EXPIREAT", (2**63 - 1) // 1000), ("PEXPIREAT", 2**63 - 1)])
def test_the_latest_possible_time_is_accepted(world: World, command: str, argument: int) -> None:
    world.do("SET", "k", "v")
    assert world.do(command, "k", argument) == 1
    assert world.do("EXISTS", "k") == 1


@pytest.mark.parametrize("command", ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"])
@pytest.mark.parametrize("argument", ["x", "1.5", "", str(2**63)])
def test_the_time_must_be_an_integer(world: World, command: str, argument: str) -> None:
    assert world.do(command, "none", argument) == NOT_AN_INTEGER


def test_lazy_expiry_notifies_its_event_and_does_not_count_as_dirty(world: World) -> None:
    world.do("SET", "k", "v", "PX", "5")
    world.clock.advance_ms(6)
    journal = Journal(world)
    before = world.engine.keyspace.changes.since_save()
    assert world.do("GET", "k") is None
    assert journal.events() == ["expired k", "keymiss k"]
    assert world.engine.keyspace.changes.since_save() == before
    assert world.engine.keyspace.expired == 1


def test_expire_of_an_expired_key_replies_with_zero(world: World) -> None:
    world.do("SET", "k", "v", "PX", "5")
    world.clock.advance_ms(6)
    assert world.do("EXPIRE", "k", "100") == 0
