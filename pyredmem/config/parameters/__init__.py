"""Every setting, declared once, in the sections of the example file."""

from __future__ import annotations

from typing import Final

from pyredmem.config.parameter import Parameter, Section
from pyredmem.config.parameters.clients import ACCESS, CLIENTS, SCRIPTS
from pyredmem.config.parameters.cluster import CLUSTER, REPLICATION
from pyredmem.config.parameters.encodings import ENCODINGS
from pyredmem.config.parameters.memory import DEFRAG, LAZY_FREE, MEMORY
from pyredmem.config.parameters.network import NETWORK, TLS
from pyredmem.config.parameters.persistence import APPEND_ONLY_FILE, SNAPSHOTS
from pyredmem.config.parameters.process import DEBUGGING, OBSERVING, OWN, PROCESS
from pyredmem.config.parameters.valkey import VALKEY

SECTIONS: Final[tuple[Section, ...]] = (
    NETWORK,
    TLS,
    PROCESS,
    ACCESS,
    CLIENTS,
    MEMORY,
    LAZY_FREE,
    DEFRAG,
    ENCODINGS,
    OBSERVING,
    SCRIPTS,
    SNAPSHOTS,
    APPEND_ONLY_FILE,
    REPLICATION,
    CLUSTER,
    VALKEY,
    DEBUGGING,
    OWN,
)


def all_parameters() -> list[Parameter]:
    """All settings, in the order of their declaration."""
    return [parameter for section in SECTIONS for parameter in section.parameters]


def _by_name() -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for parameter in all_parameters():
        found[parameter.name] = parameter
        if parameter.alias:
            found[parameter.alias] = parameter
    return found


# All engines share these tables: fresh settings cost one copy of the second.
PARAMETERS: Final = _by_name()  # by name and by alias, in the order of their declaration
DEFAULTS: Final = {parameter.name: parameter.default for parameter in all_parameters()}
DEFAULT_NUMBERS: Final = {
    parameter.name: parameter.kind.number(parameter.default)
    for parameter in all_parameters()
    if parameter.kind.has_number
}
