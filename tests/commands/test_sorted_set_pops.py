"""Popping members from the ends of sorted sets, at once or when the blocked client is served."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_sorted_set
from tests.support.keys import Watched
from tests.support.local import local_engine
from tests.support.replies import BAD_NUMKEYS, NOT_POSITIVE, NULL_ARRAY, SYNTAX_ERROR, Double, Error, Reply, bulks
from tests.support.wire import Array, Bulk, Integer, request
from tests.support.world import World

BAD_COUNT = Error(b"ERR count should be greater than 0")


@pytest.mark.parametrize("count", [5, 500])
def test_members_are_popped_from_either_end(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZPOPMIN", "z") == [b"m0", b"0"]
    assert world.do("ZPOPMAX", "z", "2") == bulks(
        b"m%d" % (count - 1), b"%d" % (count - 1), b"m%d" % (count - 2), b"%d" % (count - 2)
    )
    assert world.do("ZCARD", "z") == count - 3


def test_pairs_are_nested_under_resp3_if_a_count_was_given(world: World) -> None:
    fill_sorted_set(world)
    world.do("HELLO", "3")
    assert world.do("ZPOPMIN", "z") == [b"m0", Double(b"0")]
    assert world.do("ZPOPMIN", "z", "1") == [[b"m1", Double(b"1")]]


def test_popping_from_a_missing_key_gives_nothing(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZPOPMIN", "none") == []
    assert world.do("ZPOPMAX", "none", "3") == []
    assert world.do("ZPOPMAX", "z", "0") == []
    assert world.do("ZCARD", "z") == 5


@pytest.mark.parametrize("count", ["-1", "x", "9223372036854775808"])
def test_a_count_must_be_positive(world: World, count: str) -> None:
    assert world.do("ZPOPMIN", "z", count) == NOT_POSITIVE


def test_popping_notifies_one_event_and_deletes_the_key_with_the_last_member(world: World) -> None:
    fill_sorted_set(world)
    watched = Watched(world)
    assert watched.by("ZPOPMIN", "z") == (["zpopmin z"], 1)
    assert watched.by("ZPOPMAX", "z", "2") == (["zpopmax z"], 2)
    assert watched.by("ZPOPMIN", "z", "100") == (["zpopmin z", "del z"], 2)
    assert watched.by("ZPOPMIN", "z") == ([], 0)


def test_zmpop_pops_from_the_first_key_that_exists(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZMPOP", "2", "none", "z", "max", "COUNT", "2") == ([b"z", [[b"m4", b"4"], [b"m3", b"3"]]])
    assert world.do("ZMPOP", "1", "none", "MIN") == NULL_ARRAY


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("0 z MIN", BAD_NUMKEYS),
        ("x z MIN", BAD_NUMKEYS),
        ("2 z MIN", SYNTAX_ERROR),
        ("1 z MID", SYNTAX_ERROR),
        ("1 z MIN COUNT", SYNTAX_ERROR),
        ("1 z MIN COUNT 0", BAD_COUNT),
        ("1 z MIN COUNT x", BAD_COUNT),
        ("1 z MIN COUNT 1 COUNT 1", SYNTAX_ERROR),
    ],
)
def test_zmpop_refuses_bad_arguments(world: World, words: str, error: Reply) -> None:
    assert world.do("ZMPOP", *words.split()) == error
    assert world.do("BZMPOP", "0", *words.split()) == error


def test_the_blocking_forms_do_not_block_if_there_is_a_member(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("BZPOPMIN", "none", "z", "0") == [b"z", b"m0", b"0"]
    assert world.do("BZPOPMAX", "z", "0") == [b"z", b"m4", b"4"]
    assert world.do("BZMPOP", "0", "1", "z", "MIN") == [b"z", [[b"m1", b"1"]]]


@pytest.mark.parametrize(
    ("timeout", "error"),
    [("x", Error(b"ERR timeout is not a float or out of range")), ("-1", Error(b"ERR timeout is negative"))],
)
def test_timeouts_are_checked_before_the_keys(world: World, timeout: str, error: Reply) -> None:
    world.do("SET", "f", "x")
    assert world.do("BZPOPMIN", "f", timeout) == error
    assert world.do("BZMPOP", timeout, "1", "f", "MIN") == error


def test_a_blocked_client_is_served_when_there_is_a_member() -> None:
    local = local_engine()
    first, second, other = local.client(), local.client(), local.client()
    assert first.raw(request("BZPOPMIN", "a", "z", "0")) == []
    assert second.raw(request("BZMPOP", "0", "1", "z", "MAX", "COUNT", "5")) == []
    assert other.do("ZADD", "z", "1", "x", "2", "y", "3", "w") == Integer(3)
    assert first.raw(b"") == [Array((Bulk(b"z"), Bulk(b"x"), Bulk(b"1")))]
    pairs = (Array((Bulk(b"w"), Bulk(b"3"))), Array((Bulk(b"y"), Bulk(b"2"))))
    assert second.raw(b"") == [Array((Bulk(b"z"), Array(pairs)))]
    assert other.do("EXISTS", "z") == Integer(0)
    local.assert_sound()


def test_a_blocked_client_is_served_by_a_stored_result_and_not_by_another_type() -> None:
    local = local_engine()
    waiting, other = local.client(), local.client()
    assert waiting.raw(request("BZPOPMAX", "z", "0")) == []
    other.do("RPUSH", "z", "x")
    assert waiting.raw(b"") == []
    other.do("DEL", "z")
    other.do("SADD", "s", "m")
    other.do("ZUNIONSTORE", "z", "1", "s")
    assert waiting.raw(b"") == [Array((Bulk(b"z"), Bulk(b"m"), Bulk(b"1")))]


def test_a_timeout_may_be_a_fraction_of_a_second() -> None:
    local = local_engine()
    waiting = local.client()
    assert waiting.raw(request("BZPOPMIN", "z", "0.25")) == []
    local.pass_time(200)
    assert waiting.raw(b"") == []
    local.pass_time(200)
    assert len(waiting.raw(b"")) == 1


def test_no_command_blocks_in_a_transaction(world: World) -> None:
    world.do("MULTI")
    world.do("BZPOPMIN", "z", "0")
    world.do("BZMPOP", "0", "1", "z", "MIN")
    assert world.do("EXEC") == [NULL_ARRAY, NULL_ARRAY]
