"""The process of a server: what it saves, when, and what it does with a file at its start."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.processes import Process, command, environment, on_port, ping, started, wait_until
from tests.support.wire import OK, Argument, Bulk, Error, Integer, Wire, info, request

DAMAGED = b"REDIS0011\x00\x01a\x01"


def send(wire: Wire, *words: Argument) -> None:
    """Send a command, and do not wait for its reply."""
    wire.send(request(*words))


def saved(process: Process, directory: Path) -> None:
    """End a server by SIGTERM; there must be a file then."""
    process.signal(signal.SIGTERM)
    assert process.status() == 0
    assert (directory / "dump.rdb").exists()


def test_a_dataset_survives_the_end_of_the_server(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        wire.do("SET", "a", "b")
        saved(process, tmp_path)
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        assert wire.do("GET", "a") == Bulk(b"b")
        assert info(wire, "persistence")["rdb_last_load_keys_loaded"] == "1"
        assert "Done loading RDB, keys loaded: 1" in process.output


@pytest.mark.parametrize(
    ("options", "saves"),
    [
        (("--save", ""), False),
        (("--shutdown-on-sigterm", "nosave"), False),
        (("--save", "", "--shutdown-on-sigterm", "save"), True),
    ],
)
def test_settings_decide_whether_a_signal_saves(tmp_path: Path, options: tuple[str, ...], saves: bool) -> None:
    with on_port(tmp_path, *options) as (process, port), Wire(port) as wire:
        wire.do("SET", "a", "b")
        process.signal(signal.SIGTERM)
        assert process.status() == 0
    assert (tmp_path / "dump.rdb").exists() == saves


def test_shutdown_save_saves_without_save_points(tmp_path: Path) -> None:
    with on_port(tmp_path, "--save", "") as (process, port), Wire(port) as wire:
        wire.do("SET", "a", "b")
        send(wire, "SHUTDOWN", "SAVE")
        assert process.status() == 0
    assert (tmp_path / "dump.rdb").exists()


def test_a_child_saves_while_commands_go_on(tmp_path: Path) -> None:
    with on_port(tmp_path, "--save", "") as (process, port), Wire(port) as wire:
        for number in range(500):
            wire.do("RPUSH", f"key:{number}", *range(20))
        digest = wire.do("DBSIZE")
        wire.do("BGSAVE")
        wire.do("FLUSHDB")
        wait_until(lambda: info(wire, "persistence")["rdb_bgsave_in_progress"] == "0", "the end of the save")
        assert info(wire, "persistence")["rdb_last_bgsave_status"] == "ok"
        assert digest == Integer(500)
        assert int(info(wire, "persistence")["rdb_last_cow_size"]) > 0
        lines = process.output.splitlines()
        assert any(":C " in line and "DB saved on disk" in line for line in lines)
        assert not list(tmp_path.glob("temp-*"))
    with on_port(tmp_path, "--save", "") as (_, port), Wire(port) as wire:
        assert wire.do("DBSIZE") == Integer(500)


def test_the_port_is_free_when_the_server_has_ended_although_a_child_saves(tmp_path: Path) -> None:
    """The child has the listening sockets too, unless it closes them."""
    with on_port(tmp_path, "--save", "") as (process, port), Wire(port) as wire:
        for number in range(20_000):
            send(wire, "RPUSH", f"key:{number}", *range(5))
        for _ in range(20_000):
            wire.receive()
        wire.do("BGSAVE")
        process.popen.kill()
        process.status()
        with started(tmp_path, "--port", str(port), "--save", ""):
            assert ping(port)


def test_a_server_that_cannot_save_does_not_end_at_a_signal(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port), Wire(port) as wire:
        wire.do("SET", "a", "b")
        (tmp_path / "dump.rdb").mkdir()
        process.signal(signal.SIGTERM)
        wait_until(lambda: "errors trying to shut down" in process.output, "the refusal in the log")
        assert wire.do("GET", "a") == Bulk(b"b")
        (tmp_path / "dump.rdb").rmdir()
        saved(process, tmp_path)


def test_a_server_does_not_start_with_a_damaged_file_and_leaves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(DAMAGED)
    done = subprocess.run(
        command("--port", "0", "--unixsocket", str(tmp_path / "s")),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Fatal error loading the DB" in done.stdout
    assert "dump.rdb at offset 13: Unexpected EOF reading RDB file" in done.stdout
    assert (tmp_path / "dump.rdb").read_bytes() == DAMAGED


def test_config_set_dir_decides_where_the_file_goes(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with on_port(tmp_path, "--save", "", "--enable-protected-configs", "yes") as (_, port), Wire(port) as wire:
        assert wire.do("CONFIG", "SET", "dir", str(tmp_path / "elsewhere")) == OK
        assert wire.do("CONFIG", "SET", "dbfilename", "other.rdb") == OK
        assert wire.do("SAVE") == OK
    assert os.listdir(tmp_path / "elsewhere") == ["other.rdb"]


def test_a_save_that_fails_is_an_error_and_is_logged(tmp_path: Path) -> None:
    with on_port(tmp_path, "--save", "") as (process, port), Wire(port) as wire:
        (tmp_path / "dump.rdb").mkdir()
        assert wire.do("SAVE") == Error(b"ERR")
        assert "Is a directory" in process.output
        assert not list(tmp_path.glob("temp-*"))
