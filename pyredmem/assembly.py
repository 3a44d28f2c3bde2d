"""The assembly of an engine: the one place that knows all its parts, from the settings to the commands."""

from __future__ import annotations

from typing import Final

from pyredmem.base.clock import Clock
from pyredmem.base.rng import Random
from pyredmem.commands import all_groups
from pyredmem.config.profiles import Profile
from pyredmem.config.settings import Settings
from pyredmem.engine.command import Group, Registry
from pyredmem.engine.core import Core
from pyredmem.engine.dispatch import Dispatcher
from pyredmem.engine.engine import Engine
from pyredmem.engine.host import Host
from pyredmem.info.command import info_commands
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.memory.heap_choice import create_allocator
from pyredmem.memory.process import wants_checked_heap
from pyredmem.persistence.persistence import Persistence
from pyredmem.scripting.scripting import Scripting


def command_groups() -> list[Group]:
    """All groups of commands of the server."""
    return [*all_groups(), info_commands]


#: The specs and handlers of all commands that any version has. All engines of the process share them.
REGISTRY: Final = Registry(command_groups())
_registries: dict[str, Registry] = {}


def registry_of(profile: Profile) -> Registry:
    """The commands of a version of the server, which all engines of the process share."""
    registry = _registries.get(profile.name)
    if registry is None:
        registry = _registries[profile.name] = REGISTRY.of_profile(profile)
    return registry


def create_engine(
    settings: Settings,
    clock: Clock,
    rng: Random,
    host: Host | None = None,
    registry: Registry | None = None,
    hash_seed: int = 0,
) -> Engine:
    """An empty engine. ``host`` is the process around it, if there is one.

    ``registry`` has its commands if they are not those of its profile.
    With a ``hash_seed`` other than 0 the order of keys is the same in every process.
    """
    allocator = create_allocator(settings.text("mem-allocator"), wants_checked_heap())
    allocator.hash_seed = hash_seed
    layout = create_layout(settings.profile().layout, allocator)
    allocator.begin()
    core = Core(settings, clock, rng, layout, host or Host())
    registry = registry or registry_of(core.profile)
    engine = Engine(core, registry.table)
    engine.scripting = Scripting(engine)
    engine.persistence = Persistence(engine)
    engine.clients.serve_with(Dispatcher(engine, registry.handlers))
    return engine
