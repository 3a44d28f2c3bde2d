"""The sections of INFO, in order, and the choice of those that a call asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.engine.engine import Engine
from pyredmem.info.clients import clients
from pyredmem.info.commands import command_stats, error_stats, latency_stats
from pyredmem.info.cpu import cpu
from pyredmem.info.keyspace import cluster, cluster_info, keysizes, keyspace, modules
from pyredmem.info.memory import memory
from pyredmem.info.persistence import persistence
from pyredmem.info.process import process
from pyredmem.info.replication import replication
from pyredmem.info.report import Report
from pyredmem.info.scripts import scripting_engines
from pyredmem.info.server import server, tls
from pyredmem.info.stats import debug, stats, threads

Provider = Callable[[Report], None]


class Section:
    """A title, and the function that writes the fields below it."""

    def __init__(self, title: str, provider: Provider, default: bool = True, in_all: bool = True) -> None:
        self.title = title
        self.name = title.replace(" ", "").lower().encode()  # as an argument of INFO
        self.provider: Provider = provider
        self.default = default  # part of INFO without arguments
        self.in_all = in_all  # part of INFO ALL


SECTIONS: Final = (
    Section("Server", server),
    Section("TLS", tls, default=False),
    Section("Clients", clients),
    Section("Memory", memory),
    Section("Process", process, default=False),
    Section("Persistence", persistence),
    Section("Threads", threads),
    Section("Stats", stats),
    Section("Replication", replication),
    Section("CPU", cpu),
    Section("Modules", modules),
    Section("Commandstats", command_stats, default=False),
    Section("Errorstats", error_stats),
    Section("Latencystats", latency_stats, default=False),
    Section("Cluster", cluster),
    Section("Cluster Info", cluster_info, default=False),
    Section("Scripting Engines", scripting_engines, default=False),
    Section("Keyspace", keyspace),
    Section("Keysizes", keysizes),
    Section("Debug", debug, default=False, in_all=False),
)

_ALL: Final = (b"all", b"everything")
#: The sections of INFO ALL; each can be asked for by itself.
NAMES_OF_ALL: Final = [section.name for section in SECTIONS if section.in_all]


def info_text(engine: Engine, names: list[bytes]) -> bytes:
    """The sections that ``names`` ask for, each once and in the fixed order. Unknown names are ignored."""
    wanted = {name.lower() for name in names} if names else {b"default"}
    everything = not wanted.isdisjoint(_ALL)
    default = b"default" in wanted
    report = Report(engine)
    for section in SECTIONS:
        if not report.has(section.title):
            continue
        if (everything and section.in_all) or section.name in wanted or (default and section.default):
            report.title(section.title)
            section.provider(report)
    return report.rendered()
