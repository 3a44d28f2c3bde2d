"""Files in memory that record what is done to them, and fail on request: what a disk does in bad times."""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO

from pyredmem.base.files import ReadableFile, WritableFile
from pyredmem.host.memory_files import MemoryFiles

#: What was done to the files: a name, a path, and the new path or the data.
Operation = tuple[str, str, "str | bytes"]


class _Recording(WritableFile):
    def __init__(self, files: FaultyFiles, path: str, file: WritableFile) -> None:
        self._files = files
        self._path = path
        self._file = file

    def write(self, data: bytes) -> None:
        self._files.do("write", self._path, data)
        self._file.write(data)

    def sync(self) -> None:
        self._files.do("sync", self._path)
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class _SlowReading(ReadableFile):
    def __init__(self, file: ReadableFile, passes_time: Callable[[], None]) -> None:
        self._file = file
        self._passes_time = passes_time

    def read(self, size: int) -> bytes:
        self._passes_time()
        return self._file.read(size)

    def size(self) -> int:
        return self._file.size()


def _no_time() -> None:
    """Let no time pass."""


class FaultyFiles(MemoryFiles):
    """Files of which each operation is recorded, and fails if it is the one that was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.passes_time: Callable[[], None] = _no_time  # is called before something is read
        self._failing: dict[str, OSError] = {}
        self._successes: dict[str, int] = {}

    def fail(self, operation: str, error: int = EIO, message: str = "Input/output error", after: int = 0) -> None:
        """Let an operation fail from now on, once it has succeeded ``after`` more times."""
        self._failing[operation] = OSError(error, message)
        self._successes[operation] = after

    def mend(self) -> None:
        """Let nothing fail any more."""
        self._failing.clear()

    def do(self, operation: str, path: str, what: str | bytes = "") -> None:
        """Record an operation, or let it fail."""
        if operation in self._failing:
            if self._successes[operation] == 0:
                raise self._failing[operation]
            self._successes[operation] -= 1
        self.operations.append((operation, path, what))

    def open(self, path: str) -> ReadableFile:
        self.do("open", path)
        return _SlowReading(super().open(path), self.passes_time)

    def create(self, path: str) -> WritableFile:
        self.do("create", path)
        return _Recording(self, path, super().create(path))

    def rename(self, path: str, new_path: str) -> None:
        self.do("rename", path, new_path)
        super().rename(path, new_path)

    def remove(self, path: str) -> None:
        self.do("remove", path)
        super().remove(path)

    def sync_directory(self, path: str) -> None:
        self.do("sync_directory", path)


class _File:
    def __init__(self) -> None:
        self.content = b""
        self.synced = b""


def after_crash(operations: list[Operation], loses_power: bool) -> dict[str, bytes]:
    """The files after a crash that follows these operations.

    If only the process has ended, everything that was done is there. If the machine ``loses_power``, a file has what
    was forced to the disk, and a directory has the names that it had when it was last forced there.
    """
    names: dict[str, _File] = {}
    durable_names: dict[str, _File] = {}
    for operation, path, what in operations:
        if operation == "create":
            names[path] = _File()
        elif operation == "write":
            assert isinstance(what, bytes)
            names[path].content += what
        elif operation == "sync":
            names[path].synced = names[path].content
        elif operation == "rename":
            assert isinstance(what, str)
            names[what] = names.pop(path)
        elif operation == "remove":
            del names[path]
        elif operation == "sync_directory":
            durable_names = dict(names)
    if loses_power:
        return {path: file.synced for path, file in durable_names.items()}
    return {path: file.content for path, file in names.items()}
