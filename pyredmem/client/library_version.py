"""What redis-py tells a server of itself when it connects, found out once.

redis-py 8 reads its own version from the metadata of its package for each client that it makes. That takes longer than
everything else about a new client, its first command included.
"""

from __future__ import annotations

from typing import Any

import redis

#: The options of a client that say what it is to tell, or that bring a pool which knows it.
_DECIDING = frozenset(("driver_info", "lib_name", "lib_version", "connection_pool"))

_DriverInfo: Any = getattr(redis, "DriverInfo", None)  # None: this redis-py has its version at hand
_VERSION = None if _DriverInfo is None else _DriverInfo().lib_version


def with_library_version(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a client, completed with what redis-py would find out itself."""
    if _DriverInfo is None or not _DECIDING.isdisjoint(options):
        return options
    return {**options, "driver_info": _DriverInfo(lib_version=_VERSION)}
