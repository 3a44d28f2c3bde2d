"""The package works where parts of Python or of the system are missing, and says what cannot work there.

Each test hides something from a process of its own, see `tests/support/without/sitecustomize.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server import processes
from tests.support.servers import free_port
from tests.support.without import environment

SECONDS = 60.0
#: What is hidden, and what INFO of the double and of a server says then.
MISSING: dict[str, dict[str, Any]] = {
    "uvloop": {"multiplexing_api": "asyncio"},
    "hiredis": {},
    "resource": {},
    "timerfd": {},
    "malloc_trim": {},
    "ctypes": {},
    "proc": {"used_memory_rss": 0, "mem_fragmentation_ratio": 0.0},
    "fork": {},
    "unix_sockets": {},
    "signals": {"multiplexing_api": "asyncio"},
    "poll": {"multiplexing_api": "asyncio"},
    "readers": {"multiplexing_api": "asyncio"},
    "sched,uname,sysconf,identities,timerfd,proc": {"total_system_memory": 0},
    "fcntl,pwd,grp,termios": {},
    "everything": {"multiplexing_api": "asyncio", "used_memory_rss": 0, "total_system_memory": 0},
}


def run(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(missing),
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("missing", MISSING)
def test_the_double_and_the_server_work_without(missing: str) -> None:
    """`tests/support/tour.py` is what works."""
    done = run(missing, "-m", "tests.support.tour")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    said = json.loads(done.stdout)
    for field, value in MISSING[missing].items():
        assert said["server"][field] == value
        assert said["inside"][field] == ("in-process" if field == "multiplexing_api" else value)


@pytest.mark.parametrize("missing", ["nothing", "resource", "uname"])
def test_info_knows_the_system_and_the_time_of_the_processor(missing: str) -> None:
    script = """
import pyredmem
with pyredmem.Server() as server:
    info = server.client(decode_responses=True).info("everything")
print(info["used_cpu_user"] + info["used_cpu_sys"] > 0.05, info["used_cpu_user_main_thread"] > 0.05, info["os"])
"""
    done = run(missing, "-c", script)
    assert done.stdout.lower().startswith(f"true true {os.uname().sysname.lower()}"), done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_in_order_on_a_signal_that_its_loop_cannot_handle(tmp_path: Path, number: int) -> None:
    variables = environment("signals")
    with processes.on_port(tmp_path, **variables) as (process, _):
        process.signal(number)
        assert process.status() == 0
        assert "ready to exit, bye bye" in process.output


def test_a_server_that_cannot_go_into_the_background_does_not_start() -> None:
    done = run("fork", "-m", "pyredmem", "--port", str(free_port()), "--daemonize", "yes")
    assert done.returncode == 1
    assert "Can't daemonize: this system cannot fork a process" in done.stderr


def test_a_server_without_unix_sockets_does_not_start_on_one(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    done = run("unix_sockets", "-m", "pyredmem", "--port", "0", "--unixsocket", path)
    assert done.returncode == 1
    assert f"Could not listen on {path}: this system has no Unix sockets" in done.stdout
    assert f"Failed opening Unix socket {path}" in done.stdout


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_a_server_loads_libraries_when_it_needs_them(loop: str) -> None:
    script = """
import sys
import pyredmem.__main__
from pyredmem.config.settings import Settings
from pyredmem.server.app import Server
from tests.support.wire import Wire
server = Server(Settings([("port", sys.argv[1]), ("redis-version", "redis-8.4")]))
server.start()
with Wire(server.port) as wire:
    for command in ("SET a 1", "EVAL return(1) 0", "DIGEST a"):
        wire.do(*command.split())
        print("loaded:", *[name for name in ("lupa", "redis", "xxhash") if name in sys.modules])
server.stop()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(free_port())],
        capture_output=True,
        text=True,
        env=processes.environment(PYREDMEM_LOOP=loop),
        timeout=SECONDS,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("loaded:")]  # the rest is the log
    assert said == ["loaded:", "loaded: lupa", "loaded: lupa xxhash"], done.stderr


def test_a_module_that_is_hidden_cannot_be_imported() -> None:
    """Otherwise the tests above would prove nothing."""
    done = run("everything", "-c", "import sys; print(sys.platform); import resource")
    assert done.stdout == "win32\n"
    assert "ModuleNotFoundError" in done.stderr
