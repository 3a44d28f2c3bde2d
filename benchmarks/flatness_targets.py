"""The targets of `flatness.py`: a server at the other end of a socket, or a session of an engine in this process.

A target runs commands and measures what they cost; it does not know which ones they are.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import hiredis
from flatness_probes import Command
from processes import Process, encode

sys.path.append(str(Path(__file__).resolve().parents[1]))  # searched after an installed package, which may be compiled

from pyredmem.assembly import create_engine
from pyredmem.base.build import COMPILED
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings

PER_READ = 64  # calls that are fed to a session at once


@dataclass(frozen=True)
class Cost:
    """The cost of one call, in microseconds."""

    cpu_us: float
    wall_us: float


class Target(ABC):
    """Something that runs commands."""

    name: str

    @abstractmethod
    def exchange(self, commands: list[Command]) -> None:
        """Run all commands at once; an error reply ends the benchmark."""

    @abstractmethod
    def cost(self, calls: list[list[Command]]) -> Cost:
        """The cost of a call, each of which is one command or a few."""


class Server(Target):
    """A server process and a connection to it, on one processor; a command is sent after the reply to the last one."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process
        processor = {max(os.sched_getaffinity(0))}
        os.sched_setaffinity(0, processor)
        os.sched_setaffinity(process.pid, processor)
        self._socket = socket.create_connection(("127.0.0.1", process.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def exchange(self, commands: list[Command]) -> None:
        self._socket.sendall(b"".join(map(encode, commands)))
        for _ in commands:
            self._reply()

    def _reply(self) -> None:
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(1 << 16))
        if isinstance(reply, Exception):
            raise RuntimeError(f"{self.name}: {reply}")

    def cost(self, calls: list[list[Command]]) -> Cost:
        """The server's CPU time, and the wait of the median call, since other work delays a few calls only."""
        requests = [[encode(command) for command in call] for call in calls]
        waits_ns: list[int] = []
        cpu_ns = self._process.cpu_ns()
        for call in requests:
            started_ns = time.perf_counter_ns()
            for request in call:
                self._socket.sendall(request)
                self._reply()
            waits_ns.append(time.perf_counter_ns() - started_ns)
        cpu_ns = self._process.cpu_ns() - cpu_ns
        return Cost(cpu_ns / 1e3 / len(calls), statistics.median(waits_ns) / 1e3)


class InProcess(Target):
    """A session that is fed many commands at once: the cost is that of parsing, executing and replying alone."""

    def __init__(self) -> None:
        self.name = "pyredmem, " + ("compiled" if COMPILED else "interpreted")
        engine = create_engine(Settings([("save", "")]), ManualClock(), Random(1))
        self._session = engine.connect("tcp", "127.0.0.1:50000", "127.0.0.1:6379")

    def exchange(self, commands: list[Command]) -> None:
        self._session.receive(b"".join(map(encode, commands)))
        self._check(self._session.take_output())

    def _check(self, output: bytes) -> None:
        if output.startswith(b"-") or b"\r\n-" in output:
            raise RuntimeError(output[:200].decode(errors="replace"))

    def cost(self, calls: list[list[Command]]) -> Cost:
        """The CPU time of this process, and the time of the clock."""
        requests = [
            b"".join(encode(command) for call in calls[start : start + PER_READ] for command in call)
            for start in range(0, len(calls), PER_READ)
        ]
        session = self._session
        cpu_ns = wall_ns = 0
        for request in requests:
            started_cpu_ns, started_ns = time.process_time_ns(), time.perf_counter_ns()
            session.receive(request)
            wall_ns += time.perf_counter_ns() - started_ns
            cpu_ns += time.process_time_ns() - started_cpu_ns
            self._check(session.take_output())
        return Cost(cpu_ns / 1e3 / len(calls), wall_ns / 1e3 / len(calls))
