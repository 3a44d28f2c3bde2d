"""What a snapshot knows of one database: an image of its tables, and of each value either the object or an image.

A value that has not changed since the snapshot is the very object that the database holds: nothing was copied, only
referred to. Just before the database changes or frees it, `preserve` replaces it by an image of it (see
:mod:`pyredmem.objects.image`). So a snapshot costs a few nanoseconds per key, and later the copying of those values
alone that change. Images stay when the snapshot is restored, for the next time.

The few values that even reading changes (:meth:`RedisObject.is_changed_by_reading`) are copied at once.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.preserver import Preserver
from pyredmem.keyspace.tables import ExpireTable
from pyredmem.objects.image import image_of
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject
from pyredmem.structures.dict_state import DictState


class DatabaseImage(Preserver):
    """A database at the moment of a snapshot."""

    def __init__(self, keys: KeyTable, expires: ExpireTable, due_keys: DueKeys) -> None:
        self._allocator = keys.allocator
        self.table = DictState(keys)
        #: By slot: the object that the database still holds under its key, or an image.
        self.values: list[RedisObject] = keys.all_values()
        #: By slot, the access fields, which change without notice.
        self.access: vec[i32] = vec[i32]([value.lru for value in self.values])
        #: The images by slot. One whose slot is not in ``lost`` is of the object that the database holds.
        self._images: dict[int, RedisObject] = {}
        #: Slots whose object the database does not hold any more, or not as it was.
        self.lost: set[int] = set()
        self._always_lost: set[int] = set()
        self.expires = DictState(expires)
        self.when: vec[i64] = expires.all_words()
        self.due_keys = due_keys.copy()
        for slot, value in enumerate(keys.all_values()):
            if value.is_changed_by_reading():
                self._lose(slot, value)
                self._always_lost.add(slot)

    def preserve(self, key: bytes, value: RedisObject) -> None:
        """Keep an image of the value, if the snapshot refers to it."""
        if value.refcount == SHARED_REFERENCE_COUNT:
            return  # it is never changed
        slot = self.table.find(key)
        if slot >= 0 and self.values[slot] is value:
            self._lose(slot, value)

    def _lose(self, slot: i64, value: RedisObject) -> None:
        image = self._images.get(slot)
        if image is None:
            image = image_of(value, self._allocator)
            self._images[slot] = image
        self.values[slot] = image
        self.lost.add(slot)

    def replaced(self, key: bytes, value: RedisObject, twin: RedisObject) -> None:
        slot = self.table.find(key)
        if slot >= 0 and self.values[slot] is value:
            self.values[slot] = twin

    def regained(self, values: list[RedisObject]) -> None:
        """The database holds these values now, which are as they were."""
        for slot in self.lost:
            if slot not in self._always_lost:
                self.values[slot] = values[slot]
        self.lost = self._always_lost.copy()
