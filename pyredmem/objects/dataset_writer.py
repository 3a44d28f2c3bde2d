"""What whoever writes the whole dataset is told: the databases, and the keys in them."""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64, trait

from pyredmem.objects.object import RedisObject
from pyredmem.objects.pieces import Pieces


@trait
class DatasetWriter:
    """Writes databases. What is known of a key comes before the key."""

    @abstractmethod
    def database(self, index: int, keys: int, expiring: int) -> None:
        """Begin a database that has ``keys`` keys, of which ``expiring`` have an expire time."""

    @abstractmethod
    def expires(self, unix_ms: int) -> None:
        """Write when the next key expires."""

    @abstractmethod
    def idle(self, seconds: int) -> None:
        """Write since when the next key has not been used."""

    @abstractmethod
    def frequency(self, counter: int) -> None:
        """Write how often the next key was used: its LFU counter."""

    @abstractmethod
    def value(self, key: bytes, value: RedisObject) -> None:
        """Write a key with its value."""

    @abstractmethod
    def text(self, key: bytes, data: bytes) -> None:
        """Write a key whose value is a string."""

    @abstractmethod
    def size(self) -> i64:
        """How many bytes were written."""

    # While commands change what is to be written.

    @abstractmethod
    def pieces(self, value: RedisObject, least: i64) -> Pieces | None:
        """The value as it is now, if it can be written by pieces and is large enough, see `RedisObject.pieces`."""

    @abstractmethod
    def begin(self, key: bytes, pieces: Pieces) -> None:
        """Write a key, and the beginning of its value; `step` writes the rest."""

    @abstractmethod
    def step(self, pieces: Pieces) -> bool:
        """Write some elements; returns whether any are left."""

    @abstractmethod
    def aside(self) -> DatasetWriter:
        """A writer of keys that are to be written here later."""

    @abstractmethod
    def join(self, aside: DatasetWriter) -> None:
        """Write the keys that were written aside, which forgets them."""
