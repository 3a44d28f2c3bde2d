"""The end of a slice of work. The code that does the work asks for it, and need not know who measures time, or how."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class SliceLimit:
    """The end of a slice; this base class never ends one."""

    def spend(self, steps: i64) -> bool:
        """Count ``steps`` more steps of the work, such as blocks looked at; returns whether the slice must end."""
        return False
