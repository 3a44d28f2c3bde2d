"""What one client takes in the ledger: its structures, its buffers, what it has queued for a transaction.

A client's buffers live through a few states only, and the ledger is touched when a state changes, not when a command
runs. The query buffer is empty, has room for usual requests, or has grown for a big one (Redis 7.2 networking.c
readQueryFromClient); the timer takes it back. The reply buffer has a fixed size that the timer adapts to
the use made of it; what does not fit goes into blocks while it is unsent.
"""

from __future__ import annotations

import re
from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import (
    BIG_ARGUMENT_BYTES,
    CLIENT_SIZE,
    CONNECTION_SIZE,
    DICT_SIZE,
    EMBSTR_LIMIT,
    LIST_NODE_SIZE,
    LIST_SIZE,
    MULTI_COMMAND_SIZE,
    POINTER_SIZE,
    QUERY_BUFFER_BYTES,
    REPLY_BLOCK_HEADER_SIZE,
    REPLY_BUFFER_MIN_BYTES,
    REPLY_CHUNK_BYTES,
    ROBJ_SIZE,
    SDS_TYPE_8,
    WATCHED_KEY_SIZE,
    embstr_size,
    reply_block_size,
    sds_capacity,
    sds_header_size,
    sds_make_room,
    sds_new_size,
    sds_resize,
)

#: The share of one client in the index of clients by id (measured, about 82 bytes).
_INDEX_SHARE: Final = 80
_STRUCTURES: Final = (
    CLIENT_SIZE, LIST_SIZE, LIST_SIZE, DICT_SIZE, DICT_SIZE, DICT_SIZE, CONNECTION_SIZE, LIST_NODE_SIZE, _INDEX_SHARE,
)  # fmt: skip
#: A read of at most this many bytes never makes a query buffer grow that is there and nearly empty.
STEADY_READ: Final = 4090
#: A query buffer is trimmed when more than this is free and the client is idle for more than 2 seconds ...
_WASTE_BYTES: Final = 4096
_IDLE_SECONDS: Final = 2
#: ... or when it is bigger than this and less than half of it was needed.
_TRIM_BYTES: Final = 32768
#: The client struct in CLIENT LIST's tot-mem, and what a reply block costs there beside its capacity.
_CLIENT_USABLE: Final = 896
_BLOCK_OVERHEAD: Final = LIST_NODE_SIZE + REPLY_BLOCK_HEADER_SIZE
_BULK_HEADER: Final = re.compile(rb"\r\n\$([1-9][0-9]{4,9})\r\n")


class ReplyBlock:
    """A block of replies that do not fit into the reply buffer."""

    def __init__(self, node: i64, address: i64, capacity: i64) -> None:
        self.node: i64 = node
        self.address: i64 = address
        self.capacity: i64 = capacity


class ClientMemory:
    """The ledger blocks of one client, from :meth:`open` to :meth:`close`."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._structures: list[int] = []
        self._names: dict[str, list[int]] = {}
        # The query buffer.
        self._query: i64 = 0
        self._query_header: i64 = SDS_TYPE_8
        self.query_capacity: i64 = 0
        self.query_peak: i64 = 0
        #: Reads up to this size need no attention.
        self.steady_read: i64 = -1
        # The reply buffer, and what does not fit into it.
        self._buffer: i64 = 0
        self.buffer_size: i64 = 0
        self.buffer_peak: i64 = 0
        self._peak_since_ms: i64 = 0
        self.unsent: i64 = 0
        self.blocks: list[ReplyBlock] = []
        self._blocks_capacity: i64 = 0
        # MULTI and WATCH.
        self._queued: list[int] = []
        self._slots: i64 = 0
        self._slots_address: i64 = 0
        self._queued_count: i64 = 0
        self.queued_bytes: i64 = 0
        self._watched: list[int] = []
        self.watched_keys: i64 = 0
        #: Bytes that others charge to this client: subscriptions, prefixes.
        self.other_bytes: i64 = 0

    def open(self) -> None:
        """A client has connected."""
        alloc = self._allocator.alloc
        self._structures = [int(alloc(size)) for size in _STRUCTURES]
        self._set_query(alloc(sds_new_size(0)), SDS_TYPE_8)
        self._set_buffer(alloc(REPLY_CHUNK_BYTES))
        self.buffer_peak = self.buffer_size
        self._peak_since_ms = 0  # Redis forgets this first peak at once: it confuses seconds with milliseconds

    def is_open(self) -> bool:
        """Whether the client is connected."""
        return len(self._structures) > 0

    def close(self) -> None:
        """The client is gone."""
        free = self._allocator.free
        for address in self.addresses():
            free(address)
        self._structures = []
        self._names = {}
        self._query = 0
        self._buffer = 0
        self.blocks = []
        self._blocks_capacity = 0
        self.unsent = 0
        self._queued = []
        self._slots_address = 0
        self._slots = 0
        self._watched = []

    def addresses(self) -> list[int]:
        """Every ledger block the client owns."""
        owned = [*self._structures, *self._queued, *self._watched]
        for blocks in self._names.values():
            owned += blocks
        for block in self.blocks:
            owned += [int(block.node), int(block.address)]
        owned += [int(one) for one in (self._query, self._buffer, self._slots_address) if one != 0]
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        owned = self.addresses()
        assert len(owned) == len(set(owned))
        assert self._blocks_capacity == sum([block.capacity for block in self.blocks])
        assert not self.is_open() or self.query_capacity <= self._allocator.usable(self._query)
        assert self.unsent <= self.buffer_size + self._blocks_capacity

    # Names.

    def set_name(self, what: str, text: bytes) -> None:
        """Charge for the client's name, or the name or version of its library."""
        for address in self._names.pop(what, ()):
            self._allocator.free(address)
        if text:
            self._names[what] = self._string(text)

    def _string(self, text: bytes) -> list[int]:
        """The blocks of a string object."""
        alloc = self._allocator.alloc
        if len(text) <= EMBSTR_LIMIT:
            return [int(alloc(embstr_size(len(text))))]
        return [int(alloc(ROBJ_SIZE)), int(alloc(sds_new_size(len(text))))]

    # The query buffer.

    def _set_query(self, address: i64, header: i64) -> None:
        self._query = address
        self._query_header = header
        self.query_capacity = sds_capacity(header, self._allocator.usable(address))
        self.steady_read = STEADY_READ if self.query_capacity >= QUERY_BUFFER_BYTES else -1

    def _make_room(self, length: i64, added: i64, greedy: bool) -> None:
        """Let a query buffer that holds ``length`` bytes have room for ``added`` more."""
        if self.query_capacity - length >= added:
            return
        header, size = sds_make_room(length, added, greedy)
        if header == self._query_header:
            self._set_query(self._allocator.realloc(self._query, size), header)
        else:
            self._renew_query(size, header)

    def _renew_query(self, size: i64, header: i64) -> None:
        address = self._allocator.alloc(size)
        self._allocator.free(self._query)
        self._set_query(address, header)

    def before_read(self, pending: i64, awaited: i64, data: bytes) -> None:
        """Bytes have arrived; ``pending`` are there already, of a string of ``awaited`` bytes (or -1)."""
        if awaited >= BIG_ARGUMENT_BYTES:
            self.await_bulk(pending, awaited)
            if pending + len(data) <= awaited + 2:
                return
        elif self.query_capacity < QUERY_BUFFER_BYTES:
            self._make_room(pending, QUERY_BUFFER_BYTES, False)
        else:
            self._make_room(pending, QUERY_BUFFER_BYTES, True)
        peak = pending + len(data)
        if len(data) >= BIG_ARGUMENT_BYTES:
            biggest = _biggest_argument(data)
            if biggest + 2 > self.query_capacity:  # it becomes the value; the next buffer is as big
                self._renew_query(sds_new_size(biggest + 2), sds_header_size(biggest + 2))
        self._note_query_peak(peak)

    def await_bulk(self, pending: i64, awaited: i64) -> None:
        """A big string was announced: its buffer gets just its size."""
        self._make_room(pending, awaited + 2 - pending, False)
        self._note_query_peak(awaited + 2)

    def keep_input(self, held: i64) -> None:
        """The client's requests wait; ``held`` bytes of them are in the query buffer."""
        while self.query_capacity < held:
            self._make_room(self.query_capacity, QUERY_BUFFER_BYTES, self.query_capacity >= QUERY_BUFFER_BYTES)
        self._note_query_peak(held)

    def _note_query_peak(self, used: i64) -> None:
        used = min(used, self.query_capacity)
        if used > self.query_peak:
            self.query_peak = used

    def trim_query(self, used: i64, awaited: i64, idle_s: i64) -> None:
        """The timer takes back what is not needed."""
        if self.query_capacity - used > _WASTE_BYTES:
            if idle_s > _IDLE_SECONDS:
                self._resize_query(used)
            elif self.query_capacity > _TRIM_BYTES and self.query_capacity // 2 > self.query_peak:
                self._resize_query(max(used, self.query_peak, awaited + 2 if awaited >= 0 else 0))
        self.query_peak = max(used, awaited + 2 if awaited >= 0 else 0)

    def _resize_query(self, size: i64) -> None:
        header, request = sds_resize(self._query_header, size, True)
        if header == self._query_header:
            self._set_query(self._allocator.realloc(self._query, request), header)
        else:
            self._renew_query(request, header)
        self.query_capacity = size
        self.steady_read = STEADY_READ if size >= QUERY_BUFFER_BYTES else -1

    # The reply buffer.

    def _set_buffer(self, address: i64) -> None:
        self._buffer = address
        self.buffer_size = self._allocator.usable(address)

    def note_output(self, size: i64) -> None:
        """So many bytes of replies were in the buffers at once."""
        used = min(size, self.buffer_size)
        if used > self.buffer_peak:
            self.buffer_peak = used

    def adapt_buffer(self, now_ms: i64, reset_ms: i64) -> i64:
        """The timer adapts the reply buffer to its use: -1 it has shrunk, 1 it has grown, 0 neither."""
        size = self.buffer_size
        wanted: i64 = 0
        if size // 2 >= REPLY_BUFFER_MIN_BYTES and self.buffer_peak < size // 2:
            wanted = max(REPLY_BUFFER_MIN_BYTES, self.buffer_peak + 1)
        elif size * 2 < REPLY_CHUNK_BYTES * 2 and self.buffer_peak == size:
            wanted = min(REPLY_CHUNK_BYTES, size * 2)
        if reset_ms >= 0 and now_ms - self._peak_since_ms > reset_ms:
            self.buffer_peak = self.in_buffer()
            self._peak_since_ms = now_ms
        if wanted == 0:
            return 0
        address = self._allocator.alloc(wanted)
        self._allocator.free(self._buffer)
        self._set_buffer(address)
        return 1 if wanted > size else -1

    def set_unsent(self, unsent: i64, largest: i64 = 0) -> None:
        """So many bytes of replies are not yet sent; ``largest`` is the longest string new among them."""
        self.unsent = unsent
        overflow = unsent - self.buffer_size
        while self._blocks_capacity < overflow:
            self._add_block(min(largest, overflow - self._blocks_capacity))
        while self.blocks and self._blocks_capacity - self.blocks[0].capacity >= max(overflow, 0):
            self._drop_block()

    def _add_block(self, needed: i64) -> None:
        alloc = self._allocator.alloc
        address = alloc(reply_block_size(needed))
        capacity = self._allocator.usable(address) - REPLY_BLOCK_HEADER_SIZE
        self.blocks.append(ReplyBlock(alloc(LIST_NODE_SIZE), address, capacity))
        self._blocks_capacity += capacity

    def _drop_block(self) -> None:
        block = self.blocks.pop(0)
        self._blocks_capacity -= block.capacity
        self._allocator.free(block.node)
        self._allocator.free(block.address)

    def in_buffer(self) -> i64:
        """Unsent bytes in the reply buffer."""
        return min(self.unsent, self.buffer_size)

    def output_bytes(self) -> i64:
        """What the blocks of unsent replies take, CLIENT LIST's omem."""
        return self._blocks_capacity + _BLOCK_OVERHEAD * len(self.blocks)

    # MULTI and WATCH.

    def queue(self, argv: list[bytes]) -> None:
        """A command waits for EXEC."""
        allocator = self._allocator
        if self.queued_bytes == 0:
            self._slots = 2
            self._queued_count = 0
            self._slots_address = allocator.alloc(MULTI_COMMAND_SIZE * self._slots)
        elif self._queued_count == self._slots:
            self._slots *= 2
            self._slots_address = allocator.realloc(self._slots_address, MULTI_COMMAND_SIZE * self._slots)
        self._queued_count += 1
        self._queued.append(int(allocator.alloc(POINTER_SIZE * len(argv))))
        for argument in argv:
            self._queued += self._string(argument)
            self.queued_bytes += len(argument) + POINTER_SIZE

    def end_queue(self) -> None:
        """The transaction is over."""
        free = self._allocator.free
        for address in self.give_queue_away():
            free(address)

    def give_queue_away(self) -> list[int]:
        """The blocks of the transaction, which are the caller's now."""
        blocks = self._queued
        self._queued = []
        self.queued_bytes = 0
        if self._slots_address != 0:
            blocks.append(int(self._slots_address))
        self._slots_address = 0
        self._slots = 0
        return blocks

    def watch(self, key: bytes) -> None:
        """One more key is watched."""
        alloc = self._allocator.alloc
        self._watched += [int(alloc(WATCHED_KEY_SIZE)), int(alloc(LIST_NODE_SIZE)), *self._string(key)]
        self.watched_keys += 1

    def end_watch(self) -> None:
        """No key is watched any more."""
        for address in self._watched:
            self._allocator.free(address)
        self._watched = []
        self.watched_keys = 0

    # Figures.

    def input_bytes(self) -> i64:
        """The block of the query buffer."""
        return self._allocator.usable(self._query) if self._query != 0 else 0

    def total(self) -> i64:
        """CLIENT LIST's tot-mem, without the command under way."""
        return (
            self.output_bytes()
            + self.input_bytes()
            + _CLIENT_USABLE
            + self.buffer_size
            + self.queued_bytes
            + MULTI_COMMAND_SIZE * self._slots
            + (LIST_NODE_SIZE + WATCHED_KEY_SIZE) * self.watched_keys
            + self.other_bytes
        )


def _biggest_argument(data: bytes) -> i64:
    """The length of the longest big string announced in received bytes, 0 if there is none.

    A string's own content may look like an announcement; then a buffer is counted as bigger than it would be.
    """
    biggest: i64 = 0
    for digits in _BULK_HEADER.findall(data):
        size = int(digits)
        if size >= BIG_ARGUMENT_BYTES and size > biggest:
            biggest = size
    return biggest
