"""Worlds with an append-only file."""

from __future__ import annotations

from typing import Any

from tests.persistence.worlds import SavingHost, SavingWorld

DIRECTORY = "appendonlydir"
MANIFEST = f"{DIRECTORY}/appendonly.aof.manifest"
BASE = f"{DIRECTORY}/appendonly.aof.1.base.rdb"
INCREMENT = f"{DIRECTORY}/appendonly.aof.1.incr.aof"


def recording(host: SavingHost | None = None, *, forks: bool = False, **settings: Any) -> SavingWorld:
    """A server that writes an append-only file, and has loaded what there was."""
    return SavingWorld(forks=forks, host=host, **{"appendonly": "yes", **settings}).started()


def again(world: SavingWorld, **settings: Any) -> SavingWorld:
    """A server that starts with the files of another one, which has ended without saying so."""
    return recording(world.saving_host, **settings)


def digest(world: SavingWorld) -> object:
    """The digest of all databases."""
    return world.do("DEBUG", "DIGEST")


def parts(world: SavingWorld) -> list[str]:
    """The names of the files in the directory of the append-only file, without that of the manifest."""
    names = [path.removeprefix(f"{DIRECTORY}/") for path in world.files.content if path.startswith(DIRECTORY)]
    return sorted(name.removeprefix("appendonly.aof.") for name in names if not name.endswith("manifest"))


def commands(world: SavingWorld, path: str = INCREMENT) -> list[bytes]:
    """The words of the commands in an incremental file."""
    content = bytes(world.files.content[path])
    return [word for word in content.split(b"\r\n") if word and word[:1] not in b"*$"]
