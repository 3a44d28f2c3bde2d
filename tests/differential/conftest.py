"""Fixtures of the tests that compare with real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Shared
from tests.support import servers
from tests.support.servers import Server

VALKEY = "valkey-9.1"


@pytest.fixture(scope="session")
def _shared_our_valkey() -> Iterator[Shared]:
    with servers.pyredmem_server("--redis-version", VALKEY) as server:
        yield Shared(server)


@pytest.fixture
def our_valkey(_shared_our_valkey: Shared) -> Iterator[Server]:
    """A pyredmem that is like Valkey 9.1; its ledger is audited afterwards."""
    with _shared_our_valkey.audited() as server:
        yield server


@pytest.fixture(params=["7.0", "8.2"])
def judge(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue("real" if request.param == "7.0" else "newer")
    return server
