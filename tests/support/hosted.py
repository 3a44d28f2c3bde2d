"""An engine with a process around it that does nothing but remember, and whose figures the test sets."""

from __future__ import annotations

from pyredmem.assembly import create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.engine.host import Host
from tests.support.engine import Argument, do
from tests.support.wire import Bulk, Decoder, Reply, Verbatim


class RecordingHost(Host):
    """Answers with its attributes and notes what was asked of it."""

    def __init__(self) -> None:
        self.rss = 100_000_000
        self.slept: list[float] = []
        self.logged: list[tuple[str, str]] = []
        self.trimmed = 0
        self.shut = 0

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

    def trim(self) -> None:
        self.trimmed += 1

    def log(self, level: str, message: str) -> None:
        self.logged.append((level, message))

    def shut_down(self) -> None:
        self.shut += 1


class Hosted:
    """The engine, its host, its clock and one client; DEBUG is allowed."""

    def __init__(self, protocol: int = 2, **settings: str) -> None:
        self.clock = ManualClock()
        self.host = RecordingHost()
        pairs = [("enable-debug-command", "yes")]
        pairs += [(name.replace("_", "-"), value) for name, value in settings.items()]
        self.engine: Engine = create_engine(Settings(pairs), self.clock, Random(1), self.host)
        self.session = self.engine.connect("tcp", "127.0.0.1:50000", "127.0.0.1:6379")
        self.session.set_protocol(protocol)

    def raw(self, *words: Argument) -> bytes:
        """Run one command; the reply as bytes."""
        return do(self.session, *words)

    def do(self, *words: Argument) -> Reply:
        """Run one command; the reply with its types."""
        decoder = Decoder()
        decoder.feed(self.raw(*words))
        reply = decoder.take()
        assert reply is not None
        return reply

    def tick(self, milliseconds: int = 100) -> None:
        """Let time pass, and the timer see it."""
        self.clock.advance_ms(milliseconds)
        self.engine.tick(self.clock.now_us() // 1000)

    def info_text(self, *sections: str) -> str:
        """INFO as it is."""
        reply = self.do("INFO", *sections)
        if isinstance(reply, Verbatim):
            return reply.text.decode()
        assert isinstance(reply, Bulk)
        return reply.data.decode()

    def info(self, *sections: str) -> dict[str, str]:
        """The fields of INFO, in order."""
        return dict(line.split(":", 1) for line in self.info_text(*sections).split("\r\n") if ":" in line)
