"""The digest of a key and of all databases (see `objects.digest`)."""

from __future__ import annotations

from typing import Final

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.digest import Digest
from pyredmem.objects.object import RedisObject

#: Added to the digest of a key that has an expire time; the time itself does not matter.
_EXPIRES: Final = b"!!expire!!"


def add_value(digest: Digest, database: Database, key: bytes, value: RedisObject) -> None:
    """Add the value of a key, and whether the key expires."""
    value.digest(digest)
    if database.expire_time(key) != NO_EXPIRE:
        digest.xor(_EXPIRES)


def keyspace_digest(keyspace: Keyspace, has_short_scores: bool = False) -> bytes:
    """The digest of all databases, as text."""
    whole = Digest()
    for database in keyspace.databases:
        if database.size() == 0:
            continue
        whole.mix_number(database.index)
        for slot, key in enumerate(database.keys.all_keys()):
            digest = Digest(has_short_scores)
            digest.mix(key)
            add_value(digest, database, key, database.keys.value(slot))
            whole.xor(digest.data())
    return whole.text()
