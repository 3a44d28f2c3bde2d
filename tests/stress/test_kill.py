"""A server with an append-only file is killed at random moments, and starts again: no acknowledged write is lost.

Several clients write, each in a database of its own, so that it knows what the server has to have. What was sent and
not acknowledged may have happened or not, in its order, and a transaction as a whole. The moments are those of the
real processes, so a run cannot be repeated; its files can be looked at.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from tests.stress.changes import EMPTY, Change, State, agree, change, read_state
from tests.support.servers import Server, pyredmem_command
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Argument, Array, Closed, Error, Null, Reply, Wire, request

CLIENTS: Final = 4
LONGEST_LOAD_SECONDS: Final = 0.3
MOST_KILLS_PER_DIRECTORY: Final = 6
PARTS: Final = 4  # which can run at the same time
FEW: Final = 6
MAINTENANCE: Final[list[tuple[Argument, ...]]] = [
    *[("BGREWRITEAOF",)] * 4,
    ("BGSAVE",),
    ("CONFIG", "SET", "aof-use-rdb-preamble", "yes"),
    ("CONFIG", "SET", "aof-use-rdb-preamble", "no"),
    ("CONFIG", "SET", "aof-timestamp-enabled", "yes"),
    ("CONFIG", "SET", "auto-aof-rewrite-percentage", "0"),
]


def settings(chance: random.Random) -> list[str]:
    """Random settings of a server. Whatever appendfsync is, a write precedes its reply.

    The only exception, everysec while the file is being forced to the disk, does not happen so soon after the start.
    """
    return [
        *("--appendonly", "yes", "--appendfsync", chance.choice(["always", "always", "everysec", "no"])),
        *("--aof-use-rdb-preamble", chance.choice(["yes", "no"])),
        *("--aof-timestamp-enabled", chance.choice(["yes", "no"])),
        *("--auto-aof-rewrite-min-size", chance.choice(["1kb", "20kb", "64mb"])),
        *("--auto-aof-rewrite-percentage", chance.choice(["1", "50", "100"])),
        *("--hz", chance.choice(["10", "100", "500"])),
    ]


class Client:
    """Writes to its database, and knows what may be there."""

    def __init__(self, database: int, seed: int) -> None:
        self._database = database
        self._chance = random.Random(seed)
        self._state: State = EMPTY
        self._unacknowledged: list[list[Change]] = []
        self._thread = threading.Thread()
        self._problem: BaseException | None = None
        self.acknowledged = 0  # how many commands and transactions

    def connect(self, server: Server) -> Wire:
        wire = server.connect()
        assert wire.do("SELECT", self._database) == OK
        return wire

    # Writing.

    def begin(self, server: Server) -> None:
        """Write until the server is dead."""
        self._thread = threading.Thread(target=self._write, args=(self.connect(server),), daemon=True)
        self._thread.start()

    def _write(self, wire: Wire) -> None:
        try:
            with wire, contextlib.suppress(Closed):
                while True:
                    self._batch(wire)
        except BaseException as error:  # raised by end()
            self._problem = error

    def _batch(self, wire: Wire) -> None:
        """Send commands and transactions together, and note what is acknowledged."""
        chance = self._chance
        if chance.random() < 0.02:
            wire.do(*chance.choice(MAINTENANCE))  # may be refused
        units = [
            [change(chance) for _ in range(chance.randint(2, 4) if chance.random() < 0.2 else 1)]
            for _ in range(chance.choice([1, 1, 1, 2, 5]))
        ]
        self._unacknowledged = units[:]
        commands = [words for unit in units for words in _words(unit)]
        wire.send(b"".join(request(*words) for words in commands))
        for unit in units:
            replies = _replies(wire, unit)
            for one, reply in zip(unit, replies, strict=True):
                assert not isinstance(reply, Error), (one.words, reply)
                self._state = one.apply(self._state, reply)[0]
            self._unacknowledged.pop(0)
            self.acknowledged += 1

    def end(self) -> None:
        """The server is dead: write no more."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._problem is not None:
            raise self._problem

    # Checking.

    def check(self, server: Server) -> None:
        """Assert that the server has what it must have, and take that as the state."""
        with self.connect(server) as wire:
            found = read_state(wire)
            assert wire.do("GET", "volatile") == Null(), "a key outlives its expire time"
        possible = self._possible()
        assert any(agree(state, found) for state in possible), (
            f"database {self._database} has\n{found!r:.3000}\nand not\n{possible[0]!r:.3000}\n"
            f"or that after some of {[_words(unit) for unit in self._unacknowledged]!r:.3000}"
        )
        self._state = found
        self._unacknowledged = []

    def _possible(self) -> list[State]:
        states = [self._state]
        possible = states[:]
        for unit in self._unacknowledged:
            for one in unit:
                states = [after for state in states for after in one.apply(state, None)]
            possible += states
        return possible


def _words(unit: list[Change]) -> list[tuple[Argument, ...]]:
    """The commands of a unit; several make a transaction."""
    words = [one.words for one in unit]
    return words if len(words) == 1 else [("MULTI",), *words, ("EXEC",)]


def _replies(wire: Wire, unit: list[Change]) -> list[Reply]:
    """The replies of the commands of a unit."""
    if len(unit) == 1:
        return [wire.receive()]
    for _ in range(len(unit) + 1):  # OK, QUEUED
        wire.receive()
    executed = wire.receive()
    assert isinstance(executed, Array), executed
    return list(executed.items)


# Killing.


def children(pid: int) -> list[int]:
    """The processes that a process has forked."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Killer:
    """Starts servers on one directory, and kills them."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._directory = directory
        self._chance = random.Random(seed)
        self._clients = [Client(database, seed + database) for database in range(CLIENTS)]
        self._orphans: list[int] = []
        self._server: Server | None = None
        self.history: list[str] = []

    def start(self) -> None:
        """Start a server; it must have what the last ones have acknowledged."""
        options = settings(self._chance)
        self.history.append(" ".join(options))
        self._server = server = Server("pyredmem", pyredmem_command(), options, self._directory)
        server.wait_until_ready()
        for client in self._clients:
            client.check(server)
        assert "Fault" not in server.log, server.log

    def load_and_kill(self) -> int:
        """Let the clients write, and kill the server while they do; returns how much was acknowledged."""
        server = self._server
        assert server is not None
        chance = self._chance
        for client in self._clients:
            client.begin(server)
        time.sleep(chance.uniform(0, LONGEST_LOAD_SECONDS))
        forked = children(server.pid)
        if forked and chance.random() < 0.3:  # only what goes on in the background, at first
            kill(forked[0])
            time.sleep(chance.uniform(0, LONGEST_LOAD_SECONDS / 2))
        forked = children(server.pid)
        kill(server.pid)
        server.process.wait()
        self._orphans += forked
        if chance.random() < 0.5:  # else they go on, beside the next server
            self._kill_orphans()
        for client in self._clients:
            client.end()
        return sum(client.acknowledged for client in self._clients)

    def _kill_orphans(self) -> None:
        for pid in self._orphans:
            with contextlib.suppress(OSError):  # it has ended, and its number may be that of another process
                if os.fsencode(self._directory) in Path(f"/proc/{pid}/cmdline").read_bytes():
                    kill(pid)
        self._orphans = []

    def end(self) -> None:
        """Leave no process behind."""
        if self._server is not None:
            kill(self._server.pid)
            self._server.process.wait()
        self._kill_orphans()


def rounds(directory: Path, seed: int, count: int) -> int:
    """Kill servers on one directory; returns how much was acknowledged. What is there at a failure is kept."""
    killer = Killer(directory, seed)
    kept = directory.with_name(f"{directory.name}-killed")
    done = 0
    try:
        for _ in range(count):
            killer.start()
            acknowledged = killer.load_and_kill()
            shutil.rmtree(kept, ignore_errors=True)
            with contextlib.suppress(shutil.Error):  # an orphan is renaming its file
                shutil.copytree(directory, kept)
            done += 1
        killer.start()
    except BaseException as error:
        error.add_note(f"after {done} kills; what the last one left: {kept}\nsettings: {killer.history}")
        raise
    finally:
        killer.end()
    shutil.rmtree(kept, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    return acknowledged


def kill_often(kills: int, seed: int) -> None:
    """Kill servers so many times, on one directory after the other."""
    chance = random.Random(seed)
    acknowledged = 0
    while kills > 0:
        count = min(kills, chance.randint(1, MOST_KILLS_PER_DIRECTORY))
        directory = Path(tempfile.mkdtemp(prefix="pyredmem-kill-"))
        acknowledged += rounds(directory, chance.randrange(10**9), count)
        kills -= count
    assert acknowledged > 0


def test_a_server_that_is_killed_loses_no_acknowledged_write() -> None:
    kill_often(FEW, 1)


@pytest.mark.slow
@time_limit(SUITE.kills * 3)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_server_that_is_killed_again_and_again_loses_no_acknowledged_write(part: int) -> None:
    kill_often(SUITE.kills // PARTS, 100 + part)
