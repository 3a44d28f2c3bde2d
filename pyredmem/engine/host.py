"""What the engine may ask of the process it lives in.

The engine does no I/O; the shell hands it a :class:`Host`. The defaults serve an engine without a shell: figures of the
process are zero and requests to the process are refused.
"""

from __future__ import annotations

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """The process around an engine."""

    def resident_bytes(self) -> int:
        """Resident set size of the process, bytes."""
        return 0

    def peak_resident_bytes(self) -> int:
        """The highest resident set size so far, bytes."""
        return 0

    def system_memory_bytes(self) -> int:
        """Physical memory of the machine, bytes."""
        return 0

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        """CPU time: system and user of the process, system and user of its ended children."""
        return (0.0, 0.0, 0.0, 0.0)

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        """CPU time, system and user, of the thread that runs the engine."""
        return (0.0, 0.0)

    def sleep(self, seconds: float) -> None:
        """Stand still, with everything that the server does (DEBUG SLEEP)."""

    def process_id(self) -> int:
        """The process's id."""
        return 0

    def config_path(self) -> str:
        """Absolute path of the configuration file, empty if there is none."""
        return ""

    def executable_path(self) -> str:
        """Absolute path of the running program."""
        return ""

    def tcp_port(self) -> int:
        """The port that is listened on, 0 for none."""
        return 0

    def listeners(self) -> list[str]:
        """What is listened on, as INFO's ``listenerN`` lines give it (``name=tcp,bind=127.0.0.1,port=6379``)."""
        return []

    def event_loop_name(self) -> str:
        """The event loop's name, for INFO's multiplexing_api."""
        return "none"

    def trim(self) -> None:
        """Give free memory of the process back to the operating system."""

    def trim_aside(self) -> None:
        """The same, without waiting for it where that can be."""
        self.trim()

    def read_config(self) -> str:
        """The text of the configuration file; raises OSError."""
        raise OSError("The server is running without a config file")

    def write_config(self, text: str) -> None:
        """Replace the configuration file atomically; raises OSError."""
        raise OSError("The server is running without a config file")

    def wake_after(self, delay_us: int) -> None:
        """Have ``Engine.run_tasks`` called in so many microseconds, instead of any later time asked for before."""

    def shut_down(self) -> None:
        """End the process as soon as the replies that are ready have been written."""

    def log(self, level: str, message: str) -> None:
        """Write to the server's log; ``level`` is debug, verbose, notice or warning."""
