"""What one client takes in the ledger: its structures, its names, its buffers, its transaction.

The parts of a client's memory are in states that seldom change, and the ledger is touched when a state changes, not
when a command runs. Each part knows its blocks; this class composes them and adds them up.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.query_buffer import QueryBuffer
from pyredmem.engine.reply_buffer import ReplyBlock, ReplyBuffer
from pyredmem.engine.string_blocks import allocate_string
from pyredmem.engine.transaction_memory import QueuedCommands, WatchedKeys
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import CLIENT_SIZE, CONNECTION_SIZE, DICT_SIZE, LIST_NODE_SIZE, LIST_SIZE

#: One client's share of the index of clients by id (measured, about 82 bytes).
_INDEX_SHARE: Final = 80
_STRUCTURES: Final = (
    CLIENT_SIZE, LIST_SIZE, LIST_SIZE, DICT_SIZE, DICT_SIZE, DICT_SIZE, CONNECTION_SIZE, LIST_NODE_SIZE, _INDEX_SHARE,
)  # fmt: skip
#: What CLIENT LIST counts for the client struct in tot-mem.
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
        #: Bytes that others charge to this client: subscriptions, tracked prefixes.
        self.other_bytes: i64 = 0

    def open(self) -> None:
        """Allocate what a client has when it connects."""
        alloc = self._allocator.alloc
        self._structures = [int(alloc(size)) for size in _STRUCTURES]
        self.query_buffer.open()
        self.reply_buffer.open()

    def is_open(self) -> bool:
        """Whether the client is connected."""
        return len(self._structures) > 0

    def close(self) -> None:
        """Free everything: the client has disconnected."""
        for address in self._own_addresses():
            self._allocator.free(address)
        self._structures = []
        self._names = {}
        self.query_buffer.close()
        self.reply_buffer.close()
        self.queued_commands.clear()
        self.watched_keys.clear()

    def addresses(self) -> list[int]:
        """Every ledger block of the client."""
        return [
            *self._own_addresses(),
            *self.query_buffer.addresses(),
            *self.reply_buffer.addresses(),
            *self.queued_commands.addresses(),
            *self.watched_keys.addresses(),
        ]

    def _own_addresses(self) -> list[int]:
        """The blocks that belong to no part: structures and names."""
        owned = list(self._structures)
        for blocks in self._names.values():
            owned += blocks
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        owned = self.addresses()
        assert len(owned) == len(set(owned))
        assert self.is_open() or not owned
        self.query_buffer.check()
        self.reply_buffer.check()
        self.queued_commands.check()
        self.watched_keys.check()

    def total(self) -> i64:
        """The client's tot-mem in CLIENT LIST, without the command in progress."""
        replies = self.reply_buffer
        transaction = self.queued_commands.total() + self.watched_keys.total()
        buffers = self.query_buffer.usable() + replies.size + replies.blocks_bytes()
        return _CLIENT_USABLE + buffers + transaction + self.other_bytes

    def set_name(self, what: str, text: bytes) -> None:
        """Charge for one of the client's names: its own, that of its library, or the library's version."""
        for address in self._names.pop(what, ()):
            self._allocator.free(address)
        if text:
            self._names[what] = allocate_string(text, self._allocator)

    # The query buffer.

    @property
    def query_capacity(self) -> i64:
        return self.query_buffer.capacity()

    @property
    def steady_read(self) -> i64:
        return self.query_buffer.steady_read()

    def input_bytes(self) -> i64:
        return self.query_buffer.usable()

    def before_read(self, pending: i64, awaited: i64, data: bytes) -> None:
        self.query_buffer.before_read(pending, awaited, data)

    def await_bulk(self, pending: i64, awaited: i64) -> None:
        self.query_buffer.await_bulk(awaited)

    def keep_input(self, held: i64) -> None:
        self.query_buffer.hold(held)

    def trim_query(self, used: i64, awaited: i64, idle_s: i64) -> None:
        self.query_buffer.trim(used, awaited, idle_s)

    # The reply buffer and the reply blocks.

    @property
    def buffer_size(self) -> i64:
        return self.reply_buffer.size

    @property
    def buffer_peak(self) -> i64:
        return self.reply_buffer.peak

    @property
    def unsent(self) -> i64:
        return self.reply_buffer.unsent

    @property
    def blocks(self) -> list[ReplyBlock]:
        return self.reply_buffer.blocks

    def in_buffer(self) -> i64:
        return self.reply_buffer.used()

    def output_bytes(self) -> i64:
        return self.reply_buffer.blocks_bytes()

    def set_unsent(self, unsent: i64, largest: i64 = 0) -> None:
        self.reply_buffer.set_unsent(unsent, largest)

    def note_output(self, size: i64) -> None:
        self.reply_buffer.note_use(size)

    def adapt_buffer(self, now_ms: i64, reset_ms: i64) -> i64:
        return self.reply_buffer.adapt(now_ms, reset_ms)

    # MULTI and WATCH.

    @property
    def queued_bytes(self) -> i64:
        return self.queued_commands.argument_bytes

    def queue(self, argv: list[bytes]) -> None:
        self.queued_commands.add(argv)

    def end_queue(self) -> None:
        self.queued_commands.clear()

    def give_queue_away(self) -> list[int]:
        return self.queued_commands.give_away()

    def watch(self, key: bytes) -> None:
        self.watched_keys.add(key)

    def end_watch(self) -> None:
        self.watched_keys.clear()
