"""Secret arguments of commands, such as passwords, which neither the slow log nor MONITOR may show.

Each command declares which of its arguments are secret (`find_secrets` in its spec).
"""

from __future__ import annotations

from typing import Final

from pyredmem.config.settings import Settings
from pyredmem.engine.spec import Command

REDACTED: Final = b"(redacted)"


def without_secrets(command: Command, argv: list[bytes], settings: Settings) -> list[bytes]:
    """The arguments of a call with the secret ones replaced; ``argv`` itself if there are none."""
    find_secrets = command.spec.find_secrets
    places = find_secrets(argv, settings) if find_secrets is not None else []
    if not places:
        return argv
    return [REDACTED if at in places else argument for at, argument in enumerate(argv)]


def places_after(argv: list[bytes], word: bytes, count: int) -> list[int]:
    """The positions of the ``count`` arguments after ``word``, which is in lower case; empty if one is missing."""
    for at in range(1, len(argv) - count):
        if argv[at].lower() == word:
            return list(range(at + 1, at + 1 + count))
    return []
