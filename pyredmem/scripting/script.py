"""A script: its text, the flags that it declares in its first line, and the function that Lua made of it."""

from __future__ import annotations

from typing import Any, Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError, as_c_string
from pyredmem.engine.spec import DENYOOM, MAY_REPLICATE, STALE, WRITE, Command

# What a script or function declares about itself.
NO_WRITES: Final = 1 << 0
ALLOW_OOM: Final = 1 << 1
ALLOW_STALE: Final = 1 << 2
NO_CLUSTER: Final = 1 << 3
ALLOW_CROSS_SLOT_KEYS: Final = 1 << 4
#: A script without a first line of flags: it may do what scripts of older servers could.
COMPATIBLE: Final = 1 << 5

FLAGS: Final[dict[bytes, int]] = {
    b"no-writes": NO_WRITES,
    b"allow-oom": ALLOW_OOM,
    b"allow-stale": ALLOW_STALE,
    b"no-cluster": NO_CLUSTER,
    b"allow-cross-slot-keys": ALLOW_CROSS_SLOT_KEYS,
}


def command_flags(command: Command, flags: i64) -> i64:
    """The flags of a command that runs a script with ``flags`` (Redis 7.2 scriptFlagsToCmdFlags)."""
    if flags & COMPATIBLE:
        return command.flags
    found = command.flags & ~(WRITE | DENYOOM | STALE | MAY_REPLICATE)
    if not flags & NO_WRITES:
        found |= WRITE
    if not flags & (NO_WRITES | ALLOW_OOM):
        found |= DENYOOM
    if flags & ALLOW_STALE:
        found |= STALE
    return found


class Runnable:
    """A script or a function of a library. ``body`` is the function that Lua made of it, an object of lupa."""

    def __init__(self, name: bytes, flags: i64, body: Any, is_function: bool) -> None:
        self.name = name
        self.flags: i64 = flags
        self.body = body
        self.is_function = is_function


class Script(Runnable):
    """A script that compiles; its name is its SHA1."""

    def __init__(self, sha: bytes, text: bytes, flags: i64, body: Any) -> None:
        super().__init__(sha, flags, body, False)
        self.text = text
        self.blocks: list[int] = []  # in the ledger


def read_shebang(body: bytes) -> tuple[i64, int]:
    """The flags of a script, and the length of its first line if that declares them."""
    if not body.startswith(b"#!"):
        return COMPATIBLE, 0
    end = body.find(b"\n")
    if end < 0:
        raise CommandError(b"ERR Invalid script shebang")
    parts = body[:end].split(b" ")
    if parts[0] != b"#!lua":
        raise CommandError(b"ERR Unexpected engine in script shebang: " + as_c_string(parts[0]))
    flags: i64 = 0
    for part in parts[1:]:
        if not part.startswith(b"flags="):
            raise CommandError(b"ERR Unknown lua shebang option: " + as_c_string(part))
        for name in part[6:].split(b","):
            flag = FLAGS.get(name)
            if flag is None:
                raise CommandError(b"ERR Unexpected flag in script shebang: " + as_c_string(name))
            flags |= flag
    return flags, end
