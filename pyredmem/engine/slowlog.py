"""The slow log: the most recent commands that took at least as long as a threshold.

An entry keeps shortened copies of the arguments. It has at most 32 of them; if there were more, the last one says how
many were left out. Of each it has at most 128 bytes, and a note of how many more there were. Ids count up for as long
as the server runs; SLOWLOG RESET does not start them again.

The ledger is charged for what Redis would allocate: the list node, the entry, its array of arguments, one object for
each argument (embedded up to 44 bytes, else an object and a string), the name and the address of the client. The caller
tests whether a command is slow, `duration_us >= log.threshold_us`, so that a fast command costs nothing.
"""

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
        """This entry or its replacement, with everything in it moved to where the mover wants it."""
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
    """The entries, newest first, and the settings of the log."""

    def __init__(self, allocator: Allocator, slower_than_us: int = 10_000, max_length: int = 128) -> None:
        self.threshold_us: i64 = INT64_MAX
        self._max_length: int = max_length
        self._allocator: Allocator = allocator
        self._entries: deque[SlowLogEntry] = deque()
        self._next_id: int = 0
        self.configure(slower_than_us, max_length)

    def configure(self, slower_than_us: int, max_length: int) -> None:
        """Apply the settings slowlog-log-slower-than (off if negative) and slowlog-max-len."""
        self.threshold_us = slower_than_us if slower_than_us >= 0 else INT64_MAX  # no duration reaches it
        self._max_length = max_length
        self._trim()

    def add(self, argv: list[bytes], duration_us: int, now_s: int, client_address: bytes, client_name: bytes) -> None:
        """Add an entry for a slow command."""
        arguments = _shortened(argv)
        entry = SlowLogEntry(self._next_id, now_s, duration_us, arguments, client_address, client_name)
        self._next_id += 1
        self._charge(entry, argv)
        self._entries.appendleft(entry)
        self._trim()

    def get(self, count: int = 10) -> list[SlowLogEntry]:
        """The newest entries, at most `count` of them; all if that is -1."""
        return list(self._entries) if count < 0 else list(islice(self._entries, count))

    def __len__(self) -> int:
        return len(self._entries)

    def reset(self) -> None:
        """Drop all entries."""
        while self._entries:
            self._drop_oldest()

    def relocate(self, mover: Mover) -> None:
        """Let a mover that steers move what the entries hold."""
        for _ in range(len(self._entries)):
            entry = self._entries.popleft()
            self._entries.append(entry.relocated(mover))

    def addresses(self) -> list[int]:
        """The ledger blocks of all entries."""
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
                # Redis prints this note into an empty string, which grows to twice the size that it needs.
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
        """Charge for a string of the first bytes, which grows for the note if its block has no room for it."""
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
