"""`metrics-port`: what it serves, to whom, and that clients do not wait for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from pyredmem.server.http_guard import MOST_CONNECTIONS
from pyredmem.server.metrics_port import MetricsPort
from tests.server.processes import environment, on_port, run
from tests.support.http import get
from tests.support.replies import OK
from tests.support.servers import free_port
from tests.support.wire import Error, Wire, request
from tests.support.world import World


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[int, Wire]]:
    """A server with a metrics port, and a client."""
    port = free_port()
    arguments = ("--metrics-port", str(port), "--save", "", *options)
    with on_port(directory, *arguments) as (_, own), Wire(own) as wire:
        yield port, wire


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_metrics_and_health_are_served(tmp_path: Path, loop: str) -> None:
    port = free_port()
    with on_port(tmp_path, "--metrics-port", str(port), "--save", "", PYREDMEM_LOOP=loop) as (process, own):
        status, text = get(port, "/metrics")
        assert (status, "redis_up 1.0\n" in text) == (200, True)
        assert get(port, "/healthz") == (200, '{"live": true, "loading": false, "memory_short": false}\n')
        assert get(port, "/elsewhere")[0] == 404
        assert get(port, "/metrics", method="POST")[0] == 405
        assert get(port, "/metrics", method="HEAD") == (200, "")
        with Wire(own) as wire:
            wire.send(request("SHUTDOWN", "NOSAVE"))
        assert process.status() == 0


def test_a_server_without_the_setting_loads_no_http_library() -> None:
    code = "import sys, pyredmem.server.app; print({'aiohttp', 'prometheus_client'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_a_library_that_is_missing_is_named_with_what_installs_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from pyredmem.__main__ import main; main()"
    words = [sys.executable, "-c", code, "--port", str(free_port()), "--metrics-port", str(free_port())]
    ended = subprocess.run(words, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "metrics-port needs aiohttp: pip install 'pyredmem[monitor]'" in ended.stdout


def test_the_port_is_none_of_the_listeners_of_info(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, wire):
        reply = str(wire.do("INFO", "server"))
        assert "listener0:name=tcp" in reply
        assert "listener1" not in reply


def test_where_the_default_user_has_a_password_one_is_needed(tmp_path: Path) -> None:
    with serving(tmp_path, "--requirepass", "se:cret") as (port, wire):
        assert wire.do("AUTH", "se:cret") == OK
        wire.do("ACL", "SETUSER", "watcher", "on", ">w", "+info")
        wire.do("ACL", "SETUSER", "weak", "on", ">w", "+get")
        wire.do("ACL", "SETUSER", "off", "off", ">w", "+@all")
        for path in ("/metrics", "/healthz"):
            assert get(port, path)[0] == 401
            assert get(port, path, "default:wrong")[0] == 401
            assert get(port, path, "nobody:w")[0] == 401
            assert get(port, path, "off:w")[0] == 401
            assert get(port, path, "weak:w")[0] == 403
            assert get(port, path, "default:se:cret")[0] == 200
            assert get(port, path, ":se:cret")[0] == 200
            assert get(port, path, "watcher:w")[0] == 200


def test_credentials_that_are_none_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, _):
        asking = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer x"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asking, timeout=20)
        assert caught.value.code == 400
        caught.value.close()


def test_health_tells_that_memory_is_short(tmp_path: Path) -> None:
    with serving(tmp_path, "--maxmemory", "3mb") as (port, wire):
        assert get(port, "/healthz")[0] == 200
        while not isinstance(wire.do("SETRANGE", "key", "2000000", "x"), Error):
            wire.do("APPEND", "key", "x" * 100_000)
        status, text = get(port, "/healthz")
        assert (status, json.loads(text)["memory_short"]) == (503, True)


@pytest.mark.parametrize("setting", ["metrics-port", "monitor-port"])
def test_a_connection_too_many_is_closed_until_another_one_ends(tmp_path: Path, setting: str) -> None:
    port = free_port()
    with on_port(tmp_path, f"--{setting}", str(port), "--save", ""), ExitStack() as opened:
        connections = [opened.enter_context(create_connection(("127.0.0.1", port))) for _ in range(MOST_CONNECTIONS)]
        with create_connection(("127.0.0.1", port), timeout=20) as refused:
            assert refused.recv(1) == b""
        connections[0].sendall(b"GET / HTTP/1.0\r\n\r\n")
        with connections[0].makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.0 ")
        assert get(port, "/healthz")[0] in {200, 404}


def test_a_port_in_use_ends_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, _):
        ended = run("--port", str(free_port()), "--metrics-port", str(port), "--save", "", cwd=tmp_path)
        assert ended.returncode == 1
        assert f"Failed listening on port {port} (METRICS), aborting." in ended.stdout


# Without a process.


def asked(port: MetricsPort, path: str, remote: str = "127.0.0.1", **headers: str) -> web.Response:
    asking = SimpleNamespace(path=path, method="GET", remote=remote, headers=headers)
    return cast(web.Response, asyncio.run(port._answer(cast(Any, asking))))


@pytest.fixture
def port(world: World) -> MetricsPort:
    async def made() -> MetricsPort:
        return MetricsPort(world.engine, lambda: (0.0, 0.0))

    return asyncio.run(made())


def test_other_machines_are_refused_in_protected_mode(world: World, port: MetricsPort) -> None:
    assert asked(port, "/metrics", "10.0.0.1").status == 403
    assert asked(port, "/metrics", "::1").status == 200
    world.do("CONFIG", "SET", "protected-mode", "no")
    assert asked(port, "/metrics", "10.0.0.1").status == 200
    world.do("CONFIG", "SET", "protected-mode", "yes", "requirepass", "secret")
    assert asked(port, "/metrics", "10.0.0.1").status == 401


def test_a_scrape_lets_others_run_in_between(world: World, port: MetricsPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyredmem.server.turns._SLICE_S", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scrape() -> bytes:
        other = asyncio.get_running_loop().create_task(count())
        answer = await port._metrics()
        other.cancel()
        body = answer.body
        assert isinstance(body, bytes)
        return body

    body = asyncio.run(scrape())
    assert turns > 50
    assert body.count(b"# TYPE ") > 100
