"""Searching for places: GEOSEARCH, GEORADIUS and their variants."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign
from tests.support.replies import SYNTAX_ERROR, WRONG_TYPE, Double, Error
from tests.support.world import World

PLACES = (
    *("13.361389", "38.115556", "Palermo"),
    *("15.087269", "37.502669", "Catania"),
    *("12.758489", "38.788135", "edge1"),
    *("17.241510", "38.788135", "edge2"),
)
HERE = ("FROMLONLAT", "15", "37")


@pytest.fixture
def sicily(world: World) -> World:
    world.do("GEOADD", "k", *PLACES)
    return world


CALLS = [
    ("GEOSEARCH", "f", *HERE, "BYRADIUS", "1", "m"),
    ("GEOSEARCHSTORE", "k", "f", *HERE, "BYRADIUS", "1", "m"),
    ("GEORADIUS", "f", "x", "y", "1", "m"),
    ("GEORADIUS_RO", "f", "1", "1", "1", "m"),
    ("GEORADIUSBYMEMBER", "f", "a", "x", "m"),
    ("GEORADIUSBYMEMBER_RO", "f", "a", "1", "m"),
]


@pytest.mark.parametrize("words", CALLS)
def test_a_key_of_another_type_is_refused(world: World, words: tuple[str, ...]) -> None:
    add_foreign(world)
    assert world.do(*words) == WRONG_TYPE


def test_a_search_in_a_circle_finds_the_members_inside(sicily: World) -> None:
    assert sicily.do("GEOSEARCH", "k", *HERE, "BYRADIUS", "200", "km", "ASC") == [b"Catania", b"Palermo"]
    assert sicily.do("GEOSEARCH", "k", *HERE, "BYRADIUS", "200", "km", "desc") == [b"Palermo", b"Catania"]
    assert sicily.do("GEORADIUS", "k", "15", "37", "200", "km", "ASC") == [b"Catania", b"Palermo"]
    assert sicily.do("GEORADIUS_RO", "k", "15", "37", "100", "km") == [b"Catania"]


def test_a_search_around_a_member_finds_the_member_too(sicily: World) -> None:
    found = [b"Palermo", b"edge1"]
    assert sicily.do("GEORADIUSBYMEMBER", "k", "Palermo", "100", "km", "ASC") == found
    assert sicily.do("GEORADIUSBYMEMBER_RO", "k", "Palermo", "100", "km", "ASC") == found
    assert sicily.do("GEOSEARCH", "k", "BYRADIUS", "100", "km", "FROMMEMBER", "Palermo", "ASC") == found


def test_a_search_in_a_box_replies_with_all_parts(sicily: World) -> None:
    reply = sicily.do(
        "GEOSEARCH", "k", *HERE, "BYBOX", "400", "400", "km", "COUNT", 1, "WITHHASH", "WITHCOORD", "WITHDIST"
    )
    place = [b"15.08726745843887329", b"37.50266842333162032"]
    assert reply == [[b"Catania", b"56.4413", 3479447370796909, place]]


def test_coordinates_are_doubles_under_resp3_and_distances_are_not(sicily: World) -> None:
    sicily.do("HELLO", "3")
    reply = sicily.do("GEOSEARCH", "k", *HERE, "BYRADIUS", "100", "km", "WITHCOORD", "WITHDIST")
    place = [Double(b"15.08726745843887329"), Double(b"37.50266842333162032")]
    assert reply == [[b"Catania", b"56.4413", place]]


def test_without_asc_or_desc_members_come_in_the_order_of_the_cells(sicily: World) -> None:
    search = ("GEOSEARCH", "k", *HERE, "BYRADIUS", "20000", "km")
    assert sicily.do(*search) == [b"Palermo", b"edge1", b"Catania", b"edge2"]
    assert sicily.do(*search, "COUNT", "2", "ANY") == [b"Palermo", b"edge1"]


def test_count_keeps_the_nearest(sicily: World) -> None:
    search = ("GEOSEARCH", "k", *HERE, "BYRADIUS", "20000", "km")
    assert sicily.do(*search, "COUNT", "2") == [b"Catania", b"Palermo"]
    assert sicily.do(*search, "COUNT", "2", "DESC") == [b"edge1", b"edge2"]
    assert sicily.do(*search, "COUNT", "3", "ANY", "ASC") == [b"Catania", b"Palermo", b"edge1"]


def test_nothing_found_is_an_empty_array(sicily: World) -> None:
    assert sicily.do("GEOSEARCH", "k", "FROMLONLAT", "0", "0", "BYRADIUS", "1", "m") == []
    assert sicily.do("GEOSEARCH", "none", *HERE, "BYRADIUS", "1", "m") == []
    assert sicily.do("GEORADIUSBYMEMBER", "none", "a", "not looked at", "m") == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("FROMLONLAT", "x", "1"), b"value is not a valid float"),
        (("FROMLONLAT", "181", "1"), b"invalid longitude,latitude pair 181.000000,1.000000"),
        (("FROMLONLAT", "1"), b"syntax error"),
        (("FROMMEMBER", "none"), b"could not decode requested zset member"),
        (("FROMMEMBER", "Palermo", "FROMLONLAT", "1", "1"), b"syntax error"),
        (("BYRADIUS", "x", "m"), b"need numeric radius"),
        (("BYRADIUS", "-1", "m"), b"radius cannot be negative"),
        (("BYRADIUS", "1", "yd"), b"unsupported unit provided. please use M, KM, FT, MI"),
        (("BYBOX", "1", "x", "m"), b"need numeric height"),
        (("BYBOX", "x", "1", "m"), b"need numeric width"),
        (("BYBOX", "1", "-1", "m"), b"height or width cannot be negative"),
        (("BYBOX", "1", "1"), b"syntax error"),
        (("BYRADIUS", "1", "m", "BYBOX", "1", "1", "m"), b"syntax error"),
        (("COUNT", "x"), b"value is not an integer or out of range"),
        (("COUNT", "0"), b"COUNT must be > 0"),
        (("COUNT",), b"syntax error"),
        (("STOREDIST",), b"syntax error"),
        (("STORE", "x"), b"syntax error"),
    ],
)
def test_bad_arguments_are_refused(sicily: World, words: tuple[str, ...], error: bytes) -> None:
    call = ("GEOSEARCH", "k", *words, "ASC", "ASC", "ASC", "ASC", "ASC")
    if words == ("COUNT",) or (len(words) == 2 and words[0] == "FROMLONLAT") or words == ("BYBOX", "1", "1"):
        call = ("GEOSEARCH", "k", "ASC", "ASC", "ASC", "ASC", "ASC", *words)
    assert sicily.do(*call) == Error(b"ERR %b" % error)


def test_a_search_needs_a_place_and_a_shape(sicily: World) -> None:
    assert sicily.do("GeoSearch", "k", *HERE, "ASC", "ASC") == Error(
        b"ERR exactly one of BYRADIUS and BYBOX can be specified for GeoSearch"
    )
    assert sicily.do("GEOSEARCH", "k", "BYRADIUS", "1", "m", "ASC", "ASC") == Error(
        b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"
    )
    assert sicily.do("GEOSEARCH", "k", *HERE, "BYRADIUS", "1", "m", "ANY") == Error(
        b"ERR the ANY argument requires COUNT argument"
    )


def test_a_stored_result_keeps_the_scores(sicily: World) -> None:
    assert sicily.do("GEOSEARCHSTORE", "d", "k", *HERE, "BYRADIUS", "200", "km") == 2
    assert sicily.do("ZSCORE", "d", "Palermo") == b"3479099956230698"
    assert sicily.do("GEORADIUS", "k", "15", "37", "100", "km", "STORE", "d") == 1
    assert sicily.do("ZRANGE", "d", "0", "-1") == [b"Catania"]


def test_storedist_makes_distances_the_scores(sicily: World) -> None:
    assert sicily.do("GEOSEARCHSTORE", "d", "k", *HERE, "BYRADIUS", "200", "km", "STOREDIST") == 2
    assert sicily.do("ZRANGE", "d", "0", "-1") == [b"Catania", b"Palermo"]
    assert sicily.do("ZCOUNT", "d", "56.4412", "56.4413") == 1
    assert sicily.do("GEORADIUSBYMEMBER", "k", "Palermo", "1", "m", "STOREDIST", "d") == 1
    assert sicily.do("ZSCORE", "d", "Palermo") == b"0"


def test_storing_an_empty_result_deletes_the_destination(sicily: World) -> None:
    nowhere = ("FROMLONLAT", "0", "0", "BYRADIUS", "1", "m")
    sicily.do("SET", "d", "x")
    assert sicily.do("GEOSEARCHSTORE", "d", "k", *nowhere) == 0
    assert sicily.do("EXISTS", "d") == 0
    sicily.do("SET", "d", "x")
    assert sicily.do("GEOSEARCHSTORE", "d", "none", *nowhere) == 0
    assert sicily.do("EXISTS", "d") == 0


def test_storing_removes_the_expire_time_of_the_destination(sicily: World) -> None:
    sicily.do("SET", "d", "x", "EX", "100")
    sicily.do("GEOSEARCHSTORE", "d", "k", *HERE, "BYRADIUS", "200", "km")
    assert sicily.do("TTL", "d") == -1


def test_the_destination_may_be_the_source(sicily: World) -> None:
    assert sicily.do("GEOSEARCHSTORE", "k", "k", *HERE, "BYRADIUS", "200", "km") == 2
    assert sicily.do("ZCARD", "k") == 2


@pytest.mark.parametrize("part", ["WITHDIST", "WITHHASH", "WITHCOORD"])
def test_a_stored_result_refuses_distance_hash_and_coordinates(sicily: World, part: str) -> None:
    reason = b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
    assert sicily.do("GEOSEARCHSTORE", "d", "k", *HERE, "BYRADIUS", "1", "m", part) == Error(
        b"ERR GEOSEARCHSTORE" + reason
    )
    radius = ("GEORADIUS", "k", "15", "37", "1", "m", part, "STORE", "d")
    assert sicily.do(*radius) == Error(b"ERR STORE option in GEORADIUS" + reason)


def test_read_only_variants_do_not_store(sicily: World) -> None:
    assert sicily.do("GEORADIUS_RO", "k", "15", "37", "1", "km", "STORE", "d") == SYNTAX_ERROR
    assert sicily.do("GEORADIUSBYMEMBER_RO", "k", "Palermo", "1", "km", "STOREDIST", "d") == SYNTAX_ERROR


def test_storing_notifies_and_counts_changes(sicily: World) -> None:
    watched = Watched(sicily)
    near = ("BYRADIUS", "200", "km")
    assert watched.by("GEOSEARCHSTORE", "d", "k", *HERE, *near) == (["geosearchstore d"], 2)
    assert watched.by("GEORADIUS", "k", "15", "37", "200", "km", "STORE", "d") == (["georadiusstore d"], 2)
    assert watched.by("GEORADIUS", "k", "0", "0", "1", "km", "STORE", "d") == (["del d"], 1)
    assert watched.by("GEORADIUS", "k", "0", "0", "1", "km", "STORE", "d") == ([], 0)


def test_getkeys_finds_the_destination_after_store(world: World) -> None:
    call = ("COMMAND", "GETKEYS", "GEORADIUS", "k", "1", "1", "1", "m")
    assert world.do(*call) == [b"k"]
    assert world.do(*call, "STORE", "d") == [b"k", b"d"]


def test_a_search_goes_through_many_members(world: World) -> None:
    """The members are in a skiplist, and a cell has more of them than are fetched at a time."""
    for number in range(0, 1000, 100):
        places = [word for at in range(number, number + 100) for word in (f"{at / 1000}", "0.5", f"m{at:03d}")]
        world.do("GEOADD", "k", *places)
    search = ("GEOSEARCH", "k", "FROMLONLAT", "0.5", "0.5", "BYBOX", "1000", "1000", "km")
    nearest_first = world.do(*search, "ASC")
    assert len(nearest_first) == 1000
    assert nearest_first[0] == b"m500"
    assert len(world.do(*search, "COUNT", "700", "ANY")) == 700
    assert world.do(*search, "COUNT", "1", "DESC") in ([b"m000"], [b"m999"])
    assert world.do("GEOSEARCHSTORE", "d", *search[1:]) == 1000
