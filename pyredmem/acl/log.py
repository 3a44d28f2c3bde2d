"""The log of what was denied, newest entry first (ACL LOG).

A denial that equals one of the newest ten entries, the last of which was at most a minute ago, is counted there, and
that entry becomes the newest; otherwise it gets an entry of its own.
"""

from __future__ import annotations

from typing import Final

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LIST_NODE_SIZE, sds_new_size

_GROUPED_MS: Final = 60_000
_COMPARED: Final = 10
_ENTRY_BYTES: Final = 72
#: The description of a client is formatted into a string with room for four times the length of the format.
_DESCRIPTION_ROOM: Final = 4 * 283


class AclLogEntry:
    """What one user was denied, once or repeatedly."""

    def __init__(self, entry_id: int, reason: bytes, context: bytes, what: bytes, user: bytes, now_ms: int) -> None:
        self.entry_id = entry_id
        self.reason = reason
        self.context = context  # toplevel, multi or lua
        self.what = what  # the command, key or channel
        self.user = user
        self.count = 1
        self.created_ms = now_ms
        self.updated_ms = now_ms
        self.client_info = b""  # of the client that was denied last
        self.blocks: list[int] = []

    def groups_with(self, reason: bytes, context: bytes, what: bytes, user: bytes, now_ms: int) -> bool:
        """Whether another denial is counted in this entry."""
        return (
            self.reason == reason
            and self.context == context
            and abs(now_ms - self.updated_ms) <= _GROUPED_MS
            and self.what == what
            and self.user == user
        )


class AclLog:
    """The entries, and their blocks in the ledger."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.entries: list[AclLogEntry] = []
        self._next_id = 0

    def add(
        self, reason: bytes, context: bytes, what: bytes, user: bytes, client_info: bytes, now_ms: int, most: int
    ) -> None:
        """Log a denial; ``most`` is how many entries the log may have."""
        if most == 0:
            self.clear()
            return
        entry = self._take_similar(reason, context, what, user, now_ms)
        if entry is None:
            entry = AclLogEntry(self._next_id, reason, context, what, user, now_ms)
            self._next_id += 1
        else:
            entry.count += 1
            entry.updated_ms = now_ms
            self._free(entry)
        entry.client_info = client_info
        self._charge(entry)
        self.entries.insert(0, entry)
        while len(self.entries) > most:
            self._free(self.entries.pop())

    def _take_similar(self, reason: bytes, context: bytes, what: bytes, user: bytes, now_ms: int) -> AclLogEntry | None:
        """Take the entry out of the list in which a denial is counted; None if it needs one of its own."""
        for at, entry in enumerate(self.entries[:_COMPARED]):
            if entry.groups_with(reason, context, what, user, now_ms):
                return self.entries.pop(at)
        return None

    def clear(self) -> None:
        """Drop all entries (ACL LOG RESET)."""
        for entry in self.entries:
            self._free(entry)
        self.entries = []

    def addresses(self) -> list[int]:
        """The ledger blocks of all entries."""
        return [address for entry in self.entries for address in entry.blocks]

    def _charge(self, entry: AclLogEntry) -> None:
        lengths = (len(entry.what), len(entry.user), max(len(entry.client_info), _DESCRIPTION_ROOM))
        sizes = [_ENTRY_BYTES, LIST_NODE_SIZE, *[sds_new_size(length) for length in lengths]]
        entry.blocks = [int(self._allocator.alloc(size)) for size in sizes]

    def _free(self, entry: AclLogEntry) -> None:
        for address in entry.blocks:
            self._allocator.free(address)
        entry.blocks = []
