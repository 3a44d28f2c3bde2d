"""The geo group."""

from __future__ import annotations

from collections.abc import Sequence

from tests.differential.grammar import KEY, Part, form, maybe, one_of, option, options, sequence, some, words

LONGITUDE = words(
    *(b"0", b"13.361389", b"15.087269", b"-122.4194", b"2.3522", b"179.9", b"-179.9", b"0.1", b"-0.1", b"180", b"-180"),
    *(b"13.4", b"13.5", b"1e1", b"181", b"x", b"nan", b"inf", b""),
)
LATITUDE = words(
    *(b"0", b"38.115556", b"37.502669", b"37.7749", b"48.8566", b"84.9", b"-84.9", b"0.1", b"-0.1", b"85.05112878"),
    *(b"38.1", b"38.2", b"-85.05112878", b"85.06", b"-90", b"x", b"nan"),
)
MEMBER = words(b"Palermo", b"Catania", b"m1", b"m2", b"m3", b"", b"bin\x00\xff", b"12", b"x" * 70)
PLACE = sequence(LONGITUDE, LATITUDE)
UNIT = words(b"m", b"km", b"mi", b"ft", b"KM", b"Mi", b"x", b"")
LENGTH = words(
    *(b"100", b"1000", b"0", b"1", b"5000", b"20000", b"1e7", b"166274.1516", b"0.5", b"inf", b"1e300"),
    *(b"-1", b"x", b"nan", b""),
)
COUNT = option("COUNT", words(b"1", b"2", b"3", b"10", b"0", b"-1", b"x", b"9223372036854775807"))
CHOICE: list[Part | Sequence[str]] = [["ASC"], ["DESC"], ["ANY"], COUNT, COUNT, sequence(COUNT, words(b"ANY"))]
PARTS: list[Part | Sequence[str]] = [["WITHDIST"], ["WITHCOORD"], ["WITHHASH"]]
FROM = one_of(option("FROMMEMBER", MEMBER), option("FROMLONLAT", PLACE))
BY = one_of(
    option("BYRADIUS", sequence(LENGTH, UNIT)),
    option("BYBOX", sequence(LENGTH, LENGTH, UNIT)),
)
STORE: list[Part | Sequence[str]] = [option("STORE", KEY), option("STOREDIST", KEY)]

GEO = [
    form("GEOADD", KEY, some(sequence(PLACE, MEMBER)), weight=8),
    form("GEOADD", KEY, options(["NX"], ["XX"], ["CH"]), some(sequence(PLACE, MEMBER)), weight=2),
    form("GEOPOS", KEY, some(MEMBER, least=0)),
    form("GEOHASH", KEY, some(MEMBER, least=0)),
    form("GEODIST", KEY, MEMBER, MEMBER, maybe(UNIT), weight=2),
    form("GEOSEARCH", KEY, FROM, BY, options(*CHOICE, *PARTS), weight=6),
    form("GEOSEARCH", KEY, some(one_of(FROM, BY)), options(*CHOICE, *PARTS)),
    form("GEOSEARCHSTORE", KEY, KEY, FROM, BY, options(*CHOICE, ["STOREDIST"]), weight=4),
    form("GEOSEARCHSTORE", KEY, KEY, BY, FROM, options(*CHOICE, *PARTS, ["STOREDIST"])),
    form("GEORADIUS", KEY, PLACE, LENGTH, UNIT, options(*CHOICE, *PARTS), weight=2),
    form("GEORADIUS", KEY, PLACE, LENGTH, UNIT, options(*CHOICE, *STORE), weight=2),
    form("GEORADIUS_RO", KEY, PLACE, LENGTH, UNIT, options(*CHOICE, *PARTS, *STORE)),
    form("GEORADIUSBYMEMBER", KEY, MEMBER, LENGTH, UNIT, options(*CHOICE, *PARTS), weight=2),
    form("GEORADIUSBYMEMBER", KEY, MEMBER, LENGTH, UNIT, options(*CHOICE, *STORE), weight=2),
    form("GEORADIUSBYMEMBER_RO", KEY, MEMBER, LENGTH, UNIT, options(*CHOICE, *PARTS, *STORE)),
    form("ZADD", KEY, words(b"0", b"1", b"-1", b"3479099956230698", b"1e19", b"-inf", b"inf"), MEMBER),
]
