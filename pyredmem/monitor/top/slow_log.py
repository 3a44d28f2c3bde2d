"""The table of slow commands, as SLOWLOG GET tells them."""

from __future__ import annotations

from typing import Final

from redis.exceptions import ResponseError

from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.table import Column, Order, Row, Table
from pyredmem.monitor.top.texts import duration, microseconds
from pyredmem.rdb.text import readable, shortened

#: As many entries as the log has if slowlog-max-len says nothing else.
_MOST: Final = 128
_LONGEST_ARGUMENT: Final = 60

COLUMNS: Final = (
    Column("id", "its number; the newest entry has the largest one", 8),
    Column("took", "how long it took, without the time for which it waited", 8, microseconds),
    Column("ago", "how long ago it was", 10, duration),
    Column("command", "the command, with as many arguments as the log keeps", 30, is_left=True, takes_rest=True),
    Column("client", "the address of its client", 21, is_left=True, rank=1),
    Column("name", "the name of its client", 12, is_left=True, rank=2),
)
_TITLE: Final = "Slow log"
_ORDER: Final = Order("id")


def slow_log_table(server: WatchedServer, unix_s: float) -> Table:
    """The slow commands. Raises ServerError."""
    reply = server.ask("SLOWLOG", "GET", _MOST)
    if isinstance(reply, ResponseError):
        return Table(_TITLE, COLUMNS, _ORDER, when_empty=f"SLOWLOG GET is refused: {reply}")
    rows = [_row(unix_s, *entry) for entry in reply]
    return Table(
        _TITLE,
        COLUMNS,
        _ORDER,
        rows,
        when_empty="The slow log is empty: no command took longer than slowlog-log-slower-than.",
    )


def _row(unix_s: float, number: int, at_s: int, took_us: int, words: list[bytes], *client: bytes) -> Row:
    """An entry. Before version 4.0 it does not tell the client."""
    command = " ".join([shortened(word, _LONGEST_ARGUMENT) for word in words])
    address, name = [readable(text) for text in client[:2]] or (None, None)
    return (number, took_us, max(unix_s - at_s, 0), command, address, name)
