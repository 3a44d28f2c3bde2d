"""The cells of the map, distances, and the ranges of scores in which a search looks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.commands import geohash

LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-85.05112878, 85.05112878)
PALERMO = (13.361389, 38.115556)
CATANIA = (15.087269, 37.502669)


def interleaved(row: int, column: int) -> int:
    return sum((row >> bit & 1) << 2 * bit | (column >> bit & 1) << 2 * bit + 1 for bit in range(32))


def test_cells_are_those_of_redis() -> None:
    assert geohash.cell_of(*PALERMO) == 3479099956230698
    assert geohash.cell_of(*CATANIA) == 3479447370796909
    assert geohash.cell_of(180.0, 85.05112878) == 13510798882111488


@given(LONGITUDES, LATITUDES, st.integers(1, 26))
def test_a_cell_has_the_bits_of_both_coordinates_in_turn(longitude: float, latitude: float, step: int) -> None:
    column = int((longitude + 180) / 360 * 2**step)
    row = int((latitude + 85.05112878) / 170.10225756 * 2**step)
    assert geohash.cell_of(longitude, latitude, step) == interleaved(row, column)


@given(LONGITUDES, LATITUDES)
def test_the_centre_of_a_cell_is_near_every_place_in_it(longitude: float, latitude: float) -> None:
    x, y = geohash.place_of(geohash.cell_of(longitude, latitude))
    assert abs(x - longitude) < 3e-6
    assert abs(y - latitude) < 2e-6


@given(st.floats(allow_nan=False))
def test_any_score_stands_for_a_place_on_the_map(score: float) -> None:
    assert geohash.is_on_map(*geohash.place_of(geohash.cell_of_score(score)))


@pytest.mark.parametrize(
    ("score", "cell"),
    [
        (1.9, 1),
        (-1.9, -1),
        (2.0**62, 2**62),
        (2.0**63, -(2**63)),
        (1e19, 10**19 - 2**64),
        (2.0**64, 0),
        (math.inf, 0),
        (-math.inf, -(2**63)),
    ],
)
def test_a_score_out_of_range_becomes_the_cell_number_that_c_on_x86_64_gives(score: float, cell: int) -> None:
    assert geohash.cell_of_score(score) == cell


def test_the_neighbour_of_a_cell_at_the_edge_is_at_the_opposite_edge() -> None:
    corner = geohash.cell_of(-180.0, -85.0, 2)
    assert geohash.neighbour(corner, 2, 1, 0) == interleaved(0, 1)
    assert geohash.neighbour(corner, 2, -1, 0) == interleaved(0, 3)
    assert geohash.neighbour(corner, 2, -1, -1) == interleaved(3, 3)


@pytest.mark.parametrize(("place", "text"), [(PALERMO, b"sqc8b49rny0"), (CATANIA, b"sqdtr74hyu0")])
def test_a_geohash_string_has_eleven_characters(place: tuple[float, float], text: bytes) -> None:
    assert geohash.text_of(geohash.cell_of(*place)) == text


def test_the_distance_between_two_places_is_that_of_redis() -> None:
    one = geohash.place_of(geohash.cell_of(*PALERMO))
    other = geohash.place_of(geohash.cell_of(*CATANIA))
    assert geohash.distance_text(geohash.distance(*one, *other)) == b"166274.1516"
    assert geohash.distance(*one, *one) == 0.0
    assert geohash.distance(7.0, 10.0, 7.0, 11.0) == pytest.approx(6372797.560856 * math.pi / 180)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_the_distance_there_is_the_distance_back(x: float, y: float, other_x: float, other_y: float) -> None:
    there = geohash.distance(x, y, other_x, other_y)
    assert geohash.distance(other_x, other_y, x, y) == pytest.approx(there, nan_ok=True)
    assert not there > math.pi * 6372797.560856 + 1


@pytest.mark.parametrize(
    ("distance", "text"),
    [(0.0, b"0.0000"), (0.00005, b"0.0000"), (0.00025, b"0.0002"), (12.3, b"12.3000"), (1e7, b"10000000.0000")],
)
def test_distances_have_four_decimals(distance: float, text: bytes) -> None:
    """The float 0.00025 is slightly more than that, but ten thousand times it is exactly 2.5, which rounds to 2."""
    assert geohash.distance_text(distance) == text


@given(LONGITUDES, LATITUDES, st.floats(0, 1e7), st.floats(0, 360), st.floats(0, 1))
def test_every_place_in_a_circle_is_in_one_of_its_ranges(
    longitude: float, latitude: float, radius: float, bearing: float, part: float
) -> None:
    """Circles that extend beyond the edge of the map are left out: there Redis misses places too."""
    degrees = radius / 111_000
    if abs(latitude) + degrees > 80 or abs(longitude) + degrees / math.cos(math.radians(80)) > 180:
        return
    x = longitude + part * degrees * math.sin(math.radians(bearing))
    y = latitude + part * degrees * math.cos(math.radians(bearing))
    shape = geohash.Shape(longitude, latitude, radius, radius, False, 1.0)
    cell = int(geohash.cell_of(x, y))
    if shape.distance_inside(*geohash.place_of(cell)) >= 0.0:
        assert any(low <= float(cell) < high for low, high in geohash.search_ranges(shape))


@pytest.mark.parametrize("radius", [0.0, 1e9, 1e300, math.inf])
def test_any_radius_gives_at_most_nine_ranges_without_overlap(radius: float) -> None:
    for latitude in (-85.0, 0.0, 85.0):
        ranges = geohash.search_ranges(geohash.Shape(0.1, latitude, radius, radius, False, 1000.0))
        assert 1 <= len(ranges) <= 9
        assert len(set(ranges)) == len(ranges)


def test_the_sides_of_a_box_follow_the_degrees() -> None:
    box = geohash.Shape(0.0, 0.0, 300.0, 100.0, True, 1000.0)
    assert box.distance_inside(1.3, 0.4) > 0.0
    assert box.distance_inside(1.4, 0.0) < 0.0
    assert box.distance_inside(0.0, 0.5) < 0.0
