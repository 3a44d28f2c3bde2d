"""When work that is done in slices has to pause; those who do it need not know who measures the time, or how."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class SliceLimit:
    """The end of a slice; this one never comes."""

    def is_over(self, steps: i64) -> bool:
        """Whether the slice has to end, after so many further steps (blocks looked at, or the like)."""
        return False
