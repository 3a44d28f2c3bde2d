"""Keyspace notifications: events of keys, published to the channels that are named after the key and the event.

The setting ``notify-keyspace-events`` says which classes of events are published. While it says none, or neither K nor
E, this module listens to nothing, and an event costs nothing.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.pubsub import PubSub
from pyredmem.keyspace import events
from pyredmem.keyspace.events import KeyListener

_LETTERS: Final = {
    "K": events.KEYSPACE,
    "E": events.KEYEVENT,
    "g": events.GENERIC,
    "$": events.STRING,
    "l": events.LIST,
    "s": events.SET,
    "h": events.HASH,
    "z": events.SORTED_SET,
    "x": events.EXPIRED,
    "e": events.EVICTED,
    "t": events.STREAM,
    "m": events.KEY_MISS,
    "d": events.MODULE,
    "n": events.NEW,
    "A": events.ALL,
}
_CHANNELS: Final = events.KEYSPACE | events.KEYEVENT


class Notifications(KeyListener):
    """Publishes the events of the classes that are switched on."""

    def __init__(self, core: Core, pubsub: PubSub) -> None:
        self._core = core
        self._pubsub = pubsub
        self._classes: i64 = 0
        core.settings.follow(("notify-keyspace-events",), self._classes_changed)

    def _classes_changed(self) -> None:
        classes: i64 = 0
        for letter in self._core.settings.text("notify-keyspace-events"):
            classes |= _LETTERS[letter]
        self._classes = classes
        listens = classes & _CHANNELS != 0 and classes & ~_CHANNELS != 0
        self._core.keyspace.changes.set_listener(self, listens)

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """Publish an event if its class is switched on and anybody is subscribed to anything."""
        classes = self._classes
        if classes & kind == 0 or not self._pubsub.has_subscribers():
            return
        place = b"%d" % database
        if classes & events.KEYSPACE:
            self._pubsub.publish(b"__keyspace@" + place + b"__:" + key, name)
        if classes & events.KEYEVENT:
            self._pubsub.publish(b"__keyevent@" + place + b"__:" + name, key)
