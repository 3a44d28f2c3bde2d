"""The asyncio protocol of one connection: it passes bytes from the transport to the session, and replies back.

This is the hot path of the server, so it is compiled. It makes one write for each read event, with all replies to the
requests of that read; while many clients are served, at the end of the event loop's turn (see `Outgoing`), and the
requests run then, too (see `Incoming`). What makes the class a protocol is its methods alone, since a native class
cannot inherit from an interpreted one.

Output is sent past the transport where that is possible: it takes the system less time to send to a socket than to
write to a file, as the transport does, and there is nothing to queue. What the socket does not take at once goes to the
transport, and so does everything until that has nothing left to send.

Output that the transport could not send at once is the client's unsent output. Up to the size of a reply buffer it is
not accounted for. When there is more, the transport calls ``pause_writing``. From then on every write is accounted for
and checked against the client's limit, and the session may have to wait with further requests until the client has
read.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from socket import socket
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.engine import Engine
from pyredmem.engine.session import HOLD_UNREAD, Session

#: The size of a client's reply buffer (bytes).
HIGH_WATER: Final = 16384


class Connection:
    """The connection of one client; ``kind`` is tcp, unix or tls."""

    def __init__(self, engine: Engine, kind: str, opened: Callable[[Connection], None]) -> None:
        self._engine = engine
        self._clients = engine.clients
        self._incoming = engine.core.incoming
        self._outgoing = engine.core.outgoing
        self._kind = kind
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._lags = False  # the client reads more slowly than output is written
        self._socket: socket | None = None  # the transport's own, to send by while it is open
        self._waits = False  # the transport may have output that it could not send yet

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Create a session for a client that has connected."""
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER)
        local_address = _text(transport.get_extra_info("sockname"))
        address = _text(transport.get_extra_info("peername"))
        if self._kind == "unix":  # the client's end has no name of its own
            local_address += ":0"
            address = local_address
        session = self._engine.connect(self._kind, address, local_address)
        session.descriptor = _descriptor(transport)
        if self._kind != "tls" and session.descriptor >= 0 and sys.platform != "win32":
            self._socket = socket(fileno=session.descriptor)
        session.on_output = self.flush
        session.on_full = self.flush
        session.count_unsent = self._unsent
        self._session = session
        self._opened(self)
        if session.is_closing():  # it was refused
            self.flush()

    def data_received(self, data: bytes) -> None:
        """Run the requests in bytes from the client, and write the replies."""
        session = self._session
        assert session is not None
        if self._outgoing.is_busy:
            self._incoming.take(session, data)
            return
        session.receive(data)
        if self._outgoing.gathers():
            session.write_soon()
        else:
            self.flush()

    def flush(self) -> None:
        """Write the output that is ready, and close the connection if the session is closing."""
        session = self._session
        transport = self._transport
        if session is None or transport is None:  # the connection has ended
            return
        if self._outgoing.is_held_back:
            self._outgoing.let_go()
        output = session.output
        size = output.size()
        if size > 0:
            session.count_output(size)
            if size > HIGH_WATER or self._lags:
                self._write_much(session, transport, size)
            else:
                self._write(transport, output.take())
                if session.memory.reply_buffer.unsent > 0:  # counted while the batch ran
                    self._clients.note_unsent(session, transport.get_write_buffer_size())
        if session.is_closing():
            self._leave_socket()
            if session.aborted:
                transport.abort()
            else:
                transport.close()

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write output that is not much."""
        if self._socket is not None and not (self._waits and transport.get_write_buffer_size() > 0):
            try:
                sent: i64 = self._socket.send(data)
            except OSError:
                sent = 0  # the socket is full, or the transport will find out what is wrong
            if sent == len(data):
                self._waits = False
                return
            data = data[sent:]
        self._waits = True
        transport.write(data)

    def _leave_socket(self) -> None:
        """Leave the socket to the transport, which closes it."""
        if self._socket is not None:
            self._socket.detach()
            self._socket = None

    def _write_much(self, session: Session, transport: asyncio.Transport, size: i64) -> None:
        """Write output that the transport may not send at once, and account for what is unsent."""
        self._waits = True
        output = session.output
        waiting: i64 = transport.get_write_buffer_size()
        largest = output.largest_part()
        parts: list[bytes] = output.take_parts()
        if not self._clients.limit_output(session, waiting + size, largest):
            return
        if len(parts) == 1:
            transport.write(parts[0])
        else:
            transport.writelines(parts)
        self._clients.note_unsent(session, transport.get_write_buffer_size())

    def _unsent(self) -> int:
        """How many bytes the transport could not send yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def eof_received(self) -> bool:
        """Let the transport close the connection: the client will send nothing more. It gets its last replies."""
        self._incoming.run()
        self.flush()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Disconnect the client: the connection has ended."""
        session = self._session
        self._session = None
        self._transport = None
        self._leave_socket()
        if session is not None:
            self._engine.release(session)

    def pause_writing(self) -> None:
        """Account for every write from now on: more is unsent than a reply buffer holds."""
        self._lags = True

    def resume_writing(self) -> None:
        """Let the session go on: the client has read nearly all of its output."""
        self._lags = False
        session = self._session
        if session is not None:
            self._clients.note_unsent(session, self._unsent())
            if session.holds & HOLD_UNREAD:
                session.resume(HOLD_UNREAD)


def _text(address: object) -> str:
    """An address in Redis's form: ``ip:port``, ``[ip6]:port``, or a path."""
    if isinstance(address, tuple):
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(address, bytes):
        return address.decode("utf-8", "surrogateescape")
    return str(address or "")


def _descriptor(transport: asyncio.Transport) -> int:
    """The file descriptor of the socket; -1 if the transport has no socket."""
    socket = transport.get_extra_info("socket")
    return -1 if socket is None else int(socket.fileno())
