"""The choice of the server's event loop: `PYREDMEM_LOOP=asyncio` asks for asyncio's own, to debug or to compare."""

import os
from typing import Final

from pyredmem.server.errors import StartError

CHOICE_VARIABLE: Final = "PYREDMEM_LOOP"
CHOICES: Final = ("auto", "uvloop", "asyncio")


def loop_choice() -> str:
    """The kind of loop that the environment asks for; `auto` if it asks for none."""
    choice = os.environ.get(CHOICE_VARIABLE, "") or "auto"
    if choice not in CHOICES:
        raise StartError(f"{CHOICE_VARIABLE} must be one of {', '.join(CHOICES)}, not {choice!r}")
    return choice
