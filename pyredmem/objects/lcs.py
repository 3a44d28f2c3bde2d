"""The longest common subsequence of two strings, for LCS.

Of the table of lengths L(i, j) for all pairs of prefixes, only the places where it grows are kept: along a row i,
L(i, j) is L(i, j - 1) or one more. So a row is a bit vector, and the next row follows from it by a few operations on
big integers, many columns at a time (Crochemore et al. 2001, Hyyro 2004). A *zero* bit marks a step:

    second string       A  C  G  T
    L(row of "C")       0  1  1  1      one step, at the second column
    its vector          1  0  1  1      lowest bit first

On the way back from the corner, Redis moves up if L(i - 1, j) > L(i, j - 1), otherwise left. Where the characters
differ, L(i, j) is the greater of the two, so Redis moves up exactly when row i has a step at column j. The rows alone
are enough to find the way that Redis takes.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_DIGIT_ZERO: Final = 48
_DIGIT_ONE: Final = 49


class CommonRange:
    """A run of common characters: where it starts in each string, and its length."""

    def __init__(self, first_start: i64, second_start: i64, length: i64) -> None:
        self.first_start: i64 = first_start
        self.second_start: i64 = second_start
        self.length: i64 = length


def common_length(first: bytes, second: bytes) -> i64:
    """The length of the longest common subsequence."""
    rows = _rows(first, second, keep_all=False)
    return _steps(rows[-1], len(second))


def common_ranges(first: bytes, second: bytes) -> list[CommonRange]:
    """The runs of a longest common subsequence, from the end of the strings to their start."""
    found: list[CommonRange] = []
    rows = _rows(first, second, keep_all=True)
    size: i64 = (len(second) + 7) // 8
    i: i64 = len(first)
    j: i64 = len(second)
    in_run = False
    row = b""
    row_of: i64 = -1  # the number of the row in ``row``
    while i > 0 and j > 0:
        if first[i - 1] == second[j - 1]:
            i -= 1
            j -= 1
            if in_run:
                run = found[-1]
                run.first_start = i
                run.second_start = j
                run.length += 1
            else:
                found.append(CommonRange(i, j, 1))
                in_run = True
            continue
        in_run = False
        if row_of != i:
            row = rows[i].to_bytes(size, "little")
            row_of = i
        byte: i64 = row[(j - 1) >> 3]
        if byte >> ((j - 1) & 7) & 1:
            j -= 1
        else:
            i -= 1
    return found


def _rows(first: bytes, second: bytes, keep_all: bool) -> list[int]:
    """The bit vectors of the rows: of the empty prefix, then of each character of ``first``. Or only the last one."""
    full = (1 << len(second)) - 1
    places = _places(second, set(first))
    vector = full
    rows = [vector]
    for character in first:
        common = vector & places[character]
        if common:
            vector = ((vector + common) | (vector - common)) & full
        if keep_all:
            rows.append(vector)
    return rows if keep_all else [vector]


def _places(text: bytes, alphabet: set[int]) -> dict[int, int]:
    """For each character, a vector of its places in the text; the first place is the lowest bit."""
    backwards = text[::-1]
    present = set(text)
    places: dict[int, int] = {}
    for character in alphabet:
        if character in present:
            table = bytearray([_DIGIT_ZERO]) * 256
            table[character] = _DIGIT_ONE
            places[character] = int(backwards.translate(table), 2)
        else:
            places[character] = 0
    return places


def _steps(vector: int, columns: i64) -> i64:
    return columns - vector.bit_count()
