"""The parts of a version of Redis, as the setting ``redis-version`` spells it."""

from __future__ import annotations

import re
from typing import Final

#: Redis gives each part of REDIS_VERSION_NUM one byte.
_LARGEST_PART: Final = 255


def version_parts(version: str) -> tuple[int, int, int]:
    """Major, minor and patch version. What is not there, or not a number up to 255, is 0."""
    found = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    parts = [int(part or 0) for part in found.groups()] if found else [0, 0, 0]
    major, minor, patch = (part if part <= _LARGEST_PART else 0 for part in parts)
    return major, minor, patch
