"""Files of a server inside the process: in memory, or in a directory that the test names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pyredmem
from pyredmem.persistence.loading import LoadError


def test_a_server_begins_with_the_dataset_of_its_directory(tmp_path: Path) -> None:
    with pyredmem.Server(dir=str(tmp_path)) as server:
        server.load({"a": "1", "l": ["x", "y"]})
        assert server.client().save()
    with pyredmem.Server(dir=str(tmp_path)) as server:
        assert server.dump() == {"a": "1", "l": ["x", "y"]}


def test_with_save_points_a_server_saves_when_it_is_closed(tmp_path: Path) -> None:
    with pyredmem.Server(dir=str(tmp_path), save="3600 1") as server:
        server.load({"a": "1"})
    assert os.listdir(tmp_path) == ["dump.rdb"]
    with pyredmem.Server(dir=str(tmp_path)) as server:
        assert server.dump() == {"a": "1"}
        server.load({"a": "2"})
    with pyredmem.Server(dir=str(tmp_path)) as server:
        assert server.dump() == {"a": "1"}  # without save points nothing is saved


def test_a_damaged_file_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011\x00")
    with pytest.raises(LoadError, match=r"dump\.rdb at offset 10: Unexpected EOF"):
        pyredmem.Server(dir=str(tmp_path))
    assert (tmp_path / "dump.rdb").read_bytes() == b"REDIS0011\x00"


def test_a_save_in_the_background_goes_on_while_time_passes(tmp_path: Path) -> None:
    with pyredmem.Server(dir=str(tmp_path)) as server:
        client = server.client()
        server.load({f"key:{number}": ["x"] * 20 for number in range(2000)})
        assert client.bgsave()
        client.flushdb()
        server.clock.advance(60)
        assert client.info("persistence")["rdb_bgsave_in_progress"] == 0
        assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
        assert os.listdir(tmp_path) == ["dump.rdb"]
    with pyredmem.Server(dir=str(tmp_path)) as server:
        assert len(server.dump()) == 2000


def test_debug_reload_works_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pyredmem.Server(enable_debug_command="yes") as server:
        server.load({"a": "1"})
        assert server.client().execute_command("DEBUG RELOAD")
        assert server.dump() == {"a": "1"}
    assert os.listdir(tmp_path) == []


# The append-only file.


def test_a_server_with_an_append_only_file_keeps_every_write(tmp_path: Path) -> None:
    with pyredmem.Server(dir=str(tmp_path), appendonly="yes") as server:
        server.client().set("a", "1")
        server.client().rpush("l", "x", "y")
        assert (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").stat().st_size > 0
    with pyredmem.Server(dir=str(tmp_path), appendonly="yes") as server:
        assert server.dump() == {"a": "1", "l": ["x", "y"]}
        assert server.client().bgrewriteaof()
        server.clock.advance(1)
        server.client().set("b", "2")
    with pyredmem.Server(dir=str(tmp_path), appendonly="yes") as server:
        assert server.dump() == {"a": "1", "b": "2", "l": ["x", "y"]}


def test_without_a_directory_the_append_only_file_is_in_memory() -> None:
    with pyredmem.Server(appendonly="yes", enable_debug_command="yes") as server:
        client = server.client()
        client.set("a", "1")
        assert int(client.info("persistence")["aof_current_size"]) > 0
        client.config_set("appendonly", "no")
        client.set("b", "2")
        client.config_set("appendonly", "yes")
        server.clock.advance(1)
        assert client.execute_command("DEBUG", "LOADAOF")
        assert server.dump() == {"a": "1", "b": "2"}
