"""The table of clients, as CLIENT LIST tells them."""

from __future__ import annotations

from typing import Final

from redis.exceptions import ResponseError

from pyredmem.metrics.reading import as_number
from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.table import Column, Order, Row, Table
from pyredmem.monitor.top.texts import count, duration, size
from pyredmem.rdb.text import readable

#: The columns, each with its field of CLIENT LIST.
_FIELDS: Final = (
    (Column("address", "its address, or the path of a unix socket", 21, is_left=True), "addr"),
    (Column("name", "what it called itself by CLIENT SETNAME", 12, is_left=True, takes_rest=True), "name"),
    (Column("memory", "tot-mem: what it takes in all", 9, size), "tot-mem"),
    (Column("output", "omem: replies that it has not read yet, in a list", 9, size), "omem"),
    (Column("idle", "how long ago its last command was", 9, duration), "idle"),
    (Column("command", "its last command", 14, is_left=True), "cmd"),
    (Column("age", "how long it has been connected", 9, duration, rank=1), "age"),
    (Column("db", "its database", 4, count, rank=2), "db"),
    (Column("input", "qbuf: the part of a request that has come", 9, size, rank=3), "qbuf"),
    (Column("flags", "what kind of client it is, as in CLIENT LIST", 6, is_left=True, rank=4), "flags"),
    (Column("user", "the name of its ACL user", 12, is_left=True, rank=5), "user"),
    (Column("library", "the library that it uses", 14, is_left=True, rank=6), "lib-name"),
)
COLUMNS: Final = tuple(column for column, _ in _FIELDS)
_TITLE: Final = "Clients"
_ORDER: Final = Order("memory")
#: What is shown before the clients have been asked for.
UNKNOWN_CLIENTS: Final = Table(
    _TITLE, COLUMNS, _ORDER, when_empty="The clients are listed while this pane is shown; there is no list yet."
)


def client_table(server: WatchedServer) -> Table:
    """The clients that are connected. Raises ServerError."""
    reply = server.ask("CLIENT", "LIST")
    if isinstance(reply, ResponseError):
        return Table(_TITLE, COLUMNS, _ORDER, when_empty=f"CLIENT LIST is refused: {reply}")
    return Table(_TITLE, COLUMNS, _ORDER, [_row(line) for line in readable_lines(reply)])


def readable_lines(reply: bytes) -> list[str]:
    """The lines of a reply, without whatever would control a terminal."""
    return [readable(line) for line in reply.splitlines()]


def _row(line: str) -> Row:
    parts = dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
    return tuple([_value(column, parts.get(name)) for column, name in _FIELDS])


def _value(column: Column, text: str | None) -> float | str | None:
    if text is None:
        return None
    return text if column.is_left else as_number(text)
