"""What an engine may know of the process that it runs in, and ask of it, no matter which shell is around it."""

import os
import time
from typing import Final

from pyredmem.base.files import Files
from pyredmem.base.optional import optional_module
from pyredmem.config.file import save_file
from pyredmem.config.quoting import decode
from pyredmem.engine.host import Host, Link
from pyredmem.host.files import SystemFiles
from pyredmem.host.link import SocketLink
from pyredmem.memory import process

resource: Final = optional_module("resource")  # not on Windows


class ProcessHost(Host):
    """Figures of the process, files, connections to other servers."""

    _files: Files = SystemFiles()

    def resident_bytes(self) -> int:
        return process.resident_bytes()

    def peak_resident_bytes(self) -> int:
        return process.peak_resident_bytes()

    def system_memory_bytes(self) -> int:
        return process.total_system_memory()

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        if resource is None:
            used = os.times()
            return (used.system, used.user, used.children_system, used.children_user)
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (own.ru_stime, own.ru_utime, children.ru_stime, children.ru_utime)

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        """The system and user time of the calling thread, which is the one that runs the engine.

        Only Linux tells them apart; elsewhere all of it is user time.
        """
        if not hasattr(resource, "RUSAGE_THREAD"):
            return (0.0, time.thread_time())
        own = resource.getrusage(resource.RUSAGE_THREAD)
        return (own.ru_stime, own.ru_utime)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def process_id(self) -> int:
        """The id of the process, read now: that of a daemon or of a forked process has changed since the start."""
        return os.getpid()

    def trim(self) -> None:
        process.trim()

    def connect(self, address: bytes, port: int, timeout_s: float) -> Link:
        return SocketLink(address, port, timeout_s)

    def read_file(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def write_file(self, path: str, content: bytes) -> None:
        save_file(path, decode(content))

    def files(self) -> Files:
        return self._files

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)
