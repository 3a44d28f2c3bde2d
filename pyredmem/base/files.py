"""Files, as the engine sees them. The shell decides what they are: those of the operating system, or of a test.

All methods raise OSError as the operating system does.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EROFS

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class ReadableFile:
    """A file that is open for reading, from its beginning."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size`` of them; empty at the end."""
        return b""

    def size(self) -> int:
        """How long the file is (bytes)."""
        return 0

    def close(self) -> None:
        """Close the file."""


@mypyc_attr(allow_interpreted_subclasses=True)
class WritableFile:
    """A file that is open for writing, at its end."""

    def write(self, data: bytes) -> None:
        """Append all of the data."""

    def sync(self) -> None:
        """Return when everything that was written is on the disk."""

    def sync_aside(self) -> None:
        """Begin to do what `sync` does, and do not wait; the end of the last one must have been noticed before."""
        self.sync()

    def is_syncing(self) -> bool:
        """Whether what `sync_aside` has begun goes on. Raises the OSError with which it has ended, once."""
        return False

    def truncate(self, size: int) -> None:
        """Cut the file off after ``size`` bytes."""

    def close(self) -> None:
        """Close the file; what `sync_aside` has begun goes on to its end."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Aside:
    """Work that somebody does while others go on. Here it is done at once."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._error: OSError | None = None
        self._do(work)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:  # raised by is_done()
            self._error = error

    def is_done(self) -> bool:
        """Whether the work has ended. Raises the OSError with which it has."""
        if self._error is not None:
            raise self._error
        return True

    def wait(self) -> None:
        """Return when the work has ended."""


def _refusal() -> OSError:
    return OSError(EROFS, "Read-only file system")


@mypyc_attr(allow_interpreted_subclasses=True)
class Files:
    """A file system. This one is empty, and nothing can be written to it."""

    def open(self, path: str) -> ReadableFile:
        """A file that exists. Raises FileNotFoundError if it does not."""
        raise FileNotFoundError(2, "No such file or directory")

    def create(self, path: str) -> WritableFile:
        """A new, empty file, in place of the one that has this path, if any."""
        raise _refusal()

    def append(self, path: str) -> WritableFile:
        """A file to be written to at its end; an empty one if there is none."""
        raise _refusal()

    def rename(self, path: str, new_path: str) -> None:
        """Give a file another path, in place of the one that has it. This happens at once or not at all."""
        raise _refusal()

    def remove(self, path: str) -> None:
        """Delete a file."""
        raise _refusal()

    def make_directory(self, path: str) -> None:
        """Create a directory, unless it exists."""
        raise _refusal()

    def exists(self, path: str) -> bool:
        """Whether there is a file with this path."""
        return False

    def size(self, path: str) -> int:
        """How long a file is (bytes)."""
        file = self.open(path)
        try:
            return file.size()
        finally:
            file.close()

    def sync_directory(self, path: str) -> None:
        """Return when it is on the disk which files a directory has."""
        raise _refusal()

    def aside(self, work: Callable[[], None]) -> Aside:
        """Do some work on files that takes long, and do not wait. It may touch nothing but files."""
        return Aside(work)
