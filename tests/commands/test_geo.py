"""Places in sorted sets: GEOADD, GEOPOS, GEOHASH, GEODIST."""

from __future__ import annotations

import pytest

from tests.support.engine import World
from tests.support.keys import Watched, add_foreign, encoding

WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
SYNTAX = b"-ERR syntax error\r\n"
NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
NULL = b"$-1\r\n"
PALERMO = ("13.361389", "38.115556", "Palermo")
CATANIA = ("15.087269", "37.502669", "Catania")


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def sicily(world: World) -> World:
    world.do("GEOADD", "k", *PALERMO, *CATANIA)
    return world


@pytest.mark.parametrize(
    "words",
    [
        ("GEOADD", "f", *PALERMO),
        ("GEOPOS", "f"),
        ("GEOHASH", "f", "a"),
        ("GEODIST", "f", "a", "b"),
    ],
)
def test_a_key_of_another_type_is_refused(world: World, words: tuple[str, ...]) -> None:
    add_foreign(world)
    assert world.do(*words) == WRONG_TYPE


def test_a_place_is_stored_as_a_score(sicily: World) -> None:
    assert sicily.do("ZSCORE", "k", "Palermo") == bulk(b"3479099956230698")
    assert sicily.do("TYPE", "k") == b"+zset\r\n"
    assert encoding(sicily) == "listpack"


def test_geoadd_replies_with_the_number_of_new_members(world: World) -> None:
    assert world.do("GEOADD", "k", *PALERMO, *CATANIA) == b":2\r\n"
    assert world.do("GEOADD", "k", "1", "1", "Palermo", "2", "2", "x") == b":1\r\n"
    assert world.do("GEOADD", "k", "CH", "3", "3", "Palermo", "2", "2", "x") == b":1\r\n"


def test_geoadd_obeys_nx_xx_and_ch(world: World) -> None:
    assert world.do("GEOADD", "k", "XX", *PALERMO) == b":0\r\n"
    assert world.do("EXISTS", "k") == b":0\r\n"
    assert world.do("GEOADD", "k", "NX", *PALERMO) == b":1\r\n"
    assert world.do("GEOADD", "k", "nx", "ch", "1", "1", "Palermo") == b":0\r\n"
    assert world.do("GEOADD", "k", "XX", "CH", "1", "1", "Palermo", *CATANIA) == b":1\r\n"
    assert world.do("ZCARD", "k") == b":1\r\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("NX", "XX", *PALERMO), SYNTAX),
        (("1", "1", "a", "2"), SYNTAX),
        (("NX", "CH", "NX"), SYNTAX),
        (("x", "1", "a"), NOT_A_FLOAT),
        (("1", "nan", "a"), NOT_A_FLOAT),
        (("181", "1", "a"), b"-ERR invalid longitude,latitude pair 181.000000,1.000000\r\n"),
        (("1", "-86", "a"), b"-ERR invalid longitude,latitude pair 1.000000,-86.000000\r\n"),
        ((*PALERMO, "inf", "0", "a"), b"-ERR invalid longitude,latitude pair inf,0.000000\r\n"),
    ],
)
def test_geoadd_refuses_bad_arguments_and_creates_no_key(world: World, words: tuple[str, ...], error: bytes) -> None:
    assert world.do("GEOADD", "k", *words) == error
    assert world.do("EXISTS", "k") == b":0\r\n"


def test_geoadd_is_notified_as_zadd(world: World) -> None:
    watched = Watched(world)
    assert watched.by("GEOADD", "k", *PALERMO, *CATANIA) == (["zadd k"], 2)
    assert watched.by("GEOADD", "k", *PALERMO) == ([], 0)


def test_geopos_replies_with_coordinates_or_null(sicily: World) -> None:
    palermo = b"*2\r\n" + bulk(b"13.36138933897018433") + bulk(b"38.11555639549629859")
    assert sicily.do("GEOPOS", "k", "Palermo", "none") == b"*2\r\n" + palermo + b"*-1\r\n"
    assert sicily.do("GEOPOS", "k") == b"*0\r\n"
    assert sicily.do("GEOPOS", "none", "a", "b") == b"*2\r\n*-1\r\n*-1\r\n"


def test_geopos_replies_with_doubles_under_resp3(sicily: World) -> None:
    sicily.do("HELLO", "3")
    palermo = b"*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n"
    assert sicily.do("GEOPOS", "k", "Palermo", "none") == b"*2\r\n" + palermo + b"_\r\n"


def test_the_corner_of_the_map_is_a_place(world: World) -> None:
    world.do("GEOADD", "k", "180", "85.05112878", "a")
    assert world.do("ZSCORE", "k", "a") == bulk(b"13510798882111488")
    assert world.do("GEOPOS", "k", "a") == b"*1\r\n*2\r\n" + bulk(b"180") + bulk(b"85.0511287799999991")


def test_geohash_replies_with_strings_or_null(sicily: World) -> None:
    assert sicily.do("GEOHASH", "k", "Palermo", "none") == b"*2\r\n" + bulk(b"sqc8b49rny0") + NULL
    assert sicily.do("GEOHASH", "none", "a") == b"*1\r\n" + NULL


@pytest.mark.parametrize(
    ("unit", "text"),
    [((), b"166274.1516"), (("km",), b"166.2742"), (("MI",), b"103.3182"), (("Ft",), b"545518.8700")],
)
def test_geodist_replies_in_the_unit_that_is_given(sicily: World, unit: tuple[str, ...], text: bytes) -> None:
    assert sicily.do("GEODIST", "k", "Palermo", "Catania", *unit) == bulk(text)


def test_geodist_of_a_missing_member_is_null(sicily: World) -> None:
    assert sicily.do("GEODIST", "k", "Palermo", "none") == NULL
    assert sicily.do("GEODIST", "none", "a", "b") == NULL


def test_geodist_checks_the_unit_first(world: World) -> None:
    add_foreign(world)
    unknown = b"-ERR unsupported unit provided. please use M, KM, FT, MI\r\n"
    assert world.do("GEODIST", "f", "a", "b", "yd") == unknown
    assert world.do("GEODIST", "f", "a", "b", "yd", "x") == SYNTAX
