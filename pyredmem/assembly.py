"""The one place that puts an engine together."""

from __future__ import annotations

from pyredmem.base.clock import Clock
from pyredmem.base.rng import Random
from pyredmem.commands import all_groups
from pyredmem.config.settings import Settings
from pyredmem.engine.command import CommandTable, Group
from pyredmem.engine.engine import Engine
from pyredmem.engine.host import Host
from pyredmem.info.command import info_commands
from pyredmem.memory.allocator import Allocator


def command_groups() -> list[Group]:
    """Every group of commands of the server."""
    return [*all_groups(), info_commands]


def create_engine(settings: Settings, clock: Clock, rng: Random, host: Host | None = None) -> Engine:
    """An engine with all commands, empty; ``host`` is the process around it, if it is to know of one."""
    allocator = Allocator(settings.text("mem-allocator"))
    allocator.begin()
    return Engine(settings, clock, rng, allocator, CommandTable(command_groups()), host or Host())
