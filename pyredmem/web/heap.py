"""The heap map of one frame: the changes that a source tells, as much of them as a frame may have."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from pyredmem.web.source import Refusal, Source

#: The bytes of changes in one frame: with base64 and what JSON adds, they make at most 100 KB.
BUDGET: Final = 72_000


async def size_classes(source: Source) -> list[dict[str, int]] | None:
    """The size classes of slabs; None if the server has no heap map."""
    reply = await source.ask("MEMORY", "HEAP-MAP", "CLASSES")
    if isinstance(reply, Refusal):
        return None
    return [{"size": size, "regions": regions, "pages": pages} for size, regions, pages in reply]


async def changes(source: Source) -> dict[str, Any]:
    """What has changed since the last call for this source."""
    parts: list[bytes] = []
    budget = BUDGET
    reset = False
    left = 0
    is_complete = False
    while not is_complete:
        reply = await source.ask("MEMORY", "HEAP-MAP", "BYTES", budget)
        if isinstance(reply, Refusal):  # the user has lost the permission
            break
        is_first, is_complete, left, part = reply
        reset = reset or bool(is_first)
        parts.append(part)
        budget -= len(part)
    return {"reset": reset, "changes": b64encode(b"".join(parts)).decode(), "left": left}
