"""Processes of `python -m pyredmem`, for tests that need more than a server that replies to PING on a TCP port."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.servers import ROOT, free_port
from tests.support.wire import Wire

DEADLINE_SECONDS = 20.0


def environment(**extra: str) -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pyredmem", *arguments]


def run(*arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a process that ends by itself."""
    return subprocess.run(
        command(*arguments),
        input=stdin,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


class Process:
    """A running server, and what it has written so far."""

    def __init__(self, directory: Path, arguments: tuple[str, ...], stdin: str, extra: dict[str, str]) -> None:
        self.output_path = directory / "output"
        with self.output_path.open("wb") as output:
            self.popen = subprocess.Popen(
                command(*arguments),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=environment(**extra),
            )
        assert self.popen.stdin is not None
        self.popen.stdin.write(stdin.encode())
        self.popen.stdin.close()

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def wait_for_line(self, text: str, path: Path | None = None) -> None:
        """Wait until `text` is in the log."""
        where = path or self.output_path

        def found() -> bool:
            assert path is not None or self.popen.poll() is None or text in self.output, self.output
            return where.exists() and text in where.read_text(errors="replace")

        wait_until(found, f"{text!r} in {where}")

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def status(self) -> int:
        return self.popen.wait(DEADLINE_SECONDS)


@contextlib.contextmanager
def started(directory: Path, *arguments: str, stdin: str = "", **extra: str) -> Iterator[Process]:
    """A server that is ready; it is killed at the end if it is still running."""
    process = Process(directory, arguments, stdin, extra)
    try:
        process.wait_for_line("Ready to accept connections")
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait()


@contextlib.contextmanager
def on_port(directory: Path, *arguments: str, **extra: str) -> Iterator[tuple[Process, int]]:
    """A server on a free TCP port."""
    port = free_port()
    with started(directory, "--port", str(port), *arguments, **extra) as process:
        yield process, port


def ping(port: int) -> bool:
    with Wire(port) as wire:
        return wire.do("PING") is not None
