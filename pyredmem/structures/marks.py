"""Marks: the places where passes over a large value have stopped.

A pass visits a few elements at a time. Where it stops it leaves a mark and gets a cursor, a number above 0; with the
cursor it finds its mark again and goes on. The owner of the marks moves them when its contents change.

Nobody reports a pass that was abandoned, so the number of marks is bounded: the oldest one makes room for a new one. A
pass that no longer finds its mark is at its end.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from mypy_extensions import i64

#: More than the passes that can be in progress at once, so only the mark of an abandoned pass is ever dropped.
MOST_MARKS: Final = 4


class PassMark:
    """The place where one pass goes on; what describes the place is in the subclasses."""

    def __init__(self, cursor: i64 = 0) -> None:
        self.cursor: i64 = cursor  # 0: a pass that has just begun


Mark = TypeVar("Mark", bound=PassMark)


class PassMarks(Generic[Mark]):
    """The marks in one value, the oldest first."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self._last_cursor: i64 = 0

    def leave(self, mark: Mark) -> i64:
        """Keep a mark and return the cursor that finds it: the mark's own one, or a new one if that is 0."""
        if mark.cursor == 0:
            self._last_cursor += 1
            mark.cursor = self._last_cursor
        if len(self.marks) == MOST_MARKS:
            del self.marks[0]
        self.marks.append(mark)
        return mark.cursor

    def take(self, cursor: i64) -> Mark | None:
        """Remove the mark of a cursor and return it; None if it was dropped."""
        for at, mark in enumerate(self.marks):
            if mark.cursor == cursor:
                del self.marks[at]
                return mark
        return None

    def check(self) -> None:
        """Assert the invariants."""
        cursors = [int(mark.cursor) for mark in self.marks]
        assert len(cursors) <= MOST_MARKS
        assert len(set(cursors)) == len(cursors)
        assert all(0 < cursor <= self._last_cursor for cursor in cursors)
