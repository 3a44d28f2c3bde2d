"""What one setting is: the record that CONFIG, the file, the command line and the documentation share."""

from dataclasses import dataclass
from typing import Final

from pyredmem.config.kinds import Kind

# Reasons why a setting is accepted but changes nothing.
NO_PERSISTENCE: Final = "nothing is written to disk"
NO_REPLICATION: Final = "there are no replicas"
NO_CLUSTER: Final = "there is no cluster mode"
NO_THREADS: Final = "commands are served by one thread"
NO_PROCESS_TUNING: Final = "the process is left to the operating system"
NO_SYSLOG: Final = "the log goes to a file or to standard output"
NO_MODULES: Final = "modules cannot be loaded"
NO_USERS: Final = "there is one user, whom requirepass protects"
NO_SCRIPTS: Final = "there are no scripts yet"
NO_PUBSUB: Final = "there is no publish/subscribe yet"
DEBUGGING_AID: Final = "a debugging aid of the original server"


@dataclass(frozen=True)
class Parameter:
    """One setting, declared once."""

    name: str
    kind: Kind
    default: str  # as CONFIG GET prints it
    help: str
    alias: str = ""  # the older name, or the other one
    immutable: bool = False  # only at start
    protected: bool = False  # at run time only where enable-protected-configs allows it
    hidden: bool = False  # shown by CONFIG GET only for its exact name
    sensitive: bool = False  # its value does not belong in logs
    no_effect: str = ""  # why it changes nothing here; empty if it has its effect

    @property
    def effect(self) -> bool:
        """Whether setting it changes anything."""
        return not self.no_effect


@dataclass(frozen=True)
class Section:
    """Settings that belong together in the file and in the documentation."""

    title: str
    parameters: tuple[Parameter, ...]
