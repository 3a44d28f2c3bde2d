"""Who may do what, what a client may use up, and scripts."""

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
from pyredmem.config.parameter import NO_MODULES, NO_SCRIPTS, NO_USERS, Parameter, Section

MEGABYTE: Final = 1024 * 1024

_WHO: Final = Choice("no", "yes", "local")

ACCESS: Final = Section(
    "Access",
    (
        Parameter(
            "requirepass",
            Text(optional=True),
            "",
            "Password of the default user; empty means that none is asked for.",
            sensitive=True,
        ),
        Parameter("aclfile", Text(), "", "File of ACL users.", immutable=True, no_effect=NO_USERS),
        Parameter("acllog-max-len", Integer(0, LONG_MAX), "128", "Entries that ACL LOG keeps.", no_effect=NO_USERS),
        Parameter(
            "acl-pubsub-default",
            Choice("allchannels", "resetchannels"),
            "resetchannels",
            "Channels that a new user may use.",
            no_effect=NO_USERS,
        ),
        Parameter(
            "enable-protected-configs",
            _WHO,
            "no",
            "Who may change the settings that are protected; local is connections from this machine.",
            immutable=True,
        ),
        Parameter("enable-debug-command", _WHO, "no", "Who may use DEBUG.", immutable=True),
        Parameter("enable-module-command", _WHO, "no", "Who may use MODULE.", immutable=True, no_effect=NO_MODULES),
    ),
)

CLIENTS: Final = Section(
    "Clients",
    (
        Parameter("maxclients", Integer(1, UNSIGNED_INT_MAX), "10000", "Most clients at one time."),
        Parameter(
            "client-query-buffer-limit",
            Memory(MEGABYTE, LONG_MAX),
            str(1024 * MEGABYTE),
            "A client whose unread request grows beyond this is closed.",
        ),
        Parameter(
            "client-output-buffer-limit",
            BufferLimits(),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            "A client is closed when its unsent replies exceed the hard limit, or the soft one for so many "
            "seconds; 0 is no limit. Classes that are not named stay as they are.",
        ),
        Parameter(
            "maxmemory-clients",
            MemoryOrPercent(-100, LONG_MAX),
            "0",
            "Memory for all clients together, beyond which the biggest are closed; 0 is no limit.",
        ),
        Parameter(
            "proto-max-bulk-len",
            Memory(MEGABYTE, LONG_MAX),
            str(512 * MEGABYTE),
            "Longest argument.",
        ),
        Parameter(
            "tracking-table-max-keys",
            Integer(0, LONG_MAX),
            "1000000",
            "Keys remembered for client side caching; 0 is no limit.",
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
            "Milliseconds after which other clients are told that a script is running; 0 is never.",
            alias="lua-time-limit",
            no_effect=NO_SCRIPTS,
        ),
        Parameter(
            "lua-enable-deprecated-api",
            YesNo(),
            "no",
            "Give scripts the functions that were withdrawn.",
            immutable=True,
            hidden=True,
            no_effect="the withdrawn functions do not exist",
        ),
    ),
)
