"""A client, in a process of its own, that only sends PING and notes how long it waits for the reply.

    python benchmarks/round_trips.py PORT PAUSE_US FILE [CPU]

It sends PING, waits for the reply, pauses, and so on, until it gets SIGTERM. Then it writes pairs of numbers to the
file: the time of each request (CLOCK_MONOTONIC, which all processes share) and how long the reply took, in nanoseconds.
The figures should not show what this process itself does. So it allocates only numbers, and there is no garbage
collection.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REQUEST = b"*1\r\n$4\r\nPING\r\n"


@dataclass
class RoundTrips:
    """The round trips that the client has noted."""

    started_ns: array[int] = field(default_factory=lambda: array("q"))
    taken_ns: array[int] = field(default_factory=lambda: array("q"))

    def within(self, first_ns: int, last_ns: int) -> list[int]:
        """The round trips that were in progress at some time between two moments, sorted by length."""
        pairs = zip(self.started_ns, self.taken_ns, strict=True)
        return sorted(taken for started, taken in pairs if started + taken >= first_ns and started <= last_ns)


def quantile(ordered: list[int], share: float) -> int:
    """The figure that ``share`` of all figures do not exceed."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@contextlib.contextmanager
def asking(port: int, pause_us: int, cpu: int | None = None) -> Iterator[RoundTrips]:
    """Run a client within the block; its round trips are available after the block."""
    found = RoundTrips()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        path = Path(directory) / "round_trips"
        words = [sys.executable, __file__, str(port), str(pause_us), str(path)] + ([] if cpu is None else [str(cpu)])
        client = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert client.stdout is not None
        try:
            if client.stdout.readline() != b"ready\n":
                raise RuntimeError("the client does not start")
            yield found
        finally:
            client.terminate()
            client.wait(30)
            client.stdout.close()
        numbers = array("q")
        numbers.frombytes(path.read_bytes())
        found.started_ns.extend(numbers[0::2])
        found.taken_ns.extend(numbers[1::2])


def ask(port: int, pause_us: int, path: str, cpu: int | None) -> None:
    """Run as that client."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    gc.disable()
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pause = pause_us / 1e6
    now, sleep, send, receive = time.monotonic_ns, time.sleep, connection.sendall, connection.recv
    numbers = array("q")
    note = numbers.append
    print("ready", flush=True)
    while going:
        started = now()
        send(REQUEST)
        receive(64)
        ended = now()
        note(started)
        note(ended - started)
        sleep(pause)
    Path(path).write_bytes(numbers.tobytes())


if __name__ == "__main__":
    ask(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else None)
