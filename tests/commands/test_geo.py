"""Places in sorted sets: GEOADD, GEOPOS, GEOHASH, GEODIST."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign, encoding
from tests.support.replies import NOT_A_FLOAT, NULL_ARRAY, SYNTAX_ERROR, WRONG_TYPE, Double, Error, Reply, Simple
from tests.support.world import World

PALERMO = ("13.361389", "38.115556", "Palermo")
CATANIA = ("15.087269", "37.502669", "Catania")


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
    assert sicily.do("ZSCORE", "k", "Palermo") == b"3479099956230698"
    assert sicily.do("TYPE", "k") == Simple(b"zset")
    assert encoding(sicily) == "listpack"


def test_geoadd_replies_with_the_number_of_new_members(world: World) -> None:
    assert world.do("GEOADD", "k", *PALERMO, *CATANIA) == 2
    assert world.do("GEOADD", "k", "1", "1", "Palermo", "2", "2", "x") == 1
    assert world.do("GEOADD", "k", "CH", "3", "3", "Palermo", "2", "2", "x") == 1


def test_geoadd_obeys_nx_xx_and_ch(world: World) -> None:
    assert world.do("GEOADD", "k", "XX", *PALERMO) == 0
    assert world.do("EXISTS", "k") == 0
    assert world.do("GEOADD", "k", "NX", *PALERMO) == 1
    assert world.do("GEOADD", "k", "nx", "ch", "1", "1", "Palermo") == 0
    assert world.do("GEOADD", "k", "XX", "CH", "1", "1", "Palermo", *CATANIA) == 1
    assert world.do("ZCARD", "k") == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("NX", "XX", *PALERMO), SYNTAX_ERROR),
        (("1", "1", "a", "2"), SYNTAX_ERROR),
        (("NX", "CH", "NX"), SYNTAX_ERROR),
        (("x", "1", "a"), NOT_A_FLOAT),
        (("1", "nan", "a"), NOT_A_FLOAT),
        (("181", "1", "a"), Error(b"ERR invalid longitude,latitude pair 181.000000,1.000000")),
        (("1", "-86", "a"), Error(b"ERR invalid longitude,latitude pair 1.000000,-86.000000")),
        ((*PALERMO, "inf", "0", "a"), Error(b"ERR invalid longitude,latitude pair inf,0.000000")),
    ],
)
def test_geoadd_refuses_bad_arguments_and_creates_no_key(world: World, words: tuple[str, ...], error: Reply) -> None:
    assert world.do("GEOADD", "k", *words) == error
    assert world.do("EXISTS", "k") == 0


def test_geoadd_is_notified_as_zadd(world: World) -> None:
    watched = Watched(world)
    assert watched.by("GEOADD", "k", *PALERMO, *CATANIA) == (["zadd k"], 2)
    assert watched.by("GEOADD", "k", *PALERMO) == ([], 0)


def test_geopos_replies_with_coordinates_or_null(sicily: World) -> None:
    palermo = [b"13.36138933897018433", b"38.11555639549629859"]
    assert sicily.do("GEOPOS", "k", "Palermo", "none") == [palermo, NULL_ARRAY]
    assert sicily.do("GEOPOS", "k") == []
    assert sicily.do("GEOPOS", "none", "a", "b") == [NULL_ARRAY, NULL_ARRAY]


def test_geopos_replies_with_doubles_under_resp3(sicily: World) -> None:
    sicily.do("HELLO", "3")
    palermo = [Double(b"13.36138933897018433"), Double(b"38.11555639549629859")]
    assert sicily.do("GEOPOS", "k", "Palermo", "none") == [palermo, None]


def test_the_corner_of_the_map_is_a_valid_place(world: World) -> None:
    world.do("GEOADD", "k", "180", "85.05112878", "a")
    assert world.do("ZSCORE", "k", "a") == b"13510798882111488"
    assert world.do("GEOPOS", "k", "a") == [[b"180", b"85.0511287799999991"]]


def test_geohash_replies_with_strings_or_null(sicily: World) -> None:
    assert sicily.do("GEOHASH", "k", "Palermo", "none") == [b"sqc8b49rny0", None]
    assert sicily.do("GEOHASH", "none", "a") == [None]


@pytest.mark.parametrize(
    ("unit", "text"),
    [((), b"166274.1516"), (("km",), b"166.2742"), (("MI",), b"103.3182"), (("Ft",), b"545518.8700")],
)
def test_geodist_replies_in_the_unit_that_is_given(sicily: World, unit: tuple[str, ...], text: bytes) -> None:
    assert sicily.do("GEODIST", "k", "Palermo", "Catania", *unit) == text


def test_geodist_of_a_missing_member_is_null(sicily: World) -> None:
    assert sicily.do("GEODIST", "k", "Palermo", "none") is None
    assert sicily.do("GEODIST", "none", "a", "b") is None


def test_geodist_checks_the_unit_first(world: World) -> None:
    add_foreign(world)
    unknown = Error(b"ERR unsupported unit provided. please use M, KM, FT, MI")
    assert world.do("GEODIST", "f", "a", "b", "yd") == unknown
    assert world.do("GEODIST", "f", "a", "b", "yd", "x") == SYNTAX_ERROR


def test_since_8_2_coordinates_have_as_few_digits_as_identify_them() -> None:
    for version, expected in (
        ("7.4.1", [b"13.36138933897018433", b"38.11555639549629859"]),
        ("8.2.3", [b"13.361389338970184", b"38.1155563954963"]),
    ):
        one = World(redis_version=version)
        one.do("GEOADD", "g", *PALERMO)
        assert one.do("GEOPOS", "g", "Palermo") == [expected]
        search = ("GEOSEARCH", "g", "FROMMEMBER", "Palermo", "BYRADIUS", "1", "m", "WITHCOORD")
        assert one.do(*search) == [[b"Palermo", expected]]


def test_since_8_2_small_coordinates_have_an_exponent() -> None:
    newer = World(redis_version="8.2.3", protocol=3)
    newer.do("GEOADD", "g", "0", "0", "o")
    assert newer.do("GEOPOS", "g", "o") == [[Double(b"2.682209014892578e-6"), Double(b"1.2673605809254695e-6")]]
