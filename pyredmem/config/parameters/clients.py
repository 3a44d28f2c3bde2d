"""Access, the limits of clients, and scripts."""

from __future__ import annotations

from typing import Final

from pyredmem.config.composites import BufferLimits
from pyredmem.config.kinds import (
    LONG_MAX,
    UNSIGNED_INT_MAX,
    Choice,
    Integer,
    Memory,
    MemoryOrPercent,
    Text,
    YesNo,
)
from pyredmem.config.parameter import NO_MODULES, Parameter, Section

MEGABYTE: Final = 1024 * 1024

_CONNECTIONS: Final = Choice("no", "yes", "local")

ACCESS: Final = Section(
    "Access",
    (
        Parameter(
            "requirepass",
            Text(optional=True),
            "",
            "Password of the default user; if empty, clients need none.",
            sensitive=True,
        ),
        Parameter("aclfile", Text(), "", "File of ACL users.", immutable=True),
        Parameter("acllog-max-len", Integer(0, LONG_MAX), "128", "Entries that ACL LOG keeps."),
        Parameter(
            "acl-pubsub-default",
            Choice("allchannels", "resetchannels"),
            "resetchannels",
            "The channels that a new user may access.",
        ),
        Parameter(
            "enable-protected-configs",
            _CONNECTIONS,
            "no",
            "Which connections may change protected settings; local means those from this machine.",
            immutable=True,
        ),
        Parameter("enable-debug-command", _CONNECTIONS, "no", "Which connections may use DEBUG.", immutable=True),
        Parameter(
            "enable-module-command",
            _CONNECTIONS,
            "no",
            "Which connections may use MODULE.",
            immutable=True,
            no_effect=NO_MODULES,
        ),
    ),
)

CLIENTS: Final = Section(
    "Clients",
    (
        Parameter("maxclients", Integer(1, UNSIGNED_INT_MAX), "10000", "The most clients connected at the same time."),
        Parameter(
            "client-query-buffer-limit",
            Memory(MEGABYTE, LONG_MAX),
            str(1024 * MEGABYTE),
            "A client is disconnected when its query buffer grows beyond this.",
        ),
        Parameter(
            "client-output-buffer-limit",
            BufferLimits(),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            "A client is disconnected when its unsent replies exceed the hard limit, or exceed the soft limit for the "
            "given number of seconds; 0 means no limit. Classes that are not named stay as they are.",
        ),
        Parameter(
            "maxmemory-clients",
            MemoryOrPercent(-100, LONG_MAX),
            "0",
            "Memory for all clients together; above it, the largest clients are disconnected. 0 means no limit.",
        ),
        Parameter(
            "proto-max-bulk-len",
            Memory(MEGABYTE, LONG_MAX),
            str(512 * MEGABYTE),
            "The longest argument of a command.",
        ),
        Parameter(
            "tracking-table-max-keys",
            Integer(0, LONG_MAX),
            "1000000",
            "The most keys remembered for client-side caching; 0 means no limit.",
        ),
    ),
)

SCRIPTS: Final = Section(
    "Scripts",
    (
        Parameter(
            "busy-reply-threshold",
            Integer(0, LONG_MAX),
            "5000",
            "Milliseconds a script may run before other clients get BUSY errors; 0 means for ever.",
            alias="lua-time-limit",
        ),
        Parameter(
            "lua-enable-deprecated-api",
            YesNo(),
            "no",
            "Whether scripts have the withdrawn functions of the API.",
            immutable=True,
            hidden=True,
            no_effect="there are no withdrawn functions",
        ),
    ),
)
