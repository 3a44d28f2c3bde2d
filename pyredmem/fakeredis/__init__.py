"""The names of the package fakeredis, over genuine servers of `pyredmem`: moving over is one changed import.

    from pyredmem import fakeredis

    client = fakeredis.FakeRedis()

The clients for valkey are there if valkey-py is installed.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pyredmem.fakeredis.clients import FakeAsyncRedis, FakeRedis, FakeStrictRedis
from pyredmem.fakeredis.connections import (
    FakeAsyncConnection,
    FakeAsyncRedisConnection,
    FakeConnection,
    FakeRedisConnection,
)
from pyredmem.fakeredis.servers import FakeServer
from pyredmem.fakeredis.tcp import TcpFakeServer

if TYPE_CHECKING:
    from pyredmem.fakeredis.for_valkey import FakeAsyncValkey, FakeStrictValkey, FakeValkey

__all__ = [
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisConnection",
    "FakeConnection",
    "FakeRedis",
    "FakeRedisConnection",
    "FakeServer",
    "FakeStrictRedis",
    "TcpFakeServer",
]

_FOR_VALKEY = ("FakeAsyncValkey", "FakeStrictValkey", "FakeValkey")

if find_spec("valkey") is not None:
    __all__ += ["FakeAsyncValkey", "FakeStrictValkey", "FakeValkey"]


def __getattr__(name: str) -> object:
    """Load the clients for valkey when they are asked for."""
    if name not in _FOR_VALKEY or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("pyredmem.fakeredis.for_valkey"), name)
    globals()[name] = value
    return value
