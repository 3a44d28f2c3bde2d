"""Which event loop drives the server.

uvloop halves the cost of a small request, so it is used where it is installed; asyncio's own loop serves everywhere
else and whenever `PYREDMEM_LOOP=asyncio` asks for it (for debugging, or to compare).
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
    """The wish of the environment, `auto` when it has none."""
    choice = os.environ.get(CHOICE_VARIABLE, "") or "auto"
    if choice not in CHOICES:
        raise StartError(f"{CHOICE_VARIABLE} must be one of {', '.join(CHOICES)}, not {choice!r}")
    return choice


def new_event_loop(choice: str = "auto") -> asyncio.AbstractEventLoop:
    """A fresh loop of the wished kind; `auto` prefers uvloop and does without it silently."""
    if choice == "asyncio" or (choice == "auto" and find_spec("uvloop") is None):
        return asyncio.new_event_loop()
    # Imported by name: the package is optional, and a wish for asyncio should not pay for loading it.
    loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
    return loop
