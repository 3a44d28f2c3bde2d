"""The end of a slice of work. The code that does the work asks for it, and need not know who measures time, or how."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class SliceLimit:
    """The end of a slice; this base class never ends one."""

    def is_over(self, steps: i64) -> bool:
        """Whether the slice must end, after ``steps`` more steps of the work (blocks looked at, or the like)."""
        return False
