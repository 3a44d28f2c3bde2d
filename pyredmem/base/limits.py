"""Numbers that stand for the absence of a limit. Adding a time or a size to one of them does not overflow 64 bits."""

from __future__ import annotations

from typing import Final

#: A duration or an amount without an upper bound.
UNLIMITED: Final = 1 << 62
#: A moment that does not come.
NEVER: Final = 1 << 62
