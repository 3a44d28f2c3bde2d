"""The geo commands that search for places: GEOSEARCH, GEORADIUS, and their variants.

All of them run the same search: find the members in an area around a place or a member, sort them, keep the first
``COUNT``, and reply with them or store them. They differ only in their arguments.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands import geohash as grid
from pyredmem.commands.destinations import store_or_delete
from pyredmem.commands.geo import UNITS, place_of_score, reply_place
from pyredmem.commands.geo_query import GeoQuery
from pyredmem.commands.partial_sort import PartialSort
from pyredmem.commands.sorted_sets import sorted_set_to_read
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    OVERWRITE,
    READ_ONLY,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    KeySpec,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.sorted_set import SortedSetObject, build_sorted_set

geo_searches: Final = Group("geo")

_ONE_PLACE: Final = b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for "
_ONE_SHAPE: Final = b"ERR exactly one of BYRADIUS and BYBOX can be specified for "

#: How many members are fetched from the sorted set at a time.
_CHUNK: Final = 256

_COMPLEXITY: Final = (
    "O(N+log(M)) where N is the number of members in the cells of the map that cover the area and M is the number of "
    "members in the sorted set."
)
_PLACE_SYNTAX: Final = "<FROMMEMBER member | FROMLONLAT longitude:double latitude:double>"
_SHAPE_SYNTAX: Final = f"<BYRADIUS radius:double {UNITS} | BYBOX width:double height:double {UNITS}>"
_CHOICE_SYNTAX: Final = "[ASC | DESC] [COUNT count:integer [ANY]]"
_WITH_SYNTAX: Final = "[WITHCOORD] [WITHDIST] [WITHHASH]"
_RADIUS_SYNTAX: Final = f"radius:double {UNITS} {_WITH_SYNTAX} [COUNT count:integer [ANY]] [ASC | DESC]"
_STORE_SYNTAX: Final = "[STORE key | STOREDIST key]"
_UPPERCASE: Final = ("7.0.0", "Accepts units in upper case.")
_ANY_ADDED: Final = ("6.2.0", "Added the `ANY` option of `COUNT`.")


class _Found:
    """The members in the area, in the order in which the search finds them."""

    def __init__(self) -> None:
        self.members: list[bytes] = []
        self.scores: list[float] = []
        self.distances: list[float] = []  # metres
        self.longitudes: list[float] = []
        self.latitudes: list[float] = []

    def collect(self, source: SortedSetObject, shape: grid.Shape, limit: i64) -> None:
        """Search the area; stop after ``limit`` members, unless it is 0."""
        order = source.order()
        for low, high in grid.search_ranges(shape):
            rank = order.rank_of_score(low, False)
            end = order.rank_of_score(high, False)
            while rank < end:
                count = end - rank
                if count > _CHUNK:
                    count = _CHUNK
                if self._add(order.members(rank, count), order.scores(rank, count), shape, limit):
                    return
                rank += count

    def _add(self, members: list[bytes], scores: list[float], shape: grid.Shape, limit: i64) -> bool:
        """Add the ``members`` that are in the area; returns whether ``limit`` is reached."""
        for at, score in enumerate(scores):
            longitude, latitude = place_of_score(score)
            distance_m = shape.distance_inside(longitude, latitude)
            if not distance_m < 0.0:
                self.members.append(members[at])
                self.scores.append(score)
                self.distances.append(distance_m)
                self.longitudes.append(longitude)
                self.latitudes.append(latitude)
                if limit > 0 and len(self.members) >= limit:
                    return True
        return False

    def chosen(self, direction: int, count: i64) -> list[int]:
        """Indexes of the first ``count`` members (0: all), by distance if there is a direction."""
        total = len(self.members)
        wanted: i64 = total if count == 0 or count > total else count
        if direction == 0:
            return list(range(wanted))
        distances = self.distances if direction > 0 else [-distance for distance in self.distances]
        if wanted == total:
            return sorted(range(total), key=distances.__getitem__)
        sorting = PartialSort(distances)
        sorting.sort(wanted - 1)
        return sorting.order[:wanted]


def _run(context: Context, query: GeoQuery, event: bytes) -> None:
    """Search, then reply with the result or store it."""
    source = query.source
    if source is None:
        if query.destination is None:
            context.reply.array(0)
        else:
            _store(context, query.destination, [], event)
        return
    direction = query.direction
    if query.count > 0 and direction == 0 and not query.any_will_do:
        direction = 1
    shape = grid.Shape(query.longitude, query.latitude, query.width, query.height, query.by_box, query.metres_per_unit)
    found = _Found()
    found.collect(source, shape, query.count if query.any_will_do else 0)
    chosen = found.chosen(direction, query.count)
    if query.destination is None:
        _reply(context, query, found, chosen)
        return
    if query.stores_distance:
        items = [(found.members[at], found.distances[at] / query.metres_per_unit) for at in chosen]
    else:
        items = [(found.members[at], found.scores[at]) for at in chosen]
    _store(context, query.destination, items, event)


def _reply(context: Context, query: GeoQuery, found: _Found, chosen: list[int]) -> None:
    """Reply with the members; each is an array if the query also asks for distance, hash or coordinates."""
    reply = context.reply
    parts = 1 + query.with_distance + query.with_cell + query.with_place
    reply.array(len(chosen))
    for at in chosen:
        if parts > 1:
            reply.array(parts)
        reply.bulk(found.members[at])
        if query.with_distance:
            reply.bulk(grid.distance_text(found.distances[at] / query.metres_per_unit))
        if query.with_cell:
            reply.integer(int(found.scores[at]))
        if query.with_place:
            reply_place(context, found.longitudes[at], found.latitudes[at])


def _store(context: Context, destination: bytes, items: list[tuple[bytes, float]], event: bytes) -> None:
    """Store the result as a sorted set, or delete the key if it is empty; reply with the number of members."""
    keyspace = context.keyspace
    result = build_sorted_set(items, keyspace.allocator, keyspace.limits, keyspace.rng) if items else None
    store_or_delete(context, destination, result, events.SORTED_SET, event, len(items))
    context.reply.integer(len(items))


# GEOSEARCH: options describe the area.


@geo_searches.command(
    "geosearch",
    arity=-7,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="6.2.0",
    complexity=_COMPLEXITY,
    summary="Returns the members in a circle or a box around a place or a member.",
    syntax=f"key {_PLACE_SYNTAX} {_SHAPE_SYNTAX} {_CHOICE_SYNTAX} {_WITH_SYNTAX}",
    history=(_UPPERCASE,),
)
def geosearch(context: Context, argv: list[bytes]) -> None:
    query = GeoQuery(context.engine.profile, argv, sorted_set_to_read(context, argv[1]))
    at: i64 = 2
    while at < len(argv):
        word = argv[at].upper()
        taken = query.take_choice(word, at) or query.take_area(word, at)
        if taken == 0:
            raise CommandError(SYNTAX_ERROR)
        at += taken
    _run_area(context, query)


@geo_searches.command(
    "geosearchstore",
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE), key_at(READ_ONLY, ACCESS, index=2)),
    acl="geo",
    since="6.2.0",
    complexity=_COMPLEXITY,
    summary="Stores in another key the members in a circle or a box around a place or a member.",
    syntax=f"destination:key source:key {_PLACE_SYNTAX} {_SHAPE_SYNTAX} {_CHOICE_SYNTAX} [STOREDIST]",
    history=(_UPPERCASE,),
)
def geosearchstore(context: Context, argv: list[bytes]) -> None:
    query = GeoQuery(context.engine.profile, argv, sorted_set_to_read(context, argv[2]))
    query.destination = argv[1]
    at: i64 = 3
    while at < len(argv):
        word = argv[at].upper()
        if word == b"STOREDIST":
            query.stores_distance = True
            at += 1
            continue
        taken = query.take_choice(word, at) or query.take_area(word, at)
        if taken == 0:
            raise CommandError(SYNTAX_ERROR)
        at += taken
    query.check_store(b"GEOSEARCHSTORE")
    _run_area(context, query)


def _run_area(context: Context, query: GeoQuery) -> None:
    command = query.argv[0]
    if not (query.from_member or query.from_place):
        raise CommandError(_ONE_PLACE + command)
    if not (query.by_radius or query.by_box):
        raise CommandError(_ONE_SHAPE + command)
    query.check_count()
    _run(context, query, b"geosearchstore")


# GEORADIUS: the first arguments describe the area.


def _radius_search(context: Context, query: GeoQuery, start: i64, may_store: bool) -> None:
    argv = query.argv
    at = start
    while at < len(argv):
        word = argv[at].upper()
        taken = query.take_choice(word, at)
        if taken == 0 and may_store:
            taken = query.take_store(word, at)
        if taken == 0:
            raise CommandError(SYNTAX_ERROR)
        at += taken
    query.check_store(b"STORE option in GEORADIUS")
    query.check_count()
    _run(context, query, b"georadiusstore")


def _around_place(context: Context, argv: list[bytes], may_store: bool) -> None:
    query = GeoQuery(context.engine.profile, argv, sorted_set_to_read(context, argv[1]))
    query.take_place(2)
    query.take_radius(4)
    _radius_search(context, query, 6, may_store)


def _around_member(context: Context, argv: list[bytes], may_store: bool) -> None:
    query = GeoQuery(context.engine.profile, argv, sorted_set_to_read(context, argv[1]))
    if query.source is not None:
        query.take_member(2)
        query.take_radius(3)
    _radius_search(context, query, 5, may_store)


def _stored_keys(start: int) -> tuple[KeySpec, ...]:
    """The source, and the key after STORE or STOREDIST."""
    return (
        key_at(READ_ONLY, ACCESS),
        KeySpec(flags=(OVERWRITE, UPDATE), index=start, keyword="STORE"),
        KeySpec(flags=(OVERWRITE, UPDATE), index=start, keyword="STOREDIST"),
    )


@geo_searches.command(
    "georadius",
    arity=-6,
    flags=WRITE | DENYOOM,
    keys=_stored_keys(6),
    acl="geo",
    since="3.2.0",
    complexity=_COMPLEXITY,
    summary="Returns or stores the members in a circle around a place.",
    syntax=f"key longitude:double latitude:double {_RADIUS_SYNTAX} {_STORE_SYNTAX}",
    history=(_ANY_ADDED, _UPPERCASE),
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
)
def georadius(context: Context, argv: list[bytes]) -> None:
    _around_place(context, argv, True)


@geo_searches.command(
    "georadius_ro",
    arity=-6,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="3.2.10",
    complexity=_COMPLEXITY,
    summary="Returns the members in a circle around a place.",
    syntax=f"key longitude:double latitude:double {_RADIUS_SYNTAX}",
    history=(_ANY_ADDED, _UPPERCASE),
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
)
def georadius_ro(context: Context, argv: list[bytes]) -> None:
    _around_place(context, argv, False)


@geo_searches.command(
    "georadiusbymember",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=_stored_keys(5),
    acl="geo",
    since="3.2.0",
    complexity=_COMPLEXITY,
    summary="Returns or stores the members in a circle around one of them.",
    syntax=f"key member {_RADIUS_SYNTAX} {_STORE_SYNTAX}",
    history=(_ANY_ADDED, _UPPERCASE),
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember(context: Context, argv: list[bytes]) -> None:
    """If the key does not exist, the radius is not checked."""
    _around_member(context, argv, True)


@geo_searches.command(
    "georadiusbymember_ro",
    arity=-5,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="geo",
    since="3.2.10",
    complexity=_COMPLEXITY,
    summary="Returns the members in a circle around one of them.",
    syntax=f"key member {_RADIUS_SYNTAX}",
    history=(_ANY_ADDED, _UPPERCASE),
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember_ro(context: Context, argv: list[bytes]) -> None:
    _around_member(context, argv, False)
