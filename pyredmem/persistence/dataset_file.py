"""A file that gets the whole dataset: a temporary one, which may take the place of another when it is on the disk.

A save that fails leaves the other file as it was, and no temporary file.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import Aside, Files, WritableFile
from pyredmem.keyspace.dataset_save import KeyspaceSave

#: A file that is forced to disk in steps is so after each step of this size (bytes; Redis 7.2 config.h).
_SYNC_STEP: Final = 4 << 20
_BYTES_PER_REPORT: Final = 1 << 20


class _SyncedInSteps(WritableFile):
    """A file that is forced to disk while it is written, so that the end does not have to wait for all of it.

    ``aside`` says that nobody may wait for that.
    """

    def __init__(self, file: WritableFile, aside: bool) -> None:
        self._file: WritableFile = file
        self._aside = aside
        self._unsynced: i64 = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._unsynced += len(data)
        if self._unsynced >= _SYNC_STEP:
            self._sync_step()

    def _sync_step(self) -> None:
        if not self._aside:
            self._file.sync()
        elif not self._file.is_syncing():
            self._file.sync_aside()
        else:
            return
        self._unsynced = 0

    def sync(self) -> None:
        self._file.sync()

    def is_syncing(self) -> bool:
        return self._file.is_syncing()

    def close(self) -> None:
        self._file.close()


class DatasetFile:
    """A file that is being written. All methods raise the OSError of the files.

    ``path`` is the place that it takes in the end; if it is empty, the file stays where it is. ``watches`` says that
    commands run while it is written; they may not have to wait for the disk.
    """

    def __init__(self, files: Files, temporary: str, path: str, in_steps: bool, watches: bool) -> None:
        self._files: Files = files
        self._temporary = temporary
        self._path = path
        self._watches = watches
        self._ending: Aside | None = None
        file = files.create(temporary)
        self._file: WritableFile = _SyncedInSteps(file, watches) if in_steps else file
        self.keyspace: KeyspaceSave = self._begin()

    @abstractmethod
    def _begin(self) -> KeyspaceSave:
        """Write what comes before the keys; returns what writes them."""

    @abstractmethod
    def _write_end(self) -> None:
        """Write what comes after the keys."""

    def finish(self) -> None:
        """All keys are written: end the file, and let it take the place of the other one."""
        self._write_end()
        self._take_place()

    def is_finished(self) -> bool:
        """As `finish`, but without waiting: returns whether all is done, and wants to be called again if it is not."""
        if self._ending is None:
            if self._file.is_syncing():
                return False
            self._write_end()
            self.keyspace.let_go()
            self._ending = self._files.aside(self._take_place)
        return self._ending.is_done()

    def _take_place(self) -> None:
        self._file.sync()
        self._file.close()
        if self._path:
            self._files.rename(self._temporary, self._path)
            self._files.sync_directory(self._path.rpartition("/")[0] or ".")

    def abandon(self) -> None:
        """Leave no temporary file."""
        if self._ending is not None:
            self._ending.wait()
        self.keyspace.let_go()
        with contextlib.suppress(OSError):
            self._file.close()
        remove_quietly(self._files, self._temporary)


def remove_quietly(files: Files, path: str) -> None:
    """Delete a file, if it is there."""
    with contextlib.suppress(OSError):
        files.remove(path)


def save_all(opened: Callable[[], DatasetFile], report: Callable[[int], None] | None = None) -> str:
    """Write the whole dataset at once; returns what went wrong, empty if nothing did.

    ``report`` is called with the number of keys now and then.
    """
    file: DatasetFile | None = None
    try:
        file = opened()
        while file.keyspace.step(_BYTES_PER_REPORT):
            if report is not None:
                report(int(file.keyspace.keys))
        file.finish()
    except OSError as error:
        if file is None:
            return f"Failed opening the temp file for saving: {error.strerror}"
        file.abandon()
        return f"Write error saving DB on disk: {error.strerror}"
    return ""
