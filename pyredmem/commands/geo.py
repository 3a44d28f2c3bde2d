"""The geo commands on given members: GEOADD, GEOPOS, GEOHASH, GEODIST. `geo_search` has the searches.

Places are members of a sorted set. The score of a member is the number of its cell on the map (see `geohash`), so all
commands on sorted sets work on places too, and GEOADD runs ZADD.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import NOT_A_FLOAT, SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_double
from pyredmem.commands import geohash as grid
from pyredmem.commands.sorted_sets import sorted_set_to_read, zadd
from pyredmem.config.profiles import Profile
from pyredmem.engine.command import ACCESS, DENYOOM, READ_ONLY, READ_WRITE, READONLY, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context

geo: Final = Group("geo")

_ADD_OPTIONS: Final = frozenset((b"NX", b"XX", b"CH"))
_UNKNOWN_UNIT: Final = b"ERR unsupported unit provided. please use M, KM, FT, MI"
_METRES: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}

UNITS: Final = "<M | KM | FT | MI>"


def metres_per_unit(argument: bytes) -> float:
    """The length of a unit in metres; ``argument`` is its name."""
    metres = _METRES.get(argument.upper())
    if metres is None:
        raise CommandError(_UNKNOWN_UNIT)
    return metres


def number(argument: bytes, profile: Profile, error: bytes = NOT_A_FLOAT) -> float:
    """An argument as a floating-point number."""
    value = parse_double(argument, profile.has_hexadecimal_scores)
    if value is None:
        raise CommandError(error)
    return value


def place(longitude: bytes, latitude: bytes, profile: Profile) -> tuple[float, float]:
    """Two arguments as a place, which must be on the map."""
    x = number(longitude, profile)
    y = number(latitude, profile)
    if not grid.is_on_map(x, y):
        raise CommandError(b"ERR invalid longitude,latitude pair %f,%f" % (x, y))
    return x, y


def place_of_score(score: float) -> tuple[float, float]:
    return grid.place_of(grid.cell_of_score(score))


def reply_place(context: Context, longitude: float, latitude: float) -> None:
    reply = context.reply
    reply.array(2)
    if context.engine.profile.has_short_coordinates:
        reply.double(longitude)
        reply.double(latitude)
    else:
        reply.fixed_double(longitude)
        reply.fixed_double(latitude)


@geo.command(
    "geoadd",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="geo",
    since="3.2.0",
    complexity="O(log(N)) for each member, where N is the number of members in the sorted set.",
    summary="Sets the longitude and latitude of members; creates members and the key as needed.",
    syntax="key [NX | XX] [CH] longitude:double latitude:double member [longitude:double latitude:double member ...]",
    history=(("6.2.0", "Added the `CH`, `NX` and `XX` options."),),
)
def geoadd(context: Context, argv: list[bytes]) -> None:
    """Add the members by ZADD, after all places are checked."""
    start: i64 = 2
    options: set[bytes] = set()
    while start < len(argv) and argv[start].upper() in _ADD_OPTIONS:
        options.add(argv[start].upper())
        start += 1
    if (len(argv) - start) % 3 != 0 or (b"NX" in options and b"XX" in options):
        raise CommandError(SYNTAX_ERROR)
    words = [b"zadd", *argv[1:start]]
    while start < len(argv):
        longitude, latitude = place(argv[start], argv[start + 1], context.engine.profile)
        words.append(b"%d" % grid.cell_of(longitude, latitude))
        words.append(argv[start + 2])
        start += 3
    dirty = context.keyspace.changes.since_save()
    zadd(context, words)
    if context.keyspace.changes.since_save() != dirty:
        context.record_instead(words)


@geo.command(
    "geopos",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="3.2.0",
    complexity="O(1) for each member.",
    summary="Returns the longitudes and latitudes of members.",
    syntax="key [member [member ...]]",
)
def geopos(context: Context, argv: list[bytes]) -> None:
    found = sorted_set_to_read(context, argv[1])
    reply = context.reply
    reply.array(len(argv) - 2)
    for at in range(2, len(argv)):
        score = None if found is None else found.score(argv[at])
        if score is None:
            reply.null_array()
        else:
            longitude, latitude = place_of_score(score)
            reply_place(context, longitude, latitude)


@geo.command(
    "geohash",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="3.2.0",
    complexity="O(1) for each member.",
    summary="Returns the places of members as geohash strings of 11 characters.",
    syntax="key [member [member ...]]",
)
def geohash(context: Context, argv: list[bytes]) -> None:
    found = sorted_set_to_read(context, argv[1])
    reply = context.reply
    reply.array(len(argv) - 2)
    for at in range(2, len(argv)):
        score = None if found is None else found.score(argv[at])
        if score is None:
            reply.null()
        else:
            reply.bulk(grid.text_of(grid.cell_of_score(score)))


@geo.command(
    "geodist",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="3.2.0",
    complexity="O(1)",
    summary="Returns the distance between two members.",
    syntax="key member1 member2 [M | KM | FT | MI]",
)
def geodist(context: Context, argv: list[bytes]) -> None:
    """The distance is in metres unless another unit is given."""
    metres = 1.0
    if len(argv) == 5:
        metres = metres_per_unit(argv[4])
    elif len(argv) > 5:
        raise CommandError(SYNTAX_ERROR)
    found = sorted_set_to_read(context, argv[1])
    one = None if found is None else found.score(argv[2])
    other = None if found is None else found.score(argv[3])
    if one is None or other is None:
        context.reply.null()
        return
    longitude, latitude = place_of_score(one)
    other_longitude, other_latitude = place_of_score(other)
    distance_m = grid.distance(longitude, latitude, other_longitude, other_latitude)
    context.reply.bulk(grid.distance_text(distance_m / metres))
