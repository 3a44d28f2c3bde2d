"""The declaration of a setting, which CONFIG, the configuration file, the command line and the documentation use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyredmem.config.kinds import Kind

# Why a setting is accepted but has no effect.
NO_REPLICATION: Final = "there are no replicas"
NO_CLUSTER: Final = "there is no cluster mode"
NO_THREADS: Final = "commands are served by one thread"
NO_PROCESS_TUNING: Final = "the process is left to the operating system"
NO_SYSLOG: Final = "the log goes to a file or to standard output"
NO_MODULES: Final = "modules cannot be loaded"
DEBUGGING_AID: Final = "it helps to debug Redis itself"


@dataclass(frozen=True)
class Parameter:
    """One setting, declared once."""

    name: str
    kind: Kind
    default: str  # as CONFIG GET prints it
    help: str
    alias: str = ""  # the older name, or another one
    immutable: bool = False  # can be set only at the start
    protected: bool = False  # can be changed at run time only if enable-protected-configs allows it
    hidden: bool = False  # shown by CONFIG GET only for its exact name
    sensitive: bool = False  # its value must not be logged
    no_effect: str = ""  # why it has no effect here; empty if it has one

    @property
    def effect(self) -> bool:
        """Whether the setting has an effect here."""
        return not self.no_effect


@dataclass(frozen=True)
class Section:
    """Settings that are listed together in the example file and in the documentation."""

    title: str
    parameters: tuple[Parameter, ...]
