"""What the server answers when its engine asks about the process around it."""

import asyncio
import os
import resource
import sys
import threading
import time
from collections.abc import Callable

from pyredmem.config.file import load_file, save_file
from pyredmem.config.settings import Settings
from pyredmem.engine.host import Host
from pyredmem.memory import process
from pyredmem.server.alarm import Alarm
from pyredmem.server.endpoints import TCP, TLS, UNIX
from pyredmem.server.logs import LEVELS, Log


class ServerHost(Host):
    """The process of a server; `end` asks that server to end, `kinds` names the kinds of its open listeners."""

    def __init__(
        self, settings: Settings, log: Log, config_path: str, end: Callable[[], None], kinds: Callable[[], list[str]]
    ) -> None:
        self._settings = settings
        self._log = log
        self._config_path = config_path
        self._end = end
        self._kinds = kinds
        # Taken at once: a relative path means something else after a change of directory.
        self._executable = os.path.abspath(sys.argv[0] or sys.executable)
        self.alarm: Alarm | None = None  # while the server runs

    def resident_bytes(self) -> int:
        """Resident set size, read now."""
        return process.resident_bytes()

    def peak_resident_bytes(self) -> int:
        """The highest resident set size so far."""
        return process.peak_resident_bytes()

    def system_memory_bytes(self) -> int:
        """Physical memory of the machine."""
        return process.total_system_memory()

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        """System and user time, own and of ended children."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (own.ru_stime, own.ru_utime, children.ru_stime, children.ru_utime)

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        """System and user time of the calling thread, which is the one that runs the engine."""
        own = resource.getrusage(resource.RUSAGE_THREAD)
        return (own.ru_stime, own.ru_utime)

    def sleep(self, seconds: float) -> None:
        """Block the loop."""
        time.sleep(seconds)

    def process_id(self) -> int:
        """The process's id, read now: a daemon's changes."""
        return os.getpid()

    def config_path(self) -> str:
        """Where the configuration file is, empty without one."""
        return self._config_path

    def executable_path(self) -> str:
        """The program that was started."""
        return self._executable

    def tcp_port(self) -> int:
        """The plain port, or the TLS port where there is no other."""
        return self._settings.integer("port") or self._settings.integer("tls-port")

    def listeners(self) -> list[str]:
        """A line for each kind of listener."""
        return [self._describe(kind) for kind in self._kinds()]

    def event_loop_name(self) -> str:
        """The package the running loop comes from: uvloop or asyncio."""
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    def trim(self) -> None:
        """Give free pages back."""
        process.trim()

    def trim_aside(self) -> None:
        """Give free pages back in a thread: the C library takes milliseconds, and does not hold the interpreter."""
        threading.Thread(target=process.trim, name="trim", daemon=True).start()

    def read_config(self) -> str:
        """The text of the configuration file."""
        return load_file(self._require_config())

    def write_config(self, text: str) -> None:
        """Replace the configuration file."""
        save_file(self._require_config(), text)

    def wake_after(self, delay_us: int) -> None:
        """Set the server's alarm."""
        if self.alarm is not None:
            self.alarm.set(delay_us)

    def shut_down(self) -> None:
        """Ask the server to end."""
        self._end()

    def log(self, level: str, message: str) -> None:
        """Write to the server's log."""
        self._log.write(LEVELS[level], message)

    def _require_config(self) -> str:
        if not self._config_path:
            raise OSError("The server is running without a config file")
        return self._config_path

    def _describe(self, kind: str) -> str:
        if kind == UNIX:
            return f"name={UNIX},bind={self._settings.text('unixsocket')}"
        assert kind in {TCP, TLS}
        port = self._settings.integer("tls-port" if kind == TLS else "port")
        bind = "".join(f",bind={address}" for address in self._settings.words("bind"))
        return f"name={kind}{bind},port={port}"
