"""The event loop: uvloop, if it is installed, since it halves the cost of a small request; or asyncio's own."""

import asyncio
from importlib import import_module
from importlib.util import find_spec


def new_event_loop(choice: str = "auto") -> asyncio.AbstractEventLoop:
    """A new loop of the chosen kind; `auto` is uvloop if it is installed, else asyncio's loop."""
    if choice == "asyncio" or (choice == "auto" and find_spec("uvloop") is None):
        return asyncio.new_event_loop()
    # Imported by name: the package is optional, and the choice of asyncio must not cost the time to load it.
    loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
    return loop
