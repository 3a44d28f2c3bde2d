"""What a watcher makes of the changes of a heap map."""

from __future__ import annotations

from typing import NamedTuple


class Kept(NamedTuple):
    """What begins at a page."""

    number: int  # of the class; the one after the last class of slabs is that of large blocks
    amount: int  # used regions, or pages of a large block


class KeptMap:
    """The places that a watcher knows, by page."""

    def __init__(self) -> None:
        self.places: dict[int, Kept] = {}

    def apply(self, changes: bytes) -> list[int]:
        """Take over changes; returns their pages."""
        numbers = leb128(changes)
        pages: list[int] = []
        page = 0
        while numbers:
            page += numbers.pop(0)
            pages.append(page)
            number = numbers.pop(0)
            if number == 0:
                del self.places[page]
            else:
                self.places[page] = Kept(number, numbers.pop(0))
        return pages

    def slabs(self, number: int) -> int:
        """How many slabs of a class there are."""
        return sum(place.number == number for place in self.places.values())

    def regions(self, number: int) -> int:
        """How many regions of the slabs of a class are used."""
        return sum(place.amount for place in self.places.values() if place.number == number)


def leb128(data: bytes) -> list[int]:
    """The unsigned numbers of a sequence."""
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    assert shift == 0, "the last number is cut off"
    return numbers
