"""What all commands that store a result under a key have in common."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.object import RedisObject


def store_or_delete(
    context: Context, key: bytes, result: RedisObject | None, kind: int, event: bytes, changes: i64 = 1
) -> None:
    """Store a result in a key and overwrite a value of any type; an empty result (None) deletes the key."""
    if result is not None:
        context.db.set(key, result)
        context.changed(key, kind, event, changes)
    elif context.db.discard(key, context.keyspace.lazy_server_del):
        context.changed(key, events.GENERIC, b"del")
