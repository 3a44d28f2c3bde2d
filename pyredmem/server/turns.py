"""Long work in the event loop, in slices, between which clients are served."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Final

#: How long a slice lasts (seconds).
_SLICE_S: Final = 0.0003


class Turns:
    """To be made when the work begins."""

    def __init__(self) -> None:
        self._began = perf_counter()

    async def give_way(self) -> None:
        """Let the event loop serve clients when the slice ends."""
        if perf_counter() - self._began > _SLICE_S:
            await asyncio.sleep(0)
            self._began = perf_counter()
