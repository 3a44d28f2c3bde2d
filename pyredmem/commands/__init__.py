"""Layer 5: the command handlers, one module per Redis command group."""

from __future__ import annotations

from pyredmem.commands.connection import connection
from pyredmem.commands.debug import debug
from pyredmem.commands.memory import memory
from pyredmem.commands.strings import strings
from pyredmem.engine.command import Group


def all_groups() -> list[Group]:
    """Every group of commands of the server."""
    return [connection, debug, memory, strings]
