from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.processes import command, environment, on_port, ping, run, started, wait_until
from tests.support.servers import free_port
from tests.support.wire import Closed, Wire


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_status_zero(tmp_path: Path, number: signal.Signals) -> None:
    with on_port(tmp_path) as (process, _):
        process.signal(number)
        assert process.status() == 0
        assert f"Received {number.name}, shutting down..." in process.output


def test_clients_are_disconnected_at_the_end(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        wire.do("PING")
        process.signal(signal.SIGTERM)
        with pytest.raises(Closed):
            wire.receive()
        assert process.status() == 0


def test_the_socket_and_the_pid_file_are_removed_at_the_end(tmp_path: Path) -> None:
    path, pid = tmp_path / "s", tmp_path / "pid"
    with started(tmp_path, "--port", "0", "--unixsocket", str(path), "--pidfile", str(pid)) as process:
        assert path.exists()
        assert pid.read_text() == f"{process.popen.pid}\n"
        process.signal(signal.SIGTERM)
        assert process.status() == 0
    assert not path.exists()
    assert not pid.exists()


def test_replies_that_are_being_sent_arrive_before_the_end(tmp_path: Path) -> None:
    size = 8_000_000
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        wire.do("SET", "big", b"x" * size)
        wire.send(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n")
        wait_until(lambda: first_bytes_are_there(wire), "the beginning of the reply")
        process.signal(signal.SIGTERM)
        reply = wire.receive()
        assert getattr(reply, "data", b"") == b"x" * size
        assert process.status() == 0


def first_bytes_are_there(wire: Wire) -> bool:
    wire.send(b"")
    wire._read()
    return len(wire.pending) > 0


def test_after_a_second_signal_the_server_does_not_wait_for_a_slow_reader(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        wire.do("SET", "big", b"x" * 20_000_000)
        wire.send(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n")
        wait_until(lambda: first_bytes_are_there(wire), "the beginning of the reply")
        process.signal(signal.SIGTERM)
        process.wait_for_line("shutting down")
        process.signal(signal.SIGTERM)
        assert process.status() == 1


def test_the_hangup_signal_is_ignored(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port):
        process.signal(signal.SIGHUP)
        assert ping(port)


def test_the_log_file_is_relative_to_the_directory_and_is_continued(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    log = directory / "server.log"
    log.write_text("older\n")
    port = free_port()
    arguments = ("--port", str(port), "--dir", str(directory), "--logfile", "server.log")
    with pytest.raises(AssertionError), started(tmp_path, "--dir", str(directory / "missing")):
        pass
    process = subprocess_of(tmp_path, *arguments)
    try:
        wait_until(lambda: "Ready to accept connections tcp" in log.read_text(), "the log line")
        assert log.read_text().startswith("older\n")
        assert ping(port)
    finally:
        process.kill()
        process.wait()


def subprocess_of(directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(*arguments), cwd=directory, env=environment())


def test_at_log_level_nothing_there_is_no_log(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess_of(tmp_path, "--port", str(port), "--loglevel", "nothing", "--logfile", str(tmp_path / "log"))
    try:
        wait_until(lambda: answers(port), "an answer")
        assert (tmp_path / "log").read_text() == ""
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return ping(port)
    except OSError:
        return False


def test_a_daemon_runs_in_the_background(tmp_path: Path) -> None:
    port, pid_file, log = free_port(), tmp_path / "pid", tmp_path / "log"
    ended = run(
        "--port", str(port), "--daemonize", "yes", "--pidfile", str(pid_file), "--logfile", str(log), cwd=tmp_path
    )
    assert ended.returncode == 0
    assert ended.stdout == ""
    wait_until(lambda: log.exists() and "Ready to accept" in log.read_text(), "the daemon")
    pid = int(pid_file.read_text())
    try:
        assert ping(port)
        assert os.getsid(pid) != os.getsid(0)
        assert f"\n{pid}:M " in log.read_text()
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not pid_file.exists(), "the daemon's end")
