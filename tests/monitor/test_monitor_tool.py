"""`pyredmem monitor`, as somebody calls it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiohttp import ClientSession

from pyredmem.monitor.monitor_tool import run
from tests.server.processes import DEADLINE_SECONDS, command, environment
from tests.support.http import get
from tests.support.servers import Server, free_port
from tests.web.sites import answer, message


@contextmanager
def monitoring(url: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """The tool as a process, its port, and what it has told."""
    words = command("monitor", url, "--port", "0", *options)
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/ shows .*\n", told)
            assert found is not None, told
            yield process, int(found[1]), told
        finally:
            process.kill()


@pytest.fixture(params=["ours", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


@pytest.mark.needs_redis
async def test_any_server_can_be_looked_at(server: Server) -> None:
    with server.connect() as wire:
        wire.do("MSET", *[word for index in range(200) for word in (f"user:{index}", "x" * 50)])
    with monitoring(f"redis://127.0.0.1:{server.port}") as (process, port, told):
        assert told.endswith(f"shows 127.0.0.1:{server.port}\n")
        async with ClientSession(f"http://127.0.0.1:{port}") as browser:
            async with browser.ws_connect("/live") as watching:
                hello = await message(watching)
                frame = await message(watching)
            is_ours = server.name == "pyredmem"
            assert hello["server"]["is_pyredmem"] is is_ours
            assert (frame["heap"] is None) is not is_ours
            assert any(sentence.startswith("The heap map") for sentence in hello["missing"]) is not is_ours
            assert frame["values"]["redis_memory_used_bytes"] > 500_000
            status, found = await answer(browser, "/api/keyspace")
            assert (status, found["groups"][0]["name"], found["groups"][0]["keys"]) == (200, "user:*", 200)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0


def test_only_names_that_are_surely_its_own_are_answered(ours: Server) -> None:
    with (
        monitoring(f"redis://127.0.0.1:{ours.port}") as (_, port, _),
        socket.create_connection(("127.0.0.1", port)) as one,
    ):
        assert get(port, "/")[0] == 200
        one.sendall(b"GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "url",
    ["redis://:secret@127.0.0.1:{port}", "nonsense://secret@x", "redis://:secret@127.0.0.1:x", "unix:///nowhere/s"],
)
def test_a_server_that_cannot_be_asked_is_a_failure(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([url.format(port=free_port()), "--port", "0"], "pyredmem") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Cannot connect")
    assert "secret" not in captured.err
    assert captured.err.count("\n") == 1


def test_a_port_in_use_is_a_failure(ours: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([f"redis://127.0.0.1:{ours.port}", "--port", str(ours.port)], "pyredmem") == 2
    assert capsys.readouterr().err.startswith(f"Cannot listen at 127.0.0.1:{ours.port}: ")


def test_help_and_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], "pyredmem") == 0
    assert "usage: pyredmem monitor" in capsys.readouterr().out
    for wrong in (["--nonsense"], ["--port", "x"], ["--port", "70000"], ["a", "b"]):
        assert run(wrong, "pyredmem") == 2
        assert "error: " in capsys.readouterr().err


def test_without_its_extra_the_command_prints_the_pip_line() -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from pyredmem.__main__ import main; main()"
    words = [sys.executable, "-c", code, "monitor"]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "pyredmem monitor needs aiohttp: pip install 'pyredmem[monitor]'\n"
