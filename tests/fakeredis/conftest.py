"""Fixtures of the tests of the names of fakeredis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.fakeredis import FakeServer
from tests.client.conftest import check


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A server of its own; its ledger is audited afterwards."""
    fake_server = FakeServer()
    yield fake_server
    check(fake_server.server)
    fake_server.close()
