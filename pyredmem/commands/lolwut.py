"""LOLWUT: a picture made of text, and the version of Redis that the server speaks.

``VERSION 5`` draws squares that grow more disordered from left to right, in Braille characters (each has 2 by 4 dots).
``VERSION 6`` draws a row of towers at night. Both take the same arguments as in Redis.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

from pyredmem.base.rng import Random
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import FAST, READONLY, Group
from pyredmem.engine.context import Context

lolwut_group: Final = Group("server")

_LARGEST: Final = 1000  # the most columns or rows of a picture
_MOST_SQUARES: Final = 200  # the most squares per row, and rows of squares
_DOTS_HIGH: Final = 4  # rows of dots in a character


@lolwut_group.command(
    "lolwut",
    arity=-1,
    flags=READONLY | FAST,
    since="5.0.0",
    complexity="",
    summary="Draws a picture and returns the version of the server.",
    syntax="[VERSION version]",
)
def lolwut(context: Context, argv: list[bytes]) -> None:
    profile = context.engine.profile
    version = profile.version
    edition = version[:2]
    numbers = argv[1:]
    if len(argv) >= 3 and argv[1].lower() == b"version":
        edition = f"{integer(argv[2])}."
        numbers = argv[3:]
    picture = ""
    if edition == "5.":
        picture = _disorder(numbers, context.engine.rng)
    elif edition == "6.":
        picture = _towers(numbers, context.engine.rng)
    context.reply.verbatim(f"{picture}{_line(profile)}\n".encode())


def _line(profile: Profile) -> str:
    """The last line, with the version."""
    return f"{profile.title} ver. {profile.version}"


def _number(numbers: list[bytes], at: int, usual: int, low: int, high: int) -> int:
    """The integer argument at a place, limited to the range from ``low`` to ``high``; ``usual`` if it is missing."""
    if at >= len(numbers):
        return usual
    return min(max(integer(numbers[at]), low), high)


class _Dots:
    """A field of dots that is printed in Braille."""

    #: The bit of each dot of a character, by row and column.
    _BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._cells = [[0] * ((width + 1) // 2) for _ in range((height + _DOTS_HIGH - 1) // _DOTS_HIGH)]

    def set(self, x: int, y: int) -> None:
        """Set a dot; dots outside the field are ignored."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._cells[y // _DOTS_HIGH][x // 2] |= self._BITS[y % _DOTS_HIGH][x % 2]

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Set the dots from one point to another."""
        steps = max(1, int(max(abs(x2 - x1), abs(y2 - y1))))
        for step in range(steps + 1):
            self.set(round(x1 + (x2 - x1) * step / steps), round(y1 + (y2 - y1) * step / steps))

    def text(self) -> str:
        """The field as lines of text."""
        return "".join("".join(chr(0x2800 + cell) for cell in row) + "\n" for row in self._cells)


def _disorder(numbers: list[bytes], rng: Random) -> str:
    """Rows of squares; the further right, the more each square is turned and moved."""
    columns = _number(numbers, 0, 66, 1, _LARGEST)
    by_row = _number(numbers, 1, 8, 1, _MOST_SQUARES)
    rows = _number(numbers, 2, 12, 1, _MOST_SQUARES)
    width = columns * 2
    side = max(1.0, (width - 2) / by_row)
    # With few squares per row the squares are large; many such rows would take a hundred million characters.
    rows = min(rows, max(1, int(_LARGEST * _DOTS_HIGH / side)))
    dots = _Dots(width, int(side * rows) + 2)
    for row in range(rows):
        for column in range(by_row):
            disorder = column / by_row
            turn = (rng.unit() - 0.5) * disorder * math.pi / 2
            shift_x, shift_y = ((rng.unit() - 0.5) * disorder * side * 0.6 for _ in range(2))
            _square(dots, (column + 0.5) * side + shift_x, (row + 0.5) * side + shift_y, side * 0.8, turn)
    return f"{dots.text()}\nOrder on the left, freedom on the right. "


def _square(dots: _Dots, x: float, y: float, side: float, turn: float) -> None:
    """A square around a point."""
    radius = side / math.sqrt(2)
    corners = [
        (
            x + radius * math.cos(turn + math.pi / 4 + quarter * math.pi / 2),
            y + radius * math.sin(turn + math.pi / 4 + quarter * math.pi / 2),
        )
        for quarter in range(5)
    ]
    for (x1, y1), (x2, y2) in itertools.pairwise(corners):
        dots.line(x1, y1, x2, y2)


_SKY: Final = "\x1b[0;30;40m "
_STAR: Final = "\x1b[0;37;40m."
_WALL: Final = "\x1b[0;34;44m "
_WINDOW: Final = "\x1b[0;93;103m "
_RESET: Final = "\x1b[0m"


def _towers(numbers: list[bytes], rng: Random) -> str:
    """Towers with lit windows under a few stars."""
    columns = _number(numbers, 0, 80, 1, _LARGEST)
    rows = _number(numbers, 1, 20, 1, _LARGEST)
    picture = [[_STAR if rng.below(40) == 0 else _SKY for _ in range(columns)] for _ in range(rows)]
    left = 0
    while left < columns:
        width = 5 + int(rng.below(8))
        height = rows // 4 + int(rng.below(max(1, rows // 2)))
        for x in range(left, min(left + width, columns)):
            for y in range(rows - height, rows):
                inside = (x - left) % 2 == 1 and x < left + width - 1 and (rows - y) % 2 == 0
                picture[y][x] = _WINDOW if inside and rng.below(3) > 0 else _WALL
        left += width + int(rng.below(3))
    lines = "".join("".join(row) + _RESET + "\n" for row in picture)
    return f"{lines}\nSomebody up there cannot sleep either. "
