"""Places on the Earth as 52-bit numbers, and how to find the places near another.

A grid divides the map of the Mercator projection, which leaves out the poles, into cells, and a place is stored as the
number of its cell. Longitude and latitude, with ``step`` bits each, count the columns and rows of the grid; the number
of a cell interleaves the bits of the two, longitude first:

    step 2        0101  0111  1101  1111        latitude 3
                  0100  0110  1100  1110
                  0001  0011  1001  1011
                  0000  0010  1000  1010        latitude 0
              longitude 0           3

so the smaller cells inside a cell have consecutive numbers. In a set that is ordered by cell number (with step 26), the
places inside a larger cell are one range, and the places near a given one are nine ranges at most: its own cell and the
eight around it. The constants, the formulas and the order of evaluation are those of Redis 7.2 (geohash.c,
geohash_helper.c), because every bit of them shows in replies.
"""

from __future__ import annotations

import math
from typing import Final

from mypy_extensions import i64

LONGITUDE_LIMIT: Final = 180.0
LATITUDE_LIMIT: Final = 85.05112878
#: Bits of each coordinate in a stored number.
STEPS: Final = 26
_POLE: Final = 90.0

_EARTH_RADIUS: Final = 6372797.560856  # metres
_RADIANS: Final = math.pi / 180.0  # one degree
_HALF_MERCATOR: Final = 20037726.37  # metres from the edge of the projection to its middle
# Nearer to a pole than these latitudes the cells are so narrow that the search takes a coarser grid.
_WIDE_LATITUDE: Final = 66.0
_WIDER_LATITUDE: Final = 80.0

_EVEN_BITS: Final = 0x5555555555555555
_PAIRS: Final = 0x3333333333333333
_NIBBLES: Final = 0x0F0F0F0F0F0F0F0F
_BYTES: Final = 0x00FF00FF00FF00FF
_WORDS: Final = 0x0000FFFF0000FFFF
_LOW_WORD: Final = 0xFFFFFFFF

_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_TEXT_CHARACTERS: Final = 10
_TEXT_BITS: Final = 5

_INT64_MIN: Final = -(2**63)


# Numbers of cells.


def _spread(number: i64) -> i64:
    """Move the low 32 bits of a number to the even bits of 64."""
    number = (number | number << 16) & _WORDS
    number = (number | number << 8) & _BYTES
    number = (number | number << 4) & _NIBBLES
    number = (number | number << 2) & _PAIRS
    return (number | number << 1) & _EVEN_BITS


def _gather(number: i64) -> i64:
    """Move the even bits of a number to its low 32 bits, the reverse of `_spread`."""
    number &= _EVEN_BITS
    number = (number | number >> 1) & _PAIRS
    number = (number | number >> 2) & _NIBBLES
    number = (number | number >> 4) & _BYTES
    number = (number | number >> 8) & _WORDS
    return (number | number >> 16) & _LOW_WORD


def _cell(row: i64, column: i64) -> i64:
    return _spread(row) | _spread(column) << 1


def _row(cell: i64) -> i64:
    return _gather(cell)


def _column(cell: i64) -> i64:
    return _gather(cell >> 1)


def is_on_map(longitude: float, latitude: float) -> bool:
    """Whether the map covers a place, so that it has a cell."""
    return -LONGITUDE_LIMIT <= longitude <= LONGITUDE_LIMIT and -LATITUDE_LIMIT <= latitude <= LATITUDE_LIMIT


def cell_of(longitude: float, latitude: float, step: i64 = STEPS, latitude_limit: float = LATITUDE_LIMIT) -> i64:
    """The cell of a place on the map.

    The easternmost longitude and the northernmost latitude lie in an extra column and an extra row.
    """
    size: i64 = 1
    size <<= step
    row = (latitude + latitude_limit) / (latitude_limit + latitude_limit) * float(size)
    column = (longitude + LONGITUDE_LIMIT) / (LONGITUDE_LIMIT + LONGITUDE_LIMIT) * float(size)
    return _cell(int(row), int(column))


def cell_of_score(score: float) -> i64:
    """The cell number that a score means; if out of range, what Redis's C conversion gives on x86-64."""
    if -(2.0**63) <= score < 2.0**63:
        return int(score)
    if 2.0**63 <= score < 2.0**64:
        return int(score) - 2**64
    return 0 if score > 0.0 else _INT64_MIN


def place_of(cell: i64) -> tuple[float, float]:
    """Longitude and latitude of the centre of a stored cell."""
    area = Area(cell, STEPS)
    longitude = (area.west + area.east) / 2.0
    latitude = (area.south + area.north) / 2.0
    if longitude > LONGITUDE_LIMIT:
        longitude = LONGITUDE_LIMIT
    if latitude > LATITUDE_LIMIT:
        latitude = LATITUDE_LIMIT
    return longitude, latitude


class Area:
    """The edges of a cell, in degrees."""

    def __init__(self, cell: i64, step: i64) -> None:
        size: i64 = 1
        size <<= step
        count = float(size)
        row = _row(cell)
        column = _column(cell)
        height = LATITUDE_LIMIT + LATITUDE_LIMIT
        width = LONGITUDE_LIMIT + LONGITUDE_LIMIT
        self.south: float = -LATITUDE_LIMIT + float(row) / count * height
        self.north: float = -LATITUDE_LIMIT + float((row + 1) & _LOW_WORD) / count * height
        self.west: float = -LONGITUDE_LIMIT + float(column) / count * width
        self.east: float = -LONGITUDE_LIMIT + float((column + 1) & _LOW_WORD) / count * width


def neighbour(cell: i64, step: i64, east: i64, north: i64) -> i64:
    """The cell next to another; beyond an edge of the map comes the opposite edge.

    ``east`` and ``north`` are -1, 0 or 1.
    """
    size: i64 = 1
    size <<= step
    row = _row(cell)
    column = _column(cell)
    if east != 0:
        column = (column + east) & (size - 1)
    if north != 0:
        row = (row + north) & (size - 1)
    return _cell(row, column)


def text_of(cell: i64) -> bytes:
    """The place of a stored cell as a standard geohash, whose map includes the poles.

    It has 11 characters of 5 bits each. A cell has only 52 bits: they fill 10 characters, and the last one is always 0.
    """
    longitude, latitude = place_of(cell)
    common = cell_of(longitude, latitude, STEPS, _POLE)
    text = bytearray()
    for at in range(_TEXT_CHARACTERS):
        shift: i64 = 2 * STEPS - (at + 1) * _TEXT_BITS
        text.append(_ALPHABET[common >> shift & 31])
    return bytes(text) + _ALPHABET[:1]


# Distances, in metres.


def _latitude_distance(one: float, other: float) -> float:
    return _EARTH_RADIUS * abs(other * _RADIANS - one * _RADIANS)


def distance(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """The distance between two places on a sphere, by the haversine formula."""
    across = math.sin((other_longitude * _RADIANS - longitude * _RADIANS) / 2.0)
    if across == 0.0:
        return _latitude_distance(latitude, other_latitude)
    south = latitude * _RADIANS
    north = other_latitude * _RADIANS
    along = math.sin((north - south) / 2.0)
    chord = math.sqrt(along * along + math.cos(south) * math.cos(north) * across * across)
    # Of places on opposite sides of the Earth, rounding may make the chord slightly longer than the diameter.
    return 2.0 * _EARTH_RADIUS * math.asin(chord) if chord <= 1.0 else math.nan


def distance_text(distance_in_unit: float) -> bytes:
    """A distance with four decimals. As in Redis 7.2, ten thousand times the distance is rounded, half to even."""
    scaled = distance_in_unit * 10000.0
    units = round(scaled) if abs(scaled) < 2.0**63 else _INT64_MIN
    sign = b"-" if units < 0 else b""
    whole, part = divmod(abs(units), 10000)
    return b"%b%d.%04d" % (sign, whole, part)


class Shape:
    """The area to search: a circle around a place, or a box whose sides follow the degrees."""

    def __init__(
        self, longitude: float, latitude: float, width: float, height: float, is_box: bool, metres_per_unit: float
    ) -> None:
        self.longitude = longitude
        self.latitude = latitude
        self.width = width  # in units; width and height of a circle are both its radius
        self.height = height
        self.is_box = is_box
        self.metres_per_unit = metres_per_unit
        self._radius_m = width * metres_per_unit
        self._half_width_m = width * metres_per_unit / 2.0
        self._half_height_m = height * metres_per_unit / 2.0

    def distance_inside(self, longitude: float, latitude: float) -> float:
        """Metres from a place to the centre of the shape; negative if the place is outside."""
        if self.is_box:
            if _latitude_distance(latitude, self.latitude) > self._half_height_m:
                return -1.0
            if distance(longitude, latitude, self.longitude, latitude) > self._half_width_m:
                return -1.0
            return distance(self.longitude, self.latitude, longitude, latitude)
        found = distance(self.longitude, self.latitude, longitude, latitude)
        return -1.0 if found > self._radius_m else found

    def reach(self) -> float:
        """Metres from the centre to the farthest point of the shape."""
        if not self.is_box:
            return self._radius_m
        half_width = self.width / 2.0
        half_height = self.height / 2.0
        return math.sqrt(half_width * half_width + half_height * half_height) * self.metres_per_unit


class _Bounds:
    """The lowest and highest longitude and latitude of a shape."""

    def __init__(self, shape: Shape) -> None:
        factor = shape.metres_per_unit
        height_m = factor * (shape.height / 2.0 if shape.is_box else shape.height)
        width_m = factor * (shape.width / 2.0 if shape.is_box else shape.width)
        rise = height_m / _EARTH_RADIUS / _RADIANS
        # A degree of longitude is shortest at the edge that faces the nearer pole.
        edge = shape.latitude - rise if shape.latitude < 0.0 else shape.latitude + rise
        spread = width_m / _EARTH_RADIUS / _cosine(edge * _RADIANS) / _RADIANS
        self.west: float = shape.longitude - spread
        self.east: float = shape.longitude + spread
        self.south: float = shape.latitude - rise
        self.north: float = shape.latitude + rise


def _cosine(angle: float) -> float:
    """The cosine; NaN for an infinite angle, as in C."""
    return math.cos(angle) if math.isfinite(angle) else math.nan


def _step_for(reach_m: float, latitude: float) -> i64:
    """The step of the grid to search: nine of its cells usually cover everything within ``reach_m`` metres."""
    if reach_m == 0.0:
        return STEPS
    step: i64 = -1
    while reach_m < _HALF_MERCATOR:
        reach_m *= 2.0
        step += 1
    if latitude > _WIDE_LATITUDE or latitude < -_WIDE_LATITUDE:
        step -= 1
        if latitude > _WIDER_LATITUDE or latitude < -_WIDER_LATITUDE:
            step -= 1
    if step < 1:
        return 1
    return step if step < STEPS else STEPS


def _is_too_fine(bounds: _Bounds, cell: i64, step: i64) -> bool:
    """Whether the shape extends beyond the eight cells around the cell of its centre."""
    return (
        Area(neighbour(cell, step, 0, 1), step).north < bounds.north
        or Area(neighbour(cell, step, 0, -1), step).south > bounds.south
        or Area(neighbour(cell, step, 1, 0), step).east < bounds.east
        or Area(neighbour(cell, step, -1, 0), step).west > bounds.west
    )


def search_ranges(shape: Shape) -> list[tuple[float, float]]:
    """The ranges of scores to search for places inside a shape, in order; each includes its low end.

    The first is the cell of the centre, then come those to the north, south, east and west, then the corners NE, NW,
    SE, SW. On a coarse grid some of these are the same cell; of consecutive equal cells only the first is searched.
    """
    bounds = _Bounds(shape)
    step = _step_for(shape.reach(), shape.latitude)
    cell = cell_of(shape.longitude, shape.latitude, step)
    if step > 1 and _is_too_fine(bounds, cell, step):
        step -= 1
        cell = cell_of(shape.longitude, shape.latitude, step)
    north = south = east = west = True
    if step >= 2:
        area = Area(cell, step)
        south = not area.south < bounds.south
        north = not area.north > bounds.north
        west = not area.west < bounds.west
        east = not area.east > bounds.east
    around = [
        (0, 1, north),
        (0, -1, south),
        (1, 0, east),
        (-1, 0, west),
        (1, 1, north and east),
        (-1, 1, north and west),
        (1, -1, south and east),
        (-1, -1, south and west),
    ]
    cells = [cell]
    for eastward, northward, wanted in around:
        if wanted:
            beside = neighbour(cell, step, eastward, northward)
            if len(cells) == 1 or beside != cells[-1]:
                cells.append(beside)
    unused_bits: i64 = 2 * (STEPS - step)
    return [(float(one << unused_bits), float((one + 1) << unused_bits)) for one in cells]
