"""An engine in a pretended process, which records what it is asked to do and whose figures the test sets."""

from __future__ import annotations

from typing import Any

from pyredmem.engine.host import Host
from pyredmem.keyspace.events import KeyListener
from tests.support.replies import Verbatim
from tests.support.world import World


class RecordingHost(Host):
    """A host whose figures are its attributes, and which records what the engine asks it to do."""

    def __init__(self) -> None:
        self.rss = 100_000_000
        self.slept: list[float] = []
        self.logged: list[tuple[str, str]] = []
        self.trimmed = 0
        self.shut = 0
        self.entropy = b""

    def resident_bytes(self) -> int:
        return self.rss

    def system_memory_bytes(self) -> int:
        return 8 << 30

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        return (1.5, 2.25, 0.0, 0.125)

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        return (1.0, 2.0)

    def process_id(self) -> int:
        return 4711

    def tcp_port(self) -> int:
        return 6379

    def listeners(self) -> list[str]:
        return ["name=tcp,bind=127.0.0.1,port=6379", "name=unix,bind=/tmp/s"]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def random_bytes(self, count: int) -> bytes:
        return self.entropy

    def trim(self) -> None:
        self.trimmed += 1

    def log(self, level: str, message: str) -> None:
        self.logged.append((level, message))

    def shut_down(self) -> None:
        self.shut += 1


class Hosted(World):
    """A world with a `RecordingHost`, in which DEBUG is allowed."""

    def __init__(self, protocol: int = 2, *, host: RecordingHost | None = None, **settings: Any) -> None:
        self.host = host or RecordingHost()
        super().__init__(protocol=protocol, host=self.host, **{"enable_debug_command": "yes", **settings})

    def info_text(self, *sections: str) -> str:
        """The reply of INFO as text."""
        reply = self.do("INFO", *sections)
        text = reply.text if isinstance(reply, Verbatim) else reply
        assert isinstance(text, bytes)
        return text.decode()

    def info(self, *sections: str) -> dict[str, str]:
        """The fields of INFO, in order."""
        return dict(line.split(":", 1) for line in self.info_text(*sections).split("\r\n") if ":" in line)


class SlowEvents(KeyListener):
    """Lets `cost_us` pass whenever a key event is notified."""

    def __init__(self, hosted: Hosted, cost_us: int) -> None:
        self._hosted = hosted
        self.cost_us = cost_us

    def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
        self._hosted.clock.advance_us(self.cost_us)
