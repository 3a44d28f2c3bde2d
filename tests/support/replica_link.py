"""The stream of commands that a real redis-server sends to its replicas.

`ReplicaLink` sends SYNC on a raw socket, skips the snapshot, and then returns the commands that arrive. It sends SYNC
and not PSYNC, because the server then expects no acknowledgements and never drops the link as timed out.

The link's own traffic (PING, REPLCONF, newlines) is dropped. SELECT, MULTI and EXEC stay: their places in the stream
are compared too. A test marks the end of what it wants to read by PUBLISH on `CHANNEL`, which is propagated as well.
"""

from __future__ import annotations

import socket
from types import TracebackType

from tests.support.wire import Array, Bulk, Decoder, Wire, request

CHANNEL = b"end-of-a-case"
#: Options that let a server begin the stream at once, and send hardly anything of its own.
OPTIONS = ("--repl-diskless-sync", "no", "--repl-ping-replica-period", "3600", "--hz", "100")
_OWN = {b"PING", b"REPLCONF"}
_END_MARK_BYTES = 40

Command = list[bytes]


class ReplicaLink:
    """A replica that only reads."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._data = b""
        self._decoder = Decoder()
        self._marks = 0
        self._socket.sendall(request("SYNC"))
        self._skip_snapshot()
        self._decoder.feed(self._data)

    def __enter__(self) -> ReplicaLink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def take(self, control: Wire) -> list[Command]:
        """The commands propagated since the last call; `control` is a connection to the same server, in database 0.

        Afterwards the server has database 0 selected for its replicas.
        """
        self._marks += 1
        mark = b"%d" % self._marks
        control.do("PUBLISH", CHANNEL, mark)
        commands: list[Command] = []
        while True:
            command = self._next()
            if command == [b"PUBLISH", CHANNEL, mark]:
                break
            if command[0].upper() not in _OWN:
                commands.append(command)
        if commands and commands[-1] == [b"SELECT", b"0"]:  # the SELECT of the mark
            commands.pop()
        return commands

    def _next(self) -> Command:
        while (reply := self._decoder.take()) is None:
            self._decoder.feed(self._read())
        assert isinstance(reply, Array), reply
        return [item.data for item in reply.items if isinstance(item, Bulk)]

    def _skip_snapshot(self) -> None:
        """Read past the RDB file; its end is given by its length or, if it was never on disk, by a mark."""
        while True:
            self._data = self._data.lstrip(b"\n")
            if b"\r\n" in self._data:
                break
            self._data += self._read()
        head, self._data = self._data.split(b"\r\n", 1)
        if head.startswith(b"$EOF:"):
            end = head[len(b"$EOF:") :]
            assert len(end) == _END_MARK_BYTES, head
            while end not in self._data:
                self._data += self._read()
            self._data = self._data.split(end, 1)[1]
            return
        length = int(head[1:])
        while len(self._data) < length:
            self._data += self._read()
        self._data = self._data[length:]

    def _read(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the link")
        return data
