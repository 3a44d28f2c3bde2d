"""The memory of one client in the ledger: its structures, its names, its buffers and its transaction.

A part of this memory is in one of a few states that seldom change. The ledger is touched when the state changes, not
each time a command runs. The buffers, the queue of MULTI and the watched keys are parts that own their blocks; this
class owns the rest and adds everything up.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.query_buffer import QueryBuffer
from pyredmem.engine.reply_buffer import ReplyBuffer
from pyredmem.engine.string_blocks import allocate_string
from pyredmem.engine.subscriptions import Subscriptions
from pyredmem.engine.transaction_memory import QueuedCommands, WatchedKeys
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import CLIENT_SIZE, CONNECTION_SIZE, DICT_SIZE, LIST_NODE_SIZE, LIST_SIZE

#: The share of one client in the index of clients by id (measured: about 82 bytes).
_INDEX_SHARE: Final = 80
_STRUCTURES: Final = (
    CLIENT_SIZE, LIST_SIZE, LIST_SIZE, DICT_SIZE, DICT_SIZE, DICT_SIZE, CONNECTION_SIZE, LIST_NODE_SIZE, _INDEX_SHARE,
)  # fmt: skip
#: What tot-mem in CLIENT LIST includes for the client struct.
_CLIENT_USABLE: Final = 896


class ClientMemory:
    """The ledger blocks of one client, from `open` to `close`."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._structures: list[int] = []
        self._names: dict[str, list[int]] = {}
        self.query_buffer = QueryBuffer(allocator)
        self.reply_buffer = ReplyBuffer(allocator)
        self.queued_commands = QueuedCommands(allocator)
        self.watched_keys = WatchedKeys(allocator)
        self.subscriptions = Subscriptions(allocator)
        #: Bytes that other parts of the engine charge to this client, such as its tracked prefixes.
        self.other_bytes: i64 = 0

    def open(self) -> None:
        """Allocate the blocks that a client has when it connects."""
        alloc = self._allocator.alloc
        self._structures = [int(alloc(size)) for size in _STRUCTURES]
        self.query_buffer.open()
        self.reply_buffer.open()

    def close(self) -> None:
        """Free all blocks: the client has disconnected."""
        for address in self._own_addresses():
            self._allocator.free(address)
        self._structures = []
        self._names = {}
        self.query_buffer.close()
        self.reply_buffer.close()
        self.queued_commands.clear()
        self.watched_keys.clear()
        self.subscriptions.clear()

    def addresses(self) -> list[int]:
        """Every ledger block of the client."""
        return [
            *self._own_addresses(),
            *self.query_buffer.addresses(),
            *self.reply_buffer.addresses(),
            *self.queued_commands.addresses(),
            *self.watched_keys.addresses(),
            *self.subscriptions.addresses(),
        ]

    def _own_addresses(self) -> list[int]:
        """The blocks of the structures and names, which belong to no part."""
        owned = list(self._structures)
        for blocks in self._names.values():
            owned += blocks
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        owned = self.addresses()
        assert len(owned) == len(set(owned))
        assert self._structures or not owned
        self.query_buffer.check()
        self.reply_buffer.check()
        self.queued_commands.check()
        self.watched_keys.check()

    def total(self) -> i64:
        """tot-mem in CLIENT LIST, without the command that the client is running."""
        replies = self.reply_buffer
        transaction = self.queued_commands.total() + self.watched_keys.total()
        buffers = self.query_buffer.usable() + replies.size + replies.blocks_bytes()
        return _CLIENT_USABLE + buffers + transaction + self.subscriptions.total() + self.other_bytes

    def set_name(self, what: str, text: bytes) -> None:
        """Charge the client for one of its names: its own, that of its library, or the version of the library."""
        for address in self._names.pop(what, ()):
            self._allocator.free(address)
        if text:
            self._names[what] = allocate_string(text, self._allocator)
