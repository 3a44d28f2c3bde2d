"""What loads the dataset from files, piece by piece."""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64

from pyredmem.base.files import ReadableFile
from pyredmem.engine.core import Core
from pyredmem.objects.rdb_file import RdbFileError


class LoadError(Exception):
    """A file that cannot be loaded, or not to its end."""


class Load:
    """The loading of a dataset. All methods raise LoadError."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.began_us: i64 = core.clock.now_us()
        self.size: i64 = 0  # of all files (bytes)

    @abstractmethod
    def step(self) -> bool:
        """Load some more; returns whether anything is left."""

    @abstractmethod
    def loaded_bytes(self) -> i64:
        """How many bytes were read so far."""

    @abstractmethod
    def keys(self) -> i64:
        """How many keys of RDB files were loaded."""

    @abstractmethod
    def expired(self) -> i64:
        """How many keys were left out, because they had expired."""

    @abstractmethod
    def used_memory_of_writer(self) -> int:
        """The memory that the server used which has saved the file; 0 if the file does not say."""

    @abstractmethod
    def summary(self) -> list[str]:
        """What the log says at the end."""

    @abstractmethod
    def abandon(self) -> None:
        """Close the files, after an error."""

    def seconds(self) -> float:
        """For how long it has been going on."""
        return (self._core.clock.now_us() - self.began_us) / 1_000_000


def opened(core: Core, path: str) -> ReadableFile:
    """A file that exists; raises LoadError."""
    try:
        return core.host.files().open(path)
    except OSError as error:
        raise load_error(path, error) from None


def load_error(path: str, error: Exception) -> LoadError:
    """What is wrong with a file, and where."""
    where = f" at offset {error.offset}" if isinstance(error, RdbFileError) else ""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return LoadError(f"{path}{where}: {reason}")
