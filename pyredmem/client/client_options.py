"""What a client inside the process is made with besides the options that are given.

It is about what makes clients of redis-py 8 slow to begin. redis-py reads its own version from the metadata of its
package for each client, which takes longer than everything else about a new client, its first command included. And
each connection asks for notifications of maintenance, which no server but Redis's commercial ones sends, and copies
half a dozen objects for that. Over a Unix socket redis-py does not ask.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import redis

from pyredmem.base.optional import optional_module

#: A client with one of these options has a version of its own to tell, or a pool that knows it.
_TELLS_VERSION = frozenset(("driver_info", "lib_name", "lib_version"))

_DriverInfo: Any = getattr(redis, "DriverInfo", None)  # None: this redis-py has its version at hand
_VERSION = None if _DriverInfo is None else _DriverInfo().lib_version
_maintenance = optional_module("redis.maint_notifications")  # new in redis-py 7
_NO_NOTIFICATIONS = None if _maintenance is None else _maintenance.MaintNotificationsConfig(enabled=False)


@cache
def _parameters(client_class: type) -> frozenset[str]:
    return frozenset(inspect.signature(client_class).parameters)


def completed(client_class: type, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a client, with what is missing."""
    if options.get("connection_pool") is not None:
        return options
    known = _parameters(client_class)
    added: dict[str, Any] = {}
    if "driver_info" in known and _TELLS_VERSION.isdisjoint(options):
        added["driver_info"] = _DriverInfo(lib_version=_VERSION)
    if "maint_notifications_config" in known and "maint_notifications_config" not in options:
        added["maint_notifications_config"] = _NO_NOTIFICATIONS
    return {**options, **added}
