"""What Valkey takes of glibc's heap for the requests of a pipeline, while they wait for their turn.

Valkey parses all requests that it has read before it runs the first one. They wait in a queue, and each argument has a
block. These blocks are freed one after the other while the values of the same pipeline take theirs. They are in no
figure. But they decide which chunks are free when a value needs one, and a queue that has to grow lets glibc join all
free chunks. Up to 16 requests fit into the first queue: they change little, and are noted only if the first of them has
many arguments.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from pyredmem.memory.layout import POINTER_SIZE, ROBJ_SIZE, sds_new_size
from pyredmem.memory.libc_arena import LibcArena, chunk_units

#: The room with which a queue begins; it is doubled when it is full (Valkey 9.1).
FIRST_QUEUE: Final = 16
#: The chunks of a request with no more arguments come from the thread cache.
FEW_ARGUMENTS: Final = 8
#: What a server reads at once.
READ_BYTES: Final = 16384
#: What an argument takes besides its bytes if it has one block, and how long it is at most.
ARGUMENT_HEADER: Final = 12
EMBEDDED_ARGUMENT: Final = 116
#: Arguments of this length or more may be mapped by the system, and are not noted.
LARGE_ARGUMENT: Final = 100_000


def matter(requests: list[list[bytes]]) -> bool:
    """Whether the blocks of these requests, at least one, may change which blocks the values get."""
    return len(requests) > FIRST_QUEUE or len(requests[0]) > FEW_ARGUMENTS


class WaitingRequests:
    """The chunks of the requests of one pipeline. An entry of the queue takes ``entry`` bytes."""

    def __init__(self, arena: LibcArena, entry: i64) -> None:
        self._arena: Final = arena
        self._entry = entry
        self._queue: i64 = 0
        #: The chunks of each request: those of its arguments, and, negative, that of the array of them.
        self._chunks: vec[i64] = vec[i64]()
        self._freed: i64 = 0

    def hold(self, requests: list[list[bytes]]) -> None:
        """Take the chunks, as far as the server has read the requests at once."""
        self.drop_all()
        room: i64 = FIRST_QUEUE
        read: i64 = 0
        for number, request in enumerate(requests):
            read += self._take(request)
            if number == 0:
                self._queue = self._arena.take(chunk_units(self._entry * room))
            elif number == room:
                room *= 2
                self._queue = self._arena.resize(self._queue, chunk_units(self._entry * room))
            if read >= READ_BYTES:
                return

    def _take(self, request: list[bytes]) -> i64:
        """Take the chunks of a request; returns how many bytes the arguments have."""
        arena = self._arena
        chunks = self._chunks
        array: i64 = arena.take(chunk_units(POINTER_SIZE * len(request)))
        total: i64 = 0
        for argument in request:
            length: i64 = len(argument)
            total += length
            if length <= EMBEDDED_ARGUMENT:
                chunks = append(chunks, arena.take(chunk_units(ARGUMENT_HEADER + length)))
            elif length < LARGE_ARGUMENT:
                chunks = append(chunks, arena.take(chunk_units(ROBJ_SIZE)))
                chunks = append(chunks, arena.take(chunk_units(sds_new_size(length))))
        self._chunks = append(chunks, -array)
        return total

    def drop(self) -> None:
        """Free the chunks of the first request that has any."""
        chunks = self._chunks
        while self._freed < len(chunks):
            chunk: i64 = chunks[self._freed]
            self._freed += 1
            if chunk < 0:
                self._arena.release(-chunk)
                return
            self._arena.release(chunk)

    def drop_all(self) -> None:
        """Free all chunks that are left, and the queue."""
        if self._queue == 0:
            return
        while self._freed < len(self._chunks):
            self.drop()
        self._chunks = vec[i64]()
        self._freed = 0
        self._arena.release(self._queue)
        self._queue = 0
