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
        self.path = path
        self._file = file
        self._awaits_sync = False

    def write(self, data: bytes) -> None:
        self._files.passes_time()
        try:
            self._files.do("write", self.path, data)
        except OSError:
            if self._files.writes_half:  # what a full disk does
                self._files.operations.append(("write", self.path, data[: len(data) // 2]))
                self._file.write(data[: len(data) // 2])
            raise
        self._file.write(data)

    def sync(self) -> None:
        self._files.do("sync", self.path)
        self._file.sync()

    def sync_aside(self) -> None:
        self._awaits_sync = True

    def is_syncing(self) -> bool:
        if self._files.is_slow:
            return self._awaits_sync
        if self._awaits_sync:
            self._awaits_sync = False
            self.sync()
        return False

    def truncate(self, size: int) -> None:
        self._files.do("truncate", self.path, str(size))
        self._file.truncate(size)

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
        self.is_slow = False  # what is to be forced to the disk aside takes as long as this is set
        self.writes_half = False  # a write that fails leaves a half of its data
        self._written: list[_Recording] = []
        self.passes_time: Callable[[], None] = _no_time  # is called before something is read or written
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
        return self._recording(path, super().create(path))

    def append(self, path: str) -> WritableFile:
        self.do("append", path)
        return self._recording(path, super().append(path))

    def _recording(self, path: str, file: WritableFile) -> WritableFile:
        self._written.append(_Recording(self, path, file))
        return self._written[-1]

    def make_directory(self, path: str) -> None:
        self.do("make_directory", path)

    def rename(self, path: str, new_path: str) -> None:
        self.do("rename", path, new_path)
        super().rename(path, new_path)
        for file in self._written:
            if file.path == path:
                file.path = new_path

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
        elif operation == "append":
            names.setdefault(path, _File())
        elif operation == "truncate":
            assert isinstance(what, str)
            names[path].content = names[path].content[: int(what)]
        elif operation == "write":
            assert isinstance(what, bytes)
            names[path].content += what
        elif operation == "sync":
            names[path].synced = names[path].content
        elif operation == "rename":
            assert isinstance(what, str)
            names[what] = names.pop(path)
        elif operation == "remove":
            names.pop(path, None)
        elif operation == "sync_directory":
            durable_names = dict(names)
    if loses_power:
        return {path: file.synced for path, file in durable_names.items()}
    return {path: file.content for path, file in names.items()}
