"""The demonstration: a server of its own that is filled, torn full of holes, defragmented and emptied, told in steps.

It is a process with a socket in a directory of its own, which nobody else can reach, and it ends when nobody has
watched for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from random import Random
from time import monotonic
from typing import Any, Final

from pyredmem.base.build import COMPILED
from pyredmem.web.frames import info_of
from pyredmem.web.source import Source, SourceError, Word
from pyredmem.web.wire_source import WireServer

#: Whether there can be one here.
IS_POSSIBLE: Final = hasattr(socket, "AF_UNIX")

KEYS: Final = 40_000
_LONGEST_VALUE: Final = 700
#: When holes are torn, one key of this many is left.
_LEFT: Final = 3
_BATCH: Final = 250
#: The steps are slow enough to be seen; the pauses are between two batches.
_PAUSE_S: Final = 0.05
_STEP_PAUSE_S: Final = 3.0
_START_S: Final = 30.0
_DEFRAG_S: Final = 90.0
_QUIET_S: Final = 3.0  # without a scan: then defragmentation has done what it wants to
#: It ends when nobody has watched for _ALONE_S, and at the latest _SHOWN_S after the last step (seconds).
_ALONE_S: Final = 30.0
_SHOWN_S: Final = 600.0
#: The server ends with the process that shows it, even if that is killed: its standard input ends then.
_PROGRAM: Final = """\
import os, sys, threading
from pyredmem.__main__ import main
def end():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
main()
"""
_SETTINGS: Final = {
    "port": "0",
    "save": "",
    "appendonly": "no",
    "active-defrag-ignore-bytes": "1mb",
    "active-defrag-threshold-lower": "20",
    # Percent of a processor. Half a minute is a good pace to look at; interpreted code needs more for it.
    "active-defrag-cycle-min": "1" if COMPILED else "20",
    "active-defrag-cycle-max": "3" if COMPILED else "60",
}


class Demonstration:
    """One run, from ``start`` to ``close``."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace  # 0 for no pauses
        self._directory = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._step = ("start", "A server starts for the demonstration.")
        self._is_done = False
        self.watchers = 0
        self._server: WireServer | None = None

    @property
    def is_running(self) -> bool:
        """Whether its server is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and the steps. Raises OSError."""
        self._directory = tempfile.mkdtemp(prefix="pyredmem-demonstration-")
        path = os.path.join(self._directory, "socket")
        options = [word for name, value in _SETTINGS.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *options, "--unixsocket", path, "--dir", self._directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._server = WireServer(f"unix://{path}")
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()), loop.create_task(self._keep())]

    async def connect(self) -> Source:
        """A connection to its server, which may still be starting. Raises SourceError."""
        assert self._server is not None, "it has not been started"
        end = monotonic() + _START_S
        while True:
            try:
                return await self._server.connect()
            except SourceError:
                if not self.is_running or monotonic() > end:
                    raise
            await asyncio.sleep(0.05)  # nothing tells when a process listens

    def state(self) -> dict[str, Any]:
        """The step that is shown, for a frame."""
        return {"step": self._step[0], "text": self._step[1], "done": self._is_done}

    def close(self) -> None:
        """End the server, and leave nothing behind."""
        for task in self._tasks:
            task.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _keep(self) -> None:
        """End the server when nobody watches any more, or when it was shown for long enough."""
        alone_since = monotonic()
        done_since = None
        while self.is_running:
            await asyncio.sleep(1)
            now = monotonic()
            if self.watchers:
                alone_since = now
            if self._is_done and done_since is None:
                done_since = now
            if now - alone_since > _ALONE_S or (done_since is not None and now - done_since > _SHOWN_S):
                break
        asyncio.get_running_loop().call_soon(self.close)

    # The steps.

    async def _run(self) -> None:
        try:
            source = await self.connect()
            try:
                await self._steps(source)
            finally:
                await source.close()
        except SourceError as error:
            self._tell("failed", f"The demonstration has ended: {error}", is_done=True)

    async def _steps(self, source: Source) -> None:
        await self._fill(source)
        await self._churn(source)
        await self._defragment(source)
        self._tell("flush", "Database 1 is flushed: its slabs become empty, and their pages are free again.")
        await source.ask_all([("SELECT", 1), ("FLUSHDB", "SYNC")])
        await self._pause(_STEP_PAUSE_S)
        self._tell("done", "That was it. The server stays for a while, to be looked at.", is_done=True)

    async def _fill(self, source: Source) -> None:
        self._tell("fill", f"{KEYS} keys are written, with values of 20 to {_LONGEST_VALUE} bytes: slabs fill up.")
        chance = Random(1)
        for start in range(0, KEYS, _BATCH):
            database = 1 if start % (4 * _BATCH) == 0 else 0
            names = range(start, start + _BATCH)
            words = [("SET", _name(index), b"x" * chance.randrange(20, _LONGEST_VALUE)) for index in names]
            await self._ask(source, [("SELECT", database), *words])
        await self._pause(_STEP_PAUSE_S)

    async def _churn(self, source: Source) -> None:
        self._tell("churn", f"Of {_LEFT} keys {_LEFT - 1} are deleted, here and there: holes, but hardly a free slab.")
        gone = [index for index in range(KEYS) if index % _LEFT]
        Random(2).shuffle(gone)
        for start in range(0, len(gone), _BATCH):
            names = [_name(index) for index in gone[start : start + _BATCH]]
            await self._ask(source, [("SELECT", 0), ("DEL", *names), ("SELECT", 1), ("DEL", *names)])
        await self._pause(_STEP_PAUSE_S)

    async def _defragment(self, source: Source) -> None:
        before = await _fragmentation(source)
        self._tell("defragment", f"Memory takes {before:.2f} times what is used. Active defragmentation closes holes.")
        await source.ask("CONFIG", "SET", "activedefrag", "yes")
        end = monotonic() + _DEFRAG_S
        hits, quiet_since = 0, monotonic()
        while monotonic() < end and monotonic() - quiet_since < _QUIET_S:
            info = await info_of(source)
            hits = int(info["active_defrag_hits"])
            if int(info["active_defrag_running"]) > 0:
                quiet_since = monotonic()
            await asyncio.sleep(0.2)  # it goes on by itself, and tells nobody
        await source.ask("CONFIG", "SET", "activedefrag", "no")
        after = await _fragmentation(source)
        self._tell("defragmented", f"{hits} blocks were moved: memory takes {after:.2f} times what is used.")
        await self._pause(_STEP_PAUSE_S)

    async def _ask(self, source: Source, commands: Sequence[Sequence[Word]]) -> None:
        await source.ask_all(commands)
        await self._pause(_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace)

    def _tell(self, step: str, words: str, is_done: bool = False) -> None:
        self._step = (step, words)
        self._is_done = is_done


def _name(index: int) -> str:
    return f"{('user', 'session', 'cart', 'page')[index % 4]}:{index}"


async def _fragmentation(source: Source) -> float:
    with contextlib.suppress(ValueError):
        return float((await info_of(source)).get("allocator_frag_ratio", ""))
    return 0.0
