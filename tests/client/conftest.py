"""Fixtures of the tests of servers inside the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.client.server import Server
from pyredmem.config.profiles import MIXED


def check(server: Server) -> None:
    """Assert that the ledger and the keyspace are sound. Threads of the test may still be closing their clients."""
    server.driver.enter()
    try:
        if server.driver.is_closed:  # by the test
            return
        report = server.engine.audit()
        assert report.ok, "\n".join(report.lines())
        server.engine.keyspace.check()
        server.engine.clients.check()
    finally:
        server.driver.leave()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server inside the process, which has the commands of all versions; its ledger is audited afterwards."""
    with Server(redis_version=MIXED.name) as server:
        yield server
        check(server)
