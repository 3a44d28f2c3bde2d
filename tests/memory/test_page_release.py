"""The pages of arrays that are about to be dropped."""

from __future__ import annotations

import pytest
from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.base.build import COMPILED
from pyredmem.memory import page_release
from pyredmem.memory.page_release import PIECE_BYTES, release_list_tail, release_vec
from pyredmem.memory.process import resident_bytes

MEGABYTES = 64
NUMBERS = MEGABYTES * 1024 * 1024 // 4


def large() -> vec[i32]:
    return vec[i32]([7] * NUMBERS)


def test_the_layout_of_this_interpreter_is_known() -> None:
    assert page_release.KNOWS_LISTS
    assert page_release.KNOWS_VECS


def test_a_released_array_is_no_longer_resident() -> None:
    array = large()
    before = resident_bytes()
    done = 0
    while done < NUMBERS * 4:
        done = int(release_vec(array, NUMBERS * 4, done))
    assert before - resident_bytes() > (MEGABYTES - 4) * 1024 * 1024


def test_each_call_releases_a_piece() -> None:
    array = vec[i64]([7] * 500_000)
    assert release_vec(array, 4_000_000, 0) == PIECE_BYTES
    assert release_vec(array, 4_000_000, 3 * PIECE_BYTES) == 4_000_000


def test_a_released_piece_reads_as_zero_and_the_rest_is_unchanged() -> None:
    array = large()
    release_vec(array, NUMBERS * 4, 0)
    assert array[PIECE_BYTES // 8] == 0
    assert array[PIECE_BYTES // 4 + 4096] == 7


def test_an_array_smaller_than_a_page_stays_as_it_is() -> None:
    array = vec[i32]([7] * 200)
    assert release_vec(array, 800, 0) == 800
    assert list(array) == [7] * 200


@pytest.mark.skipif(COMPILED, reason="constants of the compiled package cannot be replaced")
def test_an_array_of_unknown_layout_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_release, "KNOWS_VECS", False)
    array = vec[i32]([7] * 10_000)
    assert release_vec(array, 40_000, 0) == 40_000
    assert array[5_000] == 7


def test_a_list_keeps_the_items_that_were_not_deleted() -> None:
    items = [b"%d" % number for number in range(100_000)]
    del items[60_000:]
    release_list_tail(items)
    assert items == [b"%d" % number for number in range(60_000)]
    items += [b"x"] * 40_000
    assert items[59_999:60_001] == [b"59999", b"x"]


def test_the_room_of_deleted_items_is_no_longer_resident() -> None:
    items: list[object] = [None] * 8_000_000
    del items[4_100_000:]  # more than half: the list keeps its room
    before = resident_bytes()
    release_list_tail(items)
    assert before - resident_bytes() > 25_000_000
