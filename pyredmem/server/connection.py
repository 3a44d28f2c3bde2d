"""The asyncio protocol of one connection: bytes from the transport to the session, replies back.

This is the hot path of the server, so it is compiled, and it does one write per read event: all replies to what one
read
brought are joined. It is a protocol by its methods alone, since a native class cannot inherit from an interpreted one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Session


class Connection:
    """One client's connection; ``kind`` is tcp, unix or tls."""

    def __init__(self, engine: Engine, kind: str, opened: Callable[[Connection], None]) -> None:
        self._engine = engine
        self._kind = kind
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self._transport = transport
        address = _text(transport.get_extra_info("peername"))
        local_address = _text(transport.get_extra_info("sockname"))
        self._session = self._engine.connect(self._kind, address, local_address)
        self._session.on_output = self.flush
        self._opened(self)

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
        reply = session.reply
        if reply.size() > 0:
            if reply.has_parts():
                transport.writelines(reply.take_parts())
            else:
                transport.write(reply.take())
        if session.closing:
            transport.close()

    def eof_received(self) -> bool:
        """The client will send nothing more."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._session is not None:
            self._engine.disconnect(self._session)
        self._transport = None

    def pause_writing(self) -> None:
        """The transport's buffer is full."""

    def resume_writing(self) -> None:
        """The transport's buffer has drained."""


def _text(address: object) -> str:
    """An address as Redis writes it: ``ip:port``, ``[ip6]:port``, or a path."""
    if isinstance(address, tuple):
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(address, bytes):
        return address.decode("utf-8", "surrogateescape")
    return str(address or "")
