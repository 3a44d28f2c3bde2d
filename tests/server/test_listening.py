from __future__ import annotations

import socket
import stat
from pathlib import Path

from tests.server.processes import on_port, ping, run, started
from tests.server.test_endpoints import UNASSIGNED, needs_ipv6
from tests.support.servers import free_port
from tests.support.wire import Simple, Wire

PONG = Simple(b"PONG")


def test_the_server_listens_on_its_port(tmp_path: Path) -> None:
    with on_port(tmp_path) as (_, port):
        assert ping(port)


def test_the_server_listens_on_every_bind_address(tmp_path: Path) -> None:
    with on_port(tmp_path, "--bind", "127.0.0.1", "127.0.0.2") as (_, port):
        for host in ("127.0.0.1", "127.0.0.2"):
            with Wire(port, host) as wire:
                assert wire.do("PING") == PONG


@needs_ipv6
def test_the_server_listens_on_ipv6_by_default(tmp_path: Path) -> None:
    with on_port(tmp_path) as (_, port), Wire(port, "::1") as wire:
        assert wire.do("PING") == PONG


def test_an_optional_address_that_this_machine_does_not_have_is_skipped(tmp_path: Path) -> None:
    with on_port(tmp_path, "--bind", "127.0.0.1", f"-{UNASSIGNED}") as (process, port):
        assert ping(port)
        assert f"Could not listen on {UNASSIGNED}:{port}" in process.output


def test_the_server_does_not_start_if_this_machine_does_not_have_an_address(tmp_path: Path) -> None:
    port = free_port()
    ended = run("--port", str(port), "--bind", UNASSIGNED)
    assert ended.returncode == 1
    assert f"Failed listening on port {port} (TCP), aborting." in ended.stdout


def test_the_server_does_not_start_if_the_port_is_in_use(tmp_path: Path) -> None:
    with on_port(tmp_path) as (_, port):
        ended = run("--port", str(port))
    assert ended.returncode == 1
    assert "Address already in use" in ended.stdout
    assert f"Failed listening on port {port} (TCP), aborting." in ended.stdout


def test_the_server_does_not_start_if_it_listens_nowhere() -> None:
    ended = run("--port", "0")
    assert ended.returncode == 1
    assert "Configured to not listen anywhere, exiting." in ended.stdout


def test_a_unix_socket_alone_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with started(tmp_path, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700") as process:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert "Ready to accept connections unix" in process.output
        assert "connections tcp" not in process.output
        with Wire(path=str(path)) as wire:
            assert wire.do("PING") == PONG


def test_the_socket_file_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    for _ in range(2):
        with started(tmp_path, "--port", "0", "--unixsocket", str(path)), Wire(path=str(path)) as wire:
            assert wire.do("PING") == PONG
        assert path.exists()


def test_the_server_can_run_in_the_loop_of_asyncio(tmp_path: Path) -> None:
    with on_port(tmp_path, PYREDMEM_LOOP="asyncio") as (_, port):
        assert ping(port)


def test_a_client_that_disconnects_within_a_request_does_not_disturb_others(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"*1\r\n$4\r\nPI")
        assert ping(port)
        assert "Fault" not in process.output
