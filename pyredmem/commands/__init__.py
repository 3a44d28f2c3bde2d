"""Layer 5: the command handlers, one module per Redis command group."""

from __future__ import annotations

from pyredmem.commands.bitfields import bitfields
from pyredmem.commands.bitmaps import bitmaps
from pyredmem.commands.config import config
from pyredmem.commands.connection import connection
from pyredmem.commands.counters import counters
from pyredmem.commands.debug import debug
from pyredmem.commands.memory import memory
from pyredmem.commands.server import server
from pyredmem.commands.string_ranges import string_ranges
from pyredmem.commands.strings import strings
from pyredmem.commands.transactions import transactions
from pyredmem.engine.command import Group


def all_groups() -> list[Group]:
    """Every group of commands of the server."""
    return [
        bitfields,
        bitmaps,
        config,
        connection,
        counters,
        debug,
        memory,
        server,
        string_ranges,
        strings,
        transactions,
    ]
