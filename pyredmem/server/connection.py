"""The asyncio protocol of one connection: bytes from the transport to the session, replies back.

This is the hot path of the server, so it is compiled, and it does one write per read event: all replies to what one
read brought are joined. It is a protocol by its methods alone, since a native class cannot inherit from an interpreted
one.

What the transport could not send at once is the client's unsent output. Up to the size of a client's reply buffer
nobody asks for it; beyond that the transport says so (``pause_writing``), and from then on every write is accounted,
held against the client's limit, and may keep the session from running more requests until the client has read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.engine import Engine
from pyredmem.engine.session import HOLD_UNREAD, Session

#: The size of a client's reply buffer (bytes).
HIGH_WATER: Final = 16384


class Connection:
    """One client's connection; ``kind`` is tcp, unix or tls."""

    def __init__(self, engine: Engine, kind: str, opened: Callable[[Connection], None]) -> None:
        self._engine = engine
        self._clients = engine.clients
        self._kind = kind
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._behind = False  # the client reads more slowly than it is written to

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER)
        local_address = _text(transport.get_extra_info("sockname"))
        address = _text(transport.get_extra_info("peername"))
        if self._kind == "unix":  # the client's end has no name of its own
            local_address += ":0"
            address = local_address
        session = self._engine.connect(self._kind, address, local_address)
        session.descriptor = _descriptor(transport)
        session.on_output = self.flush
        session.on_full = self.flush
        session.count_unsent = self._unsent
        self._session = session
        self._opened(self)
        if session.is_closing():  # it was refused
            self.flush()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        session = self._session
        assert session is not None
        session.receive(data)
        self.flush()

    def flush(self) -> None:
        """Write the replies that are ready; close if the session is to end."""
        session = self._session
        transport = self._transport
        if session is None or transport is None:  # the connection is gone
            return
        output = session.output
        size = output.size()
        if size > 0:
            session.count_output(size)
            if size > HIGH_WATER or self._behind:
                self._write_much(session, transport, size)
            else:
                transport.write(output.take())
                if session.memory.unsent > 0:  # counted while the batch ran
                    self._clients.output_sent(session, transport.get_write_buffer_size())
        if session.is_closing():
            if session.aborted:
                transport.abort()
            else:
                transport.close()

    def _write_much(self, session: Session, transport: asyncio.Transport, size: i64) -> None:
        """Write what may not be sent at once, and account for what is not."""
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
        self._clients.output_sent(session, transport.get_write_buffer_size())

    def _unsent(self) -> int:
        """Bytes that the transport could not send yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def eof_received(self) -> bool:
        """The client will send nothing more."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        session = self._session
        self._session = None
        self._transport = None
        if session is not None:
            self._engine.release(session)

    def pause_writing(self) -> None:
        """More is unsent than the client's reply buffer would hold."""
        self._behind = True

    def resume_writing(self) -> None:
        """The client has read nearly all of it."""
        self._behind = False
        session = self._session
        if session is not None:
            self._clients.output_sent(session, self._unsent())
            if session.holds & HOLD_UNREAD:
                session.resume(HOLD_UNREAD)


def _text(address: object) -> str:
    """An address as Redis writes it: ``ip:port``, ``[ip6]:port``, or a path."""
    if isinstance(address, tuple):
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(address, bytes):
        return address.decode("utf-8", "surrogateescape")
    return str(address or "")


def _descriptor(transport: asyncio.Transport) -> int:
    """The number of the socket, -1 if the transport has none."""
    socket = transport.get_extra_info("socket")
    return -1 if socket is None else int(socket.fileno())
