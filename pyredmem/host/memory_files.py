"""Files in memory, for servers inside a program: SAVE works there too, and leaves nothing on the disk."""

import io
from errno import ENOENT

from pyredmem.base.files import Files, ReadableFile, WritableFile


class _Reading(ReadableFile):
    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self._size = len(content)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def size(self) -> int:
        return self._size


class _Writing(WritableFile):
    def __init__(self, content: bytearray) -> None:
        self._content = content

    def write(self, data: bytes) -> None:
        self._content += data

    def truncate(self, size: int) -> None:
        del self._content[size:]


class MemoryFiles(Files):
    """A file system in memory, which has the files of ``content``, by their paths. Directories need not be made."""

    def __init__(self) -> None:
        self.content: dict[str, bytearray] = {}

    def open(self, path: str) -> ReadableFile:
        return _Reading(bytes(self._existing(path)))

    def create(self, path: str) -> WritableFile:
        self.content[path] = bytearray()
        return _Writing(self.content[path])

    def append(self, path: str) -> WritableFile:
        return _Writing(self.content.setdefault(path, bytearray()))

    def make_directory(self, path: str) -> None:
        pass

    def rename(self, path: str, new_path: str) -> None:
        self._existing(path)
        self.content[new_path] = self.content.pop(path)

    def remove(self, path: str) -> None:
        self._existing(path)
        del self.content[path]

    def exists(self, path: str) -> bool:
        return path in self.content

    def sync_directory(self, path: str) -> None:
        pass

    def _existing(self, path: str) -> bytearray:
        if path not in self.content:
            raise FileNotFoundError(ENOENT, "No such file or directory")
        return self.content[path]
