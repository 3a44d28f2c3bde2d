"""Servers with an append-only file, of all kinds, on directories that outlive them."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pyredmem.config.profiles import MIXED
from tests.differential.test_check_rdb import LIMITED
from tests.support.servers import (
    Server,
    newer_redis_command,
    pyredmem_command,
    redis_server_command,
    valkey_command,
)
from tests.support.wire import Argument, Error, Reply, Wire, info

OURS: Final = "pyredmem"
OLD_REDIS: Final = "redis 7.0"
NEW_REDIS: Final = "redis 8.2"
VALKEY: Final = "valkey 9.1"
JUDGES: Final = (OLD_REDIS, NEW_REDIS, VALKEY)

#: Without this a process ends when its file reaches a limit; so it only gets an error.
OUTLIVES_FULL_DISKS: Final = ("sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")
#: Larger than a manifest, and smaller than `BALLAST` (bytes).
LIMIT: Final = 1000
BALLAST: Final = random.Random(1).randbytes(2 * LIMIT)

MANIFEST: Final = "appendonly.aof.manifest"
PATIENCE_SECONDS: Final = 20.0


def _command(name: str) -> list[str]:
    found = {
        OURS: pyredmem_command,
        OLD_REDIS: redis_server_command,
        NEW_REDIS: newer_redis_command,
        VALKEY: valkey_command,
    }[name]()
    if found is None:
        pytest.skip(f"{name} is not installed")
    # The files of newer servers have commands of any version.
    profile = ["--redis-version", MIXED.name] if name == OURS and not os.environ.get("PYREDMEM_SERVER") else []
    return [*OUTLIVES_FULL_DISKS, *LIMITED, *found, *profile]


@contextlib.contextmanager
def launched(name: str, directory: Path, *options: str) -> Iterator[Server]:
    """A server on this directory, which may not be ready yet, or refuse to start."""
    directory.mkdir(exist_ok=True)
    server = Server(name, _command(name), ["--enable-debug-command", "yes", "--appendonly", "yes", *options], directory)
    try:
        yield server
    except Exception as error:
        error.add_note(f"--- {name}\n{server.log}")
        raise
    finally:
        server.stop()


@contextlib.contextmanager
def appending(name: str, directory: Path, *options: str) -> Iterator[Server]:
    """A server that has loaded the append-only file of this directory, and goes on writing it."""
    with launched(name, directory, *options) as server:
        server.wait_until_ready()
        yield server


def do(wire: Wire, *words: Argument) -> Reply:
    """The reply of a command, which is no error."""
    reply = wire.do(*words)
    assert not isinstance(reply, Error), (words, reply)
    return reply


def settled(wire: Wire) -> None:
    """Wait until nothing goes on in the background, or is going to."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    busy = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress", "aof_pending_bio_fsync")
    while any(info(wire, "persistence").get(name, "0") != "0" for name in busy):
        assert time.monotonic() < deadline, info(wire, "persistence")
        time.sleep(0.01)


def rewritten(wire: Wire) -> None:
    """Rewrite the append-only file."""
    do(wire, "BGREWRITEAOF")
    settled(wire)
    assert info(wire, "persistence")["aof_last_bgrewrite_status"] == "ok"


@contextlib.contextmanager
def full_disk(server: Server, size: int = LIMIT) -> Iterator[None]:
    """No file of the server can become larger than this (bytes), as if the disk were full."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def failed_to_rewrite(server: Server, wire: Wire) -> None:
    """Let a rewrite fail: then there is one more incremental file."""
    do(wire, "SET", "ballast", BALLAST)
    with full_disk(server):
        do(wire, "BGREWRITEAOF")
        settled(wire)
    assert info(wire, "persistence")["aof_last_bgrewrite_status"] == "err"


def listing(directory: Path) -> tuple[list[str], list[str], str]:
    """The names in a server's directory and in that of the parts, and the manifest.

    Redis 8.2 also notes in the manifest where each part begins in the stream of a replica.
    """
    parts = directory / "appendonlydir"
    manifest = (parts / MANIFEST).read_text() if (parts / MANIFEST).exists() else ""
    lines = [line.partition(" startoffset")[0] for line in manifest.splitlines()]
    inside = sorted(path.name for path in parts.iterdir()) if parts.exists() else []
    outside = sorted(path.name for path in directory.iterdir() if path.name != "output.log")
    return outside, inside, "\n".join(lines)
