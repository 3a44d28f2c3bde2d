"""The servers that the applications talk to: a real one and ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Shared
from tests.support.audit import assert_sound
from tests.support.servers import Server

SERVERS = [pytest.param("real", marks=pytest.mark.needs_redis), "ours"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """An empty server; the tests run once for each."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, Server)
    return chosen


@pytest.fixture
def url(server: Server) -> str:
    """The URL of database 0 of the server."""
    return _url(server)


@pytest.fixture(scope="module", params=SERVERS)
def lasting_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same, but the server is emptied only before the first test of a module, since a worker needs its keys."""
    shared = request.getfixturevalue("_shared_redis" if request.param == "real" else "_shared_pyredmem")
    assert isinstance(shared, Shared)
    shared.reset()
    yield _url(shared.server)
    if request.param == "ours":
        with shared.server.connect() as wire:
            assert_sound(wire)


def _url(server: Server) -> str:
    return f"redis://127.0.0.1:{server.port}/0"
