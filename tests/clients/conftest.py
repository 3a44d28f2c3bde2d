"""Fixtures of the tests that repeat with each profile. All profiles but `mixed` are long tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.config.profiles import MIXED, PROFILES, REDIS_8_2, REDIS_8_4, VALKEY_9_1
from tests.conftest import Shared
from tests.support import servers
from tests.support.servers import Server

#: The fixtures with the real servers that judge profiles; the installed redis-server, 7.0, judges the others.
JUDGES = {REDIS_8_2.name: "newer", REDIS_8_4.name: "newer", VALKEY_9_1.name: "valkey"}


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=() if name == MIXED.name else pytest.mark.slow) for name in PROFILES],
)
def profile(request: pytest.FixtureRequest) -> str:
    """The name of each profile in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def _shared_of_profile(request: pytest.FixtureRequest, profile: str) -> Iterator[Shared]:
    if profile == MIXED.name:
        yield request.getfixturevalue("_shared_pyredmem")
        return
    with servers.pyredmem_server("--redis-version", profile) as server:
        yield Shared(server)


@pytest.fixture
def of_profile(_shared_of_profile: Shared) -> Iterator[Server]:
    """A pyredmem with the profile, empty and with its first configuration; its ledger is audited afterwards."""
    with _shared_of_profile.audited() as server:
        yield server


@pytest.fixture
def judge(request: pytest.FixtureRequest, profile: str) -> Server:
    """The real server that the profile is like, empty and with its first configuration."""
    server: Server = request.getfixturevalue(JUDGES.get(profile, "real"))
    return server
