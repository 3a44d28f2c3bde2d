"""A Redis-compatible in-memory server and test double that tells the truth about memory.

    import pyredmem

    with pyredmem.Server() as server:  # an isolated server inside the process
        client = server.client()       # a genuine redis.Redis

    with pyredmem.patch():             # code under test connects to localhost:6379 as ever
        ...

Nothing is loaded before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyredmem.client.dataset import Expiring, SortedSet, Stream
    from pyredmem.client.forks import ForeignServerError
    from pyredmem.client.patch import Patch as patch  # noqa: N813 - used like a function
    from pyredmem.client.routes import UnclaimedAddressError
    from pyredmem.client.server import Server
    from pyredmem.client.snapshot import Snapshot

__all__ = [
    "Expiring",
    "ForeignServerError",
    "Server",
    "Snapshot",
    "SortedSet",
    "Stream",
    "UnclaimedAddressError",
    "__version__",
    "patch",
]
__version__ = "0.1.0"

_HOMES = {
    "Expiring": ("pyredmem.client.dataset", "Expiring"),
    "ForeignServerError": ("pyredmem.client.forks", "ForeignServerError"),
    "Server": ("pyredmem.client.server", "Server"),
    "Snapshot": ("pyredmem.client.snapshot", "Snapshot"),
    "SortedSet": ("pyredmem.client.dataset", "SortedSet"),
    "Stream": ("pyredmem.client.dataset", "Stream"),
    "UnclaimedAddressError": ("pyredmem.client.routes", "UnclaimedAddressError"),
    "patch": ("pyredmem.client.patch", "Patch"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
