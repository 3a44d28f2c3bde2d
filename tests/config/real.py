"""A real redis-server for the differential tests of this package: one process, and a plain socket to it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyredmem.config.quoting import decode, encode

REDIS: str | None = shutil.which("redis-server")


class Real:
    """One running server."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb")

    def do(self, *words: str) -> list[str]:
        """The reply as a list of texts. An error begins with a dash."""
        data = [encode(word) for word in words]
        request = b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)
        self.socket.sendall(request)
        return self._read()

    def _read(self) -> list[str]:
        head = self.reader.readline().rstrip(b"\r\n")
        if head[:1] == b"$":
            return [decode(self.reader.read(int(head[1:]) + 2)[:-2])]
        if head[:1] == b"*":
            return [text for _ in range(int(head[1:])) for text in self._read()]
        return [decode(head)]

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


@contextmanager
def real_server(directory: Path, config: str | None = None, *options: str) -> Iterator[Real]:
    """A server without TCP. `config` is written to `directory`/redis.conf for it."""
    if REDIS is None:
        pytest.skip("no redis-server on PATH")
    arguments = [REDIS]
    if config is not None:
        (directory / "redis.conf").write_bytes(encode(config))
        arguments.append(str(directory / "redis.conf"))
    path = str(directory / "s")
    arguments += ["--port", "0", "--unixsocket", path, "--dir", str(directory), *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if b"eady to accept" in line:
                break
        deadline = time.monotonic() + 10
        while not Path(path).exists() and time.monotonic() < deadline:
            assert process.poll() is None
        server = Real(path)
        try:
            yield server
        finally:
            server.close()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def startup_error(arguments: list[str], directory: Path) -> str:
    """The message of a server that refuses to start."""
    if REDIS is None:
        pytest.skip("no redis-server on PATH")
    done = subprocess.run(
        [REDIS, *arguments], cwd=directory, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, check=False
    )
    return decode(done.stderr)
