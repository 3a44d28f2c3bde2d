"""The slow log: the most recent commands that took longer than a threshold.

An entry keeps copies, shortened: at most 32 arguments, the last of which then says how many were left out,
and at most 128 bytes of each with a note of how many followed. Ids count up for the life of the server; a
reset does not start them again.

What Redis would allocate for an entry is charged to the ledger: the list node, the entry, its array of
arguments, one object for each argument (embedded up to 44 bytes, else an object and a string), the client's
name and its address. Whether a command is slow is the caller's test, `duration_us >= log.threshold_us`, so
that a fast one costs nothing."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from mypy_extensions import i64

from pyredmem.base.numbers import INT64_MAX
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import EMBSTR_LIMIT, LIST_NODE_SIZE, POINTER_SIZE, ROBJ_SIZE, embstr_size, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_array, relocated_list

MAX_ARGUMENTS: Final = 32
MAX_ARGUMENT_BYTES: Final = 128

_ENTRY_BYTES: Final = 56


class SlowLogEntry:
    """One slow command."""

    def __init__(
        self,
        entry_id: int,
        time_s: int,
        duration_us: int,
        arguments: list[bytes],
        client_address: bytes,
        client_name: bytes,
    ) -> None:
        self.entry_id: int = entry_id
        self.time_s: int = time_s
        self.duration_us: int = duration_us
        self.arguments: list[bytes] = arguments
        self.client_address: bytes = client_address
        self.client_name: bytes = client_name
        self.blocks = FreedBlocks()  # its ledger blocks

    def relocated(self, mover: Mover) -> SlowLogEntry:
        """The entry, or another one in its place, with all that it holds where the mover wants it."""
        placed = self
        if mover.must_leave(self):
            placed = self._twin()
            while mover.must_plug(placed):
                placed = self._twin()
        placed.arguments = relocated_list([mover.text(argument) for argument in self.arguments], mover)
        placed.client_address = mover.text(self.client_address)
        placed.client_name = mover.text(self.client_name)
        addresses = self.blocks.addresses
        if mover.must_leave(placed.blocks):
            placed.blocks = FreedBlocks()
            while mover.must_plug(placed.blocks):
                placed.blocks = FreedBlocks()
        placed.blocks.addresses = relocated_array(addresses, mover)
        return placed

    def _twin(self) -> SlowLogEntry:
        twin = SlowLogEntry(
            self.entry_id, self.time_s, self.duration_us, self.arguments, self.client_address, self.client_name
        )
        twin.blocks = self.blocks
        return twin


class SlowLog:
    """The entries, newest first, and the settings that rule them."""

    def __init__(self, allocator: Allocator, slower_than_us: int = 10_000, max_length: int = 128) -> None:
        self.threshold_us: i64 = INT64_MAX
        self._max_length: int = max_length
        self._allocator: Allocator = allocator
        self._entries: deque[SlowLogEntry] = deque()
        self._next_id: int = 0
        self.configure(slower_than_us, max_length)

    def configure(self, slower_than_us: int, max_length: int) -> None:
        """Take the settings slowlog-log-slower-than (negative: off) and slowlog-max-len."""
        self.threshold_us = slower_than_us if slower_than_us >= 0 else INT64_MAX  # no duration reaches it
        self._max_length = max_length
        self._trim()

    def add(self, argv: list[bytes], duration_us: int, now_s: int, client_address: bytes, client_name: bytes) -> None:
        """Log a command that was found slow."""
        arguments = _shortened(argv)
        entry = SlowLogEntry(self._next_id, now_s, duration_us, arguments, client_address, client_name)
        self._next_id += 1
        self._charge(entry, argv)
        self._entries.appendleft(entry)
        self._trim()

    def get(self, count: int = 10) -> list[SlowLogEntry]:
        """Return the newest entries, at most `count` of them, or all for -1."""
        return list(self._entries) if count < 0 else list(islice(self._entries, count))

    def __len__(self) -> int:
        return len(self._entries)

    def reset(self) -> None:
        """Forget all entries."""
        while self._entries:
            self._drop_oldest()

    def relocate(self, mover: Mover) -> None:
        """Let a mover that steers place what the entries hold."""
        for _ in range(len(self._entries)):
            entry = self._entries.popleft()
            self._entries.append(entry.relocated(mover))

    def addresses(self) -> list[int]:
        """List the ledger blocks held."""
        return [int(block) for entry in self._entries for block in entry.blocks.addresses]

    def check(self) -> None:
        """Assert the length limit, falling ids, shortened arguments and distinct blocks."""
        assert len(self._entries) <= max(self._max_length, 0)
        ids = [entry.entry_id for entry in self._entries]
        assert ids == sorted(set(ids), reverse=True)
        assert all(entry_id < self._next_id for entry_id in ids)
        assert all(len(entry.arguments) <= MAX_ARGUMENTS for entry in self._entries)
        blocks = self.addresses()
        assert len(blocks) == len(set(blocks))

    def _trim(self) -> None:
        while len(self._entries) > self._max_length:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        entry = self._entries.pop()
        for block in entry.blocks.addresses:
            self._allocator.free(i64(block))

    def _charge(self, entry: SlowLogEntry, argv: list[bytes]) -> None:
        blocks = entry.blocks
        blocks.add(self._allocator.alloc(_ENTRY_BYTES))
        blocks.add(self._allocator.alloc(POINTER_SIZE * len(entry.arguments)))
        for index, argument in enumerate(entry.arguments):
            length = len(argument)
            if index == MAX_ARGUMENTS - 1 and len(argv) > MAX_ARGUMENTS:
                # Printed into an empty string, which then grows to twice what it needs.
                self._charge_string(blocks, 2 * length)
            elif len(argv[index]) > MAX_ARGUMENT_BYTES:
                self._charge_noted(blocks, length)
            elif length > EMBSTR_LIMIT:
                self._charge_string(blocks, length)
            else:
                blocks.add(self._allocator.alloc(embstr_size(length)))
                continue
            blocks.add(self._allocator.alloc(ROBJ_SIZE))
        blocks.add(self._allocator.alloc(sds_new_size(len(entry.client_name))))
        blocks.add(self._allocator.alloc(sds_new_size(len(entry.client_address))))
        blocks.add(self._allocator.alloc(LIST_NODE_SIZE))

    def _charge_string(self, blocks: FreedBlocks, length: int) -> None:
        blocks.add(self._allocator.alloc(sds_new_size(length)))

    def _charge_noted(self, blocks: FreedBlocks, length: int) -> None:
        """Charge a string made with the first bytes and grown, if its block has no room, for the note."""
        first = self._allocator.good_size(sds_new_size(MAX_ARGUMENT_BYTES))
        room = first - (sds_new_size(MAX_ARGUMENT_BYTES) - MAX_ARGUMENT_BYTES)
        self._charge_string(blocks, MAX_ARGUMENT_BYTES if length <= room else 2 * length)


def _shortened(argv: list[bytes]) -> list[bytes]:
    shown = argv
    if len(argv) > MAX_ARGUMENTS:
        shown = argv[: MAX_ARGUMENTS - 1]
    arguments = [_shortened_argument(argument) for argument in shown]
    if len(argv) > MAX_ARGUMENTS:
        arguments.append(b"... (%d more arguments)" % (len(argv) - len(shown)))
    return arguments


def _shortened_argument(argument: bytes) -> bytes:
    excess = len(argument) - MAX_ARGUMENT_BYTES
    if excess <= 0:
        return argument
    return b"%b... (%d more bytes)" % (argument[:MAX_ARGUMENT_BYTES], excess)
