"""The marks of passes that have stopped."""

from __future__ import annotations

from pyredmem.structures.marks import MOST_MARKS, PassMark, PassMarks


def test_a_cursor_finds_the_mark_that_was_left_for_it() -> None:
    marks = PassMarks[PassMark]()
    left = [PassMark() for _ in range(3)]
    cursors = [marks.leave(mark) for mark in left]
    marks.check()
    assert marks.take(cursors[1]) is left[1]
    assert marks.take(cursors[0]) is left[0]
    assert marks.take(cursors[2]) is left[2]


def test_no_two_passes_get_the_same_cursor() -> None:
    marks = PassMarks[PassMark]()
    first = marks.leave(PassMark())
    marks.take(first)
    assert marks.leave(PassMark()) != first


def test_a_pass_that_stops_again_keeps_its_cursor() -> None:
    marks = PassMarks[PassMark]()
    cursor = marks.leave(PassMark())
    mark = marks.take(cursor)
    assert mark is not None
    assert marks.leave(mark) == cursor
    marks.check()


def test_a_mark_can_be_taken_once() -> None:
    marks = PassMarks[PassMark]()
    cursor = marks.leave(PassMark())
    assert marks.take(cursor) is not None
    assert marks.take(cursor) is None


def test_the_oldest_mark_makes_room_for_a_new_one() -> None:
    marks = PassMarks[PassMark]()
    cursors = [marks.leave(PassMark()) for _ in range(MOST_MARKS + 1)]
    marks.check()
    assert marks.take(cursors[0]) is None
    assert all(marks.take(cursor) is not None for cursor in cursors[1:])
