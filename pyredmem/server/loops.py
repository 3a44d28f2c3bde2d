"""The choice of the event loop.

uvloop halves the cost of a small request, so it is used if it is installed. Otherwise, or if `PYREDMEM_LOOP=asyncio`
asks for it (for debugging, or to compare), the server uses asyncio's own loop.
"""

import asyncio
import os
from importlib import import_module
from importlib.util import find_spec
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


def new_event_loop(choice: str = "auto") -> asyncio.AbstractEventLoop:
    """A new loop of the chosen kind; `auto` is uvloop if it is installed, else asyncio's loop."""
    if choice == "asyncio" or (choice == "auto" and find_spec("uvloop") is None):
        return asyncio.new_event_loop()
    # Imported by name: the package is optional, and the choice of asyncio must not cost the time to load it.
    loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
    return loop
