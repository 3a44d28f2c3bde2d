"""Servers as a benchmark sees them: how to start one, its process and port, its CPU time and its memory.

Nothing here depends on what is measured. CPU time and RSS come from /proc, so they are those of the server alone,
whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
BATCH = 1000
REDIS = "redis-server"
PROBE = "from pyredmem.base.build import COMPILED; print('compiled' if COMPILED else 'interpreted')"


@dataclass(frozen=True)
class Contender:
    """How to start one of the servers."""

    name: str
    command: tuple[str, ...]
    site: str = ""  # the directory to import the package from, if it is not installed

    def environment(self) -> dict[str, str]:
        """The environment of the server's process."""
        environment = dict(os.environ)
        environment.pop("PYTHONPATH", None)
        if self.site:
            environment["PYTHONPATH"] = self.site
        return environment


def redis_contender() -> Contender:
    """The redis-server on the path."""
    return Contender(REDIS, (shutil.which(REDIS) or sys.exit("no redis-server on PATH"),))


def other_contender(path: str) -> Contender:
    """Another real server, named after what it says of itself: "Redis 8.2.3", "Valkey 9.1.2"."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    words = done.stdout.split()  # Redis server v=8.2.3 sha=...
    version = next((word.removeprefix("v=") for word in words if word.startswith("v=")), None)
    if version is None:
        sys.exit(f"{path} does not say its version")
    return Contender(f"{words[0]} {version}", (str(Path(path).absolute()),))


def own_contender(text: str, wanted: str = "") -> Contender:
    """The package of an interpreter or of a directory (`PYTHON` or `PYTHON:DIRECTORY`), named after its build."""
    python, _, site = text.partition(":")
    contender = Contender("", (python, "-m", "pyredmem"), site)
    done = subprocess.run(
        [python, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        env=contender.environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
    )
    kind = done.stdout.strip()
    if wanted and kind != wanted:
        sys.exit(f"the package of {text} is {kind}, not {wanted}")
    return Contender(kind, contender.command, site)


class Connection:
    """A blocking connection that knows as much of RESP as a benchmark needs."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def do(self, *words: str | bytes) -> bytes:
        """Run one command; returns the first line of the reply, or the content of a bulk string."""
        self._socket.sendall(encode(words))
        return self._reply()

    def load(self, commands: Iterable[Sequence[str | bytes]]) -> None:
        """Run many commands, in pipelines; the replies to each are read before the next one is sent."""
        batch: list[bytes] = []
        for command in commands:
            batch.append(encode(command))
            if len(batch) == BATCH:
                self._exchange(batch)
                batch = []
        self._exchange(batch)

    def load_raw(self, writes: Iterable[bytes], replies: int) -> None:
        """Send encoded requests; their replies, which must be short, are read when all are sent."""
        for data in writes:
            self._socket.sendall(data)
        for _ in range(replies):
            reply = self._reply()
            if reply.startswith(b"-"):
                raise RuntimeError(reply.decode())

    def _exchange(self, batch: list[bytes]) -> None:
        self._socket.sendall(b"".join(batch))
        for _ in batch:
            reply = self._reply()
            if reply.startswith(b"-"):
                raise RuntimeError(reply.decode())

    def _reply(self) -> bytes:
        line = self._file.readline().rstrip(b"\r\n")
        if not line:
            raise ConnectionError("closed by the server")
        if line.startswith(b"$") and line != b"$-1":
            return self._file.read(int(line[1:]) + 2)[:-2]
        return line


def encode(words: Sequence[str | bytes]) -> bytes:
    """Encode a command as a multibulk request."""
    data = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in data)


class Process:
    """A running server."""

    def __init__(
        self, contender: Contender, options: Sequence[str], directory: str, poll_seconds: float = 0.001
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.directory = Path(directory)
        self._log = self.directory / "output.log"
        fixed = ["--port", str(self.port), "--save", "", "--appendonly", "no", "--dir", directory]
        self.started = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*contender.command, *fixed, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=contender.environment(),
                cwd=directory,
            )
        self.seconds_to_first_pong = self._wait(poll_seconds)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _wait(self, poll_seconds: float, seconds: float = 60.0) -> float:
        while (elapsed := time.perf_counter() - self.started) < seconds:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                connection = Connection(self.port)
                try:
                    if connection.do("PING") == b"+PONG":
                        return time.perf_counter() - self.started
                finally:
                    connection.close()
            time.sleep(poll_seconds)
        self.stop()
        raise RuntimeError(f"no PONG after {elapsed:.1f} s\n{self._log.read_text(errors='replace')}")

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def cpu_ns(self) -> int:
        """The same in nanoseconds, without threads that have ended; for short measurements."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks)

    def resident_bytes(self) -> int:
        """The resident set size of the process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def family_bytes(self) -> int:
        """The same, and what its children have for themselves: the pages that were copied since the fork."""
        total = self.resident_bytes()
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            with contextlib.suppress(OSError):  # it may have ended
                lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty:"))
        return total

    def used_memory(self) -> int:
        """The server's own figure `used_memory`."""
        connection = Connection(self.port)
        try:
            lines = connection.do("INFO", "memory").split(b"\r\n")
        finally:
            connection.close()
        return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"used_memory:"))

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def running(contender: Contender, *options: str) -> Iterator[Process]:
    """Start a server; it is ended with the block."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        process = Process(contender, options, directory)
        try:
            yield process
        finally:
            process.stop()
