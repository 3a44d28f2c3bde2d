"""What whoever writes the whole dataset is told: the databases, and the keys in them."""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import trait

from pyredmem.objects.object import RedisObject


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
