"""The files of the operating system."""

import os
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Final

from pyredmem.base.files import Aside, Files, ReadableFile, WritableFile

#: Forces the content of a file to the disk, and of what is known about the file only what it takes to read it again.
_sync_data: Final = getattr(os, "fdatasync", os.fsync)


class _Reading(ReadableFile):
    def __init__(self, path: str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        self._file.close()


class _AsideThread(Aside):
    def __init__(self, work: Callable[[], None]) -> None:
        self._error = None
        self._thread = Thread(target=self._do, args=(work,), name="pyredmem-files", daemon=True)
        self._thread.start()

    def is_done(self) -> bool:
        return not self._thread.is_alive() and super().is_done()

    def wait(self) -> None:
        self._thread.join()


def _sync_and_close(descriptor: int) -> None:
    try:
        _sync_data(descriptor)
    finally:
        os.close(descriptor)


class _Writing(WritableFile):
    def __init__(self, path: str, mode: str) -> None:
        self._file = open(path, mode, buffering=0)  # noqa: SIM115 - closed by close()
        self._syncing: _AsideThread | None = None

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def sync(self) -> None:
        _sync_data(self._file.fileno())

    def sync_aside(self) -> None:
        """Sync in another thread. It has a descriptor of its own, so the file may be closed meanwhile."""
        descriptor = os.dup(self._file.fileno())
        self._syncing = _AsideThread(partial(_sync_and_close, descriptor))

    def is_syncing(self) -> bool:
        syncing = self._syncing
        if syncing is None:
            return False
        self._syncing = None  # an error is raised once
        if syncing.is_done():
            return False
        self._syncing = syncing
        return True

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def close(self) -> None:
        self._file.close()


class SystemFiles(Files):
    """The files of the operating system. Paths are relative to ``directory``."""

    def __init__(self, directory: str = ".") -> None:
        self._directory = directory

    def _at(self, path: str) -> str:
        return os.path.join(self._directory, path)

    def open(self, path: str) -> ReadableFile:
        return _Reading(self._at(path))

    def create(self, path: str) -> WritableFile:
        return _Writing(self._at(path), "wb")

    def append(self, path: str) -> WritableFile:
        return _Writing(self._at(path), "ab")

    def rename(self, path: str, new_path: str) -> None:
        os.replace(self._at(path), self._at(new_path))

    def remove(self, path: str) -> None:
        os.unlink(self._at(path))

    def make_directory(self, path: str) -> None:
        os.makedirs(self._at(path), mode=0o755, exist_ok=True)

    def exists(self, path: str) -> bool:
        return os.path.exists(self._at(path))

    def sync_directory(self, path: str) -> None:
        if os.name != "posix":  # Windows opens no directories, and writes them by itself
            return
        directory = os.open(self._at(path), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def aside(self, work: Callable[[], None]) -> Aside:
        return _AsideThread(work)
