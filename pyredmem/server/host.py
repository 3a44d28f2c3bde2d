"""The host of a server's engine: its process with an event loop, listeners, a configuration file and a log."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable

from pyredmem.config.file import load_file, save_file
from pyredmem.config.settings import Settings
from pyredmem.engine.host import Child
from pyredmem.host.child import fork
from pyredmem.host.process import ProcessHost
from pyredmem.memory import process
from pyredmem.server.alarm import Alarm
from pyredmem.server.endpoints import HTTP_KINDS, TCP, TLS, UNIX
from pyredmem.server.listeners import Listeners
from pyredmem.server.logs import CHILD, LEVELS, Log


class ServerHost(ProcessHost):
    """The process of a server. `end` asks the server to end."""

    def __init__(
        self, settings: Settings, log: Log, config_path: str, end: Callable[[], None], listeners: Listeners
    ) -> None:
        self._settings = settings
        self._log = log
        self._config_path = config_path
        self._end = end
        self._listeners = listeners
        #: Whether the process is the server's alone: no other threads, which a fork would stop at any point, and its
        #: directory is for its files.
        self.is_own_process = False
        # Resolved now: after a change of directory a relative path would mean another file.
        self._executable = os.path.abspath(sys.argv[0] or sys.executable)
        # While the server runs:
        self.alarm: Alarm | None = None
        self.call_after_turn: Callable[[], object] | None = None  # has the loop call Engine.write_output

    def config_path(self) -> str:
        return self._config_path

    def executable_path(self) -> str:
        return self._executable

    def tcp_port(self) -> int:
        """The plain port; the TLS port if there is no plain one."""
        return self._settings.integer("port") or self._settings.integer("tls-port")

    def listeners(self) -> list[str]:
        return [self._describe(kind) for kind in self._listeners.kinds() if kind not in HTTP_KINDS]

    def event_loop_name(self) -> str:
        """The package of the running loop: uvloop or asyncio."""
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    def trim_aside(self) -> None:
        """Trim in another thread: the C library takes milliseconds, during which it does not hold the interpreter."""
        threading.Thread(target=process.trim, name="trim", daemon=True).start()

    def read_config(self) -> str:
        return load_file(self._require_config())

    def write_config(self, text: str) -> None:
        save_file(self._require_config(), text)

    def wake_after(self, delay_us: int) -> None:
        if self.alarm is not None:
            self.alarm.set(delay_us)

    def write_output_soon(self) -> bool:
        if self.call_after_turn is None:
            return False
        self.call_after_turn()
        return True

    def fork(self, work: Callable[[Callable[[int], None]], bool]) -> Child | None:
        if not self.is_own_process or not hasattr(os, "fork"):
            return None
        return fork(work, self._become_child)

    def _become_child(self) -> None:
        self._log.role = CHILD
        self._listeners.close_in_child()

    def shut_down(self) -> None:
        self._end()

    def abort(self) -> None:
        if self.is_own_process:
            os._exit(1)

    def log(self, level: str, message: str) -> None:
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
