"""The pytest plugin: servers inside the process as fixtures, a marker for their settings, a report of what they saw.

``redmem_server`` is fresh for each test. ``redmem_module_server`` and ``redmem_session_server`` are shared, and emptied
between tests. *The server of a test* is a shared one if the test asks for it, else a fresh one; ``redmem`` (sync),
``aredmem`` (asyncio), ``redmem_url`` (a real socket) and ``redmem_patch`` (at localhost:6379, for code that connects by
itself) all lead there.

Nothing of pyredmem or redis-py is loaded before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from pyredmem.client.server import Server

_MARKER: Final = """\
redmem(**settings): settings for the server of the test, those of redis.conf with underscores, and seed, frozen_at, \
obeys_python_time, protocol, decode_responses, retry (for redmem and aredmem), addresses (for redmem_patch)"""

#: What the marker takes besides settings: those for the server, and those for the fixtures.
_SERVER_OPTIONS: Final = frozenset({"seed", "obeys_python_time", "frozen_at"})
_CLIENT_OPTIONS: Final = frozenset({"protocol", "decode_responses", "retry"})
_FIXTURE_OPTIONS: Final = _CLIENT_OPTIONS | {"addresses"}

_FRESH: Final = "redmem_server"
_SHARED: Final = ("redmem_module_server", "redmem_session_server")


class _State:
    """The servers that are there, and the test that is running."""

    def __init__(self) -> None:
        self.item: pytest.Item | None = None
        self.used: list[Server] = []  # by the test, for its report
        self.shared: list[Any] = []  # `SharedServer`s


_STATE: Final = pytest.StashKey[_State]()


def _state(config: pytest.Config) -> _State:
    return config.stash[_STATE]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_STATE] = _State()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note which test is running, and forget its servers afterwards."""
    state = _state(item.config)
    state.item = item
    try:
        return (yield)
    finally:
        state.item = None
        state.used.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Give the shared servers the settings that the marker of a test asks for; note a server that a project has made.

    That is one of a fixture of its own by the name `redmem_server`.
    """
    state = _state(item.config)
    for shared in state.shared:
        if shared.name in getattr(item, "fixturenames", ()):
            _apply(shared, item)
    yield
    server = getattr(item, "funcargs", {}).get(_FRESH)
    if server is not None and server not in state.used and all(shared.server is not server for shared in state.shared):
        if _server_options(item):
            pytest.fail("the marker redmem sets up the servers of the plugin, and this test has another", pytrace=False)
        state.used.append(server)
        server.commands.ensure_started()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Empty the shared servers after each test."""
    try:
        yield
    finally:
        for shared in _state(item.config).shared:
            shared.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what its servers have seen to the report of a test that fails."""
    report = yield
    state = _state(item.config)
    if report.failed:
        asked = getattr(item, "fixturenames", ())
        servers = state.used + [one.server for one in state.shared if one.name in asked or len(one.server.commands)]
        if servers:
            from pyredmem.client.failure_report import describe

            report.sections += [("pyredmem", describe(server)) for server in servers]
    return report


# The marker.


def _marked(node: Any) -> dict[str, Any]:
    """What the markers of a test, or of a module, say. The closest one counts."""
    options: dict[str, Any] = {}
    for mark in node.iter_markers("redmem"):
        if mark.args:
            pytest.fail(f"the marker redmem takes names only: redmem(name={mark.args[0]!r})", pytrace=False)
        options = mark.kwargs | options
    return options


def _server_options(node: Any) -> dict[str, Any]:
    """What the markers say for the server."""
    marked = _marked(node)
    _check(marked)
    return {name: value for name, value in marked.items() if name not in _FIXTURE_OPTIONS}


def _check(options: dict[str, Any]) -> None:
    """Fail if there is an unknown name."""
    if not options:
        return
    from pyredmem.client.setting_names import unknown_name

    for name in options:
        problem = unknown_name(name, sorted(_SERVER_OPTIONS | _FIXTURE_OPTIONS))
        if problem:
            pytest.fail(f"the marker redmem has {problem}", pytrace=False)


def _start(node: Any) -> Server:
    """A server with the settings that the markers ask for."""
    from pyredmem.client.server import Server
    from pyredmem.config.settings import SettingError

    try:
        return Server(records_commands=True, **_server_options(node))
    except SettingError as error:
        pytest.fail(f"the marker redmem: {error}", pytrace=False)


def _apply(shared: Any, item: pytest.Item) -> None:
    """Change the settings of a shared server for one test, once."""
    if shared.test is item:
        return
    shared.test = item
    options = _server_options(item)
    own = _server_options(shared.node)
    changed = {name: value for name, value in options.items() if own.get(name) != value}
    fixed = sorted(_SERVER_OPTIONS & set(changed))
    if fixed:
        pytest.fail(f"the marker redmem can't change {', '.join(fixed)} of a server that runs already", pytrace=False)
    if changed:
        from redis import ResponseError

        try:
            shared.change(changed)
        except ResponseError as error:
            pytest.fail(f"the marker redmem: {error}", pytrace=False)


# Servers.


@pytest.fixture
def redmem_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of its own for each test."""
    with _start(request.node) as server:
        _state(request.config).used.append(server)
        yield server


def _share(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that tests share."""
    from pyredmem.client.shared_server import SharedServer

    state = _state(request.config)
    with _start(request.node) as server:
        shared = SharedServer(server, str(request.fixturename), request.node)
        state.shared.append(shared)
        try:
            if state.item is not None:
                _apply(shared, state.item)
            yield server
        finally:
            state.shared.remove(shared)


@pytest.fixture(scope="module")
def redmem_module_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for all tests of a module, emptied between them."""
    yield from _share(request)


@pytest.fixture(scope="session")
def redmem_session_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for all tests of the session, or of a worker of xdist, emptied between tests."""
    yield from _share(request)


def _server_of_test(request: pytest.FixtureRequest) -> Server:
    """The server of the test: a shared one if the test, or one of its fixtures, asks for it.

    Not a fixture: one more costs each test some 50 microseconds.
    """
    wanted = [name for name in _SHARED if name in request.fixturenames]
    server: Server = request.getfixturevalue(wanted[0] if wanted else _FRESH)
    for shared in _state(request.config).shared:
        if shared.server is server:  # a project may have put it in the place of the fresh one
            _apply(shared, request.node)
    return server


# What leads to the server of the test.


def _client_options(request: pytest.FixtureRequest, server: Server) -> dict[str, Any]:
    marked = _marked(request.node)
    options: dict[str, Any] = {name: marked[name] for name in sorted(_CLIENT_OPTIONS) if name in marked}
    password = server.engine.settings.text("requirepass")
    return options | {"password": password} if password else options


@pytest.fixture
def redmem(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A `redis.Redis` for the server of the test."""
    server = _server_of_test(request)
    client = server.client(**_client_options(request, server))
    yield client
    client.close()


@pytest.fixture
def aredmem(request: pytest.FixtureRequest) -> Iterator[redis.asyncio.Redis]:
    """A `redis.asyncio.Redis` for the server of the test. It works in any event loop of asyncio."""
    _refuse_trio(request)
    server = _server_of_test(request)
    client = server.async_client(**_client_options(request, server))
    yield client
    _close_async(client)


def _refuse_trio(request: pytest.FixtureRequest) -> None:
    backend = request.getfixturevalue("anyio_backend_name") if "anyio_backend" in request.fixturenames else ""
    if backend == "trio" or request.node.get_closest_marker("trio") is not None:
        pytest.fail(
            "aredmem is a client of redis-py, which runs on asyncio only, and this test runs on trio. Use the fixture "
            "redmem in it, or let anyio run it on asyncio: @pytest.mark.parametrize('anyio_backend', ['asyncio'])",
            pytrace=False,
        )


def _close_async(client: redis.asyncio.Redis) -> None:
    """Close the connections in a loop of their own: that of the test may be closed already."""
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(client.connection_pool.disconnect())
    finally:
        loop.close()


@pytest.fixture
def redmem_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a real socket of the server of the test, for other processes."""
    listener = _server_of_test(request).listen()
    yield listener.url
    listener.close()


@pytest.fixture
def redmem_patch(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server of the test at localhost:6379, or at the ``addresses`` of the marker, for clients of any code."""
    from pyredmem.client.patch import Patch

    addresses = _marked(request.node).get("addresses", ())
    names = [addresses] if isinstance(addresses, str) else addresses
    with Patch(*names, server=_server_of_test(request)) as server:
        yield server
