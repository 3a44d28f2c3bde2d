"""The longest common subsequence, compared with the table of the textbook."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.objects.lcs import common_length, common_ranges

TEXT = st.text("abcd", max_size=30).map(str.encode)
Range = tuple[int, int, int]


def textbook(first: bytes, second: bytes) -> tuple[int, list[Range]]:
    """Length and runs from the full table. The way back is Redis's: up if that is longer, otherwise left."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first, 1):
        for j, other in enumerate(second, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if one == other else max(table[i - 1][j], table[i][j - 1])
    runs: list[Range] = []
    i, j = len(first), len(second)
    joined = False
    while i > 0 and j > 0:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            length = runs.pop()[2] + 1 if joined else 1
            runs.append((i, j, length))
            joined = True
        else:
            joined = False
            if table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
    return table[len(first)][len(second)], runs


@given(TEXT, TEXT)
def test_length_and_runs_are_the_same_as_from_the_full_table(first: bytes, second: bytes) -> None:
    length, runs = textbook(first, second)
    assert common_length(first, second) == length
    found = [(int(run.first_start), int(run.second_start), int(run.length)) for run in common_ranges(first, second)]
    assert found == runs


def test_strings_may_contain_any_bytes() -> None:
    every = bytes(range(256))
    assert common_length(every, every) == 256
    assert common_length(every, every[::-1]) == 1
    assert common_length(b"", every) == 0
