"""Snapshots, and saves that go on while commands run, must see the keys of a database before these change."""

from __future__ import annotations

from abc import abstractmethod

from pyredmem.objects.object import RedisObject


class Preserver:
    """Is told before something happens to a key."""

    @abstractmethod
    def preserve(self, key: bytes, value: RedisObject) -> None:
        """A value is about to change, or to be freed."""

    def preserve_time(self, key: bytes) -> None:
        """A key is about to have another expire time, or none."""

    def preserve_places(self) -> None:
        """All keys are about to have other slots."""

    def replaced(self, key: bytes, value: RedisObject, twin: RedisObject) -> None:
        """A twin has taken the place of a value."""
