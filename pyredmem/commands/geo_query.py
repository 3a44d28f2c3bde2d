"""The arguments of GEOSEARCH, GEORADIUS and their variants, read and checked from left to right."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.geo import metres_per_unit, number, place, place_of_score
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import integer
from pyredmem.objects.sorted_set import SortedSetObject

_NO_SUCH_MEMBER: Final = b"ERR could not decode requested zset member"
_BAD_RADIUS: Final = b"ERR need numeric radius"
_BAD_WIDTH: Final = b"ERR need numeric width"
_BAD_HEIGHT: Final = b"ERR need numeric height"
_NEGATIVE_RADIUS: Final = b"ERR radius cannot be negative"
_NEGATIVE_BOX: Final = b"ERR height or width cannot be negative"
_BAD_COUNT: Final = b"ERR COUNT must be > 0"
_ANY_ALONE: Final = b"ERR the ANY argument requires COUNT argument"
_STORE_AND_WITH: Final = b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options"


class GeoQuery:
    """A search as its arguments describe it: the area, the order, the limit, and the parts of the reply."""

    def __init__(self, profile: Profile, argv: list[bytes], source: SortedSetObject | None) -> None:
        self.profile = profile
        self.argv = argv
        self.source = source
        self.longitude = 0.0
        self.latitude = 0.0
        self.width = 0.0
        self.height = 0.0
        self.metres_per_unit = 1.0
        self.from_member = False
        self.from_place = False
        self.by_radius = False
        self.by_box = False
        self.direction = 0  # 1: nearest first, -1: farthest first, 0: in the order of the search
        self.count: i64 = 0  # 0: all
        self.any_will_do = False
        self.with_distance = False
        self.with_cell = False
        self.with_place = False
        self.destination: bytes | None = None
        self.stores_distance = False

    def take_place(self, at: i64) -> None:
        """Read the centre of the search as a longitude and a latitude."""
        self.longitude, self.latitude = place(self.argv[at], self.argv[at + 1], self.profile)
        self.from_place = True

    def take_member(self, at: i64) -> None:
        """Read the centre of the search as a member, which is ignored if the key does not exist."""
        self.from_member = True
        if self.source is None:
            return
        score = self.source.score(self.argv[at])
        if score is None:
            named = b"ERR member " + c_string(self.argv[at]) + b" does not exist"
            raise CommandError(named if self.profile.names_missing_member else _NO_SUCH_MEMBER)
        self.longitude, self.latitude = place_of_score(score)

    def take_radius(self, at: i64) -> None:
        """Read the size of a circle: radius and unit."""
        radius = number(self.argv[at], self.profile, _BAD_RADIUS)
        if radius < 0.0:
            raise CommandError(_NEGATIVE_RADIUS)
        self.width = self.height = radius
        self.metres_per_unit = metres_per_unit(self.argv[at + 1])
        self.by_radius = True

    def take_box(self, at: i64) -> None:
        """Read the size of a box: width, height and unit."""
        width = number(self.argv[at], self.profile, _BAD_WIDTH)
        height = number(self.argv[at + 1], self.profile, _BAD_HEIGHT)
        if width < 0.0 or height < 0.0:
            raise CommandError(_NEGATIVE_BOX)
        self.width = width
        self.height = height
        self.metres_per_unit = metres_per_unit(self.argv[at + 2])
        self.by_box = True

    def take_choice(self, word: bytes, at: i64) -> i64:
        """Read an option that all searches have; returns how many arguments it takes, 0 if ``word`` is not one."""
        if word == b"WITHDIST":
            self.with_distance = True
        elif word == b"WITHHASH":
            self.with_cell = True
        elif word == b"WITHCOORD":
            self.with_place = True
        elif word == b"ANY":
            self.any_will_do = True
        elif word == b"ASC":
            self.direction = 1
        elif word == b"DESC":
            self.direction = -1
        elif word == b"COUNT" and at + 1 < len(self.argv):
            self.count = integer(self.argv[at + 1])
            if self.count <= 0:
                raise CommandError(_BAD_COUNT)
            return 2
        else:
            return 0
        return 1

    def take_store(self, word: bytes, at: i64) -> i64:
        """Read STORE or STOREDIST and its key; returns how many arguments they take, 0 if ``word`` is neither."""
        if word not in {b"STORE", b"STOREDIST"} or at + 1 >= len(self.argv):
            return 0
        self.destination = self.argv[at + 1]
        self.stores_distance = word == b"STOREDIST"
        return 2

    def take_area(self, word: bytes, at: i64) -> i64:
        """Read the centre or the shape for GEOSEARCH; returns how many arguments it takes, 0 if ``word`` is neither."""
        after = len(self.argv) - at - 1
        if word == b"FROMMEMBER" and after >= 1 and not self.from_place:
            self.take_member(at + 1)
            return 2
        if word == b"FROMLONLAT" and after >= 2 and not self.from_member:
            self.take_place(at + 1)
            return 3
        if word == b"BYRADIUS" and after >= 2 and not self.by_box:
            self.take_radius(at + 1)
            return 3
        if word == b"BYBOX" and after >= 3 and not self.by_radius:
            self.take_box(at + 1)
            return 4
        return 0

    def check_store(self, what: bytes) -> None:
        """Refuse WITHDIST, WITHHASH and WITHCOORD for a result that is stored."""
        if self.destination is not None and (self.with_distance or self.with_cell or self.with_place):
            raise CommandError(b"ERR " + what + _STORE_AND_WITH)

    def check_count(self) -> None:
        """Refuse ANY without COUNT."""
        if self.any_will_do and self.count == 0:
            raise CommandError(_ANY_ALONE)
