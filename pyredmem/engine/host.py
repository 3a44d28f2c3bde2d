"""The host: everything that the engine may ask of the process that it runs in.

The engine does no I/O, so the shell gives it a :class:`Host`. The defaults are for an engine without a shell: figures
of the process are zero, and requests to the process are refused or do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ENOENT
from typing import Final

from mypy_extensions import mypyc_attr

from pyredmem.base.files import Files

#: What `Child.status` returns while the child works.
RUNNING: Final = 1 << 16


@mypyc_attr(allow_interpreted_subclasses=True)
class Link:
    """A connection to another server. Its methods raise OSError; TimeoutError if the other server takes too long."""

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send all of the data."""
        raise OSError

    def read_line(self, timeout_s: float) -> bytes:
        """The next line from the other server, without its end."""
        raise OSError

    def close(self) -> None:
        """End the connection."""


class Progress:
    """How far the work of a child is, and the memory that it has for itself (bytes): now, and at most so far.

    The memory was measured ``age_s`` seconds ago.
    """

    def __init__(self, done: int = 0, private_bytes: int = 0, peak_bytes: int = 0, age_s: int = 0) -> None:
        self.done = done
        self.private_bytes = private_bytes
        self.peak_bytes = peak_bytes
        self.age_s = age_s


@mypyc_attr(allow_interpreted_subclasses=True)
class Child:
    """A copy of the process, with all of its memory, that does some work and ends."""

    def process_id(self) -> int:
        return 0

    def status(self) -> int:
        """RUNNING, or how the child has ended: 0 if it succeeded, the negative number of the signal that ended it."""
        return RUNNING

    def progress(self) -> Progress:
        """What the child has last reported."""
        return Progress()

    def kill(self) -> None:
        """End the child at once, and wait for that."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """The process around an engine."""

    def owns_process(self) -> bool:
        """Whether nobody but the engine uses the process, so that its heap may be compacted."""
        return True

    def resident_bytes(self) -> int:
        """The resident set size of the process, in bytes."""
        return 0

    def peak_resident_bytes(self) -> int:
        """The highest resident set size so far, in bytes."""
        return 0

    def system_memory_bytes(self) -> int:
        """The physical memory of the machine, in bytes."""
        return 0

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        """CPU time: system and user of the process, system and user of its ended children."""
        return (0.0, 0.0, 0.0, 0.0)

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        """CPU time, system and user, of the thread that runs the engine."""
        return (0.0, 0.0)

    def sleep(self, seconds: float) -> None:
        """Let the whole server stand still (DEBUG SLEEP)."""

    def process_id(self) -> int:
        return 0

    def config_path(self) -> str:
        """The absolute path of the configuration file; empty if there is none."""
        return ""

    def executable_path(self) -> str:
        """The absolute path of the running program."""
        return ""

    def tcp_port(self) -> int:
        """The port that the server listens on; 0 if it listens on none."""
        return 0

    def listeners(self) -> list[str]:
        """The values of the ``listenerN`` lines of INFO, such as ``name=tcp,bind=127.0.0.1,port=6379``."""
        return []

    def event_loop_name(self) -> str:
        """The name of the event loop, for multiplexing_api in INFO."""
        return "none"

    def trim(self) -> None:
        """Give free memory of the process back to the operating system, and wait until that is done."""

    def trim_aside(self) -> None:
        """Like `trim`, but without waiting for the end if that is possible."""
        self.trim()

    def read_config(self) -> str:
        """The text of the configuration file. Raises OSError if it cannot be read."""
        raise OSError("The server is running without a config file")

    def write_config(self, text: str) -> None:
        """Replace the configuration file atomically. Raises OSError if that is not possible."""
        raise OSError("The server is running without a config file")

    def connect(self, address: bytes, port: int, timeout_s: float) -> Link:
        """Connect to another server. Raises OSError; TimeoutError if the other server takes too long.

        A connection that is refused may be noticed only when something is sent.
        """
        raise OSError("this engine has no network")

    def read_file(self, path: str) -> bytes:
        """The content of a file. Raises OSError if it cannot be read."""
        raise FileNotFoundError(ENOENT, "No such file or directory")

    def write_file(self, path: str, content: bytes) -> None:
        """Replace a file atomically. Raises OSError if that is not possible."""
        raise FileNotFoundError(ENOENT, "No such file or directory")

    def files(self) -> Files:
        """The files of the server."""
        return Files()

    def fork(self, work: Callable[[Callable[[int], None]], bool]) -> Child | None:
        """Copy the process, and let the copy do the work; None if this process must not be copied.

        ``work`` gets a function by which it can report a number, and returns whether it succeeded. Raises OSError.
        """
        return None

    def random_bytes(self, count: int) -> bytes:
        """Bytes that nobody can guess, from the operating system; empty if there is none."""
        return b""

    def wake_after(self, delay_us: int) -> None:
        """Call ``Engine.run_tasks`` in ``delay_us`` microseconds, instead of at a later time that was set before."""

    def write_output_soon(self) -> bool:
        """Call ``Engine.write_output`` at the end of this turn of the event loop; false if there is no loop."""
        return False

    def shut_down(self) -> None:
        """End the process as soon as the replies that are ready are written."""

    def abort(self) -> None:
        """End the process at once: not even replies that are ready may leave. Inside a program it goes on."""

    def log(self, level: str, message: str) -> None:
        """Write to the server's log; ``level`` is debug, verbose, notice or warning."""
