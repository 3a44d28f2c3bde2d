"""Clients of valkey-py that lead to a `FakeServer`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import valkey
import valkey.asyncio

from pyredmem.fakeredis.clients import FakeClientMixin
from pyredmem.fakeredis.connections import FakeBaseAsyncConnection, FakeBaseConnection
from pyredmem.fakeredis.servers import ServerType

_TYPE: Final = "valkey"


class FakeValkeyConnection(FakeBaseConnection, valkey.Connection):
    """A connection of valkey-py that leads to a `FakeServer`."""

    connection_error: ClassVar[type[Exception]] = valkey.ConnectionError


class FakeAsyncValkeyConnection(FakeBaseAsyncConnection, valkey.asyncio.Connection):
    """A connection of valkey-py for asyncio that leads to a `FakeServer`."""

    connection_error: ClassVar[type[Exception]] = valkey.ConnectionError


class FakeValkeyMixin(FakeClientMixin):
    """Stands before a class of valkey-py."""

    default_connection_class: ClassVar[type] = FakeValkeyConnection
    default_pool_class: ClassVar[type] = valkey.ConnectionPool
    default_server_type: ClassVar[ServerType] = _TYPE

    def __init__(self, *args: Any, server_type: ServerType = _TYPE, **options: Any) -> None:
        if server_type != _TYPE:
            raise ValueError("server_type must be valkey")
        super().__init__(*args, **options)


class FakeValkey(FakeValkeyMixin, valkey.Valkey):
    """A `valkey.Valkey` that leads to a `FakeServer`."""


class FakeStrictValkey(FakeValkeyMixin, valkey.StrictValkey):
    """A `valkey.StrictValkey` that leads to a `FakeServer`."""


class FakeAsyncValkey(FakeValkeyMixin, valkey.asyncio.Valkey):  # type: ignore[misc]
    """A `valkey.asyncio.Valkey` that leads to a `FakeServer`."""

    default_connection_class = FakeAsyncValkeyConnection
    default_pool_class = valkey.asyncio.ConnectionPool
