"""Fixtures of the tests that compare with real servers."""

from __future__ import annotations

import pytest

from tests.support.servers import Server


@pytest.fixture(params=["7.0", "8.2"])
def judge(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue("real" if request.param == "7.0" else "newer")
    return server
