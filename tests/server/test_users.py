"""Servers that start with users: from an ACL file, from redis.conf, and as CONFIG REWRITE wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.engine.acl_files import TWO_SOURCES
from tests.server.processes import run
from tests.support.servers import pyredmem_command, running
from tests.support.wire import OK, Array, Bulk, Error


def lines_of(reply: object) -> list[str]:
    assert isinstance(reply, Array), reply
    return [item.data.decode() for item in reply.items if isinstance(item, Bulk)]


def test_the_users_of_a_file_are_loaded_saved_and_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text("user a on nopass +@all ~*\n")
    with running("pyredmem", pyredmem_command(), "--aclfile", str(path)) as server, server.connect() as wire:
        assert wire.do("AUTH", "a", "any") == OK
        assert wire.do("ACL", "SETUSER", "b", "on", ">p", "+get", "~x\xff") == OK
        assert wire.do("ACL", "SAVE") == OK
        text = path.read_text()
        assert wire.do("ACL", "DELUSER", "b") != OK
        assert wire.do("ACL", "LOAD") == OK
        assert "".join(f"{line}\n" for line in lines_of(wire.do("ACL", "LIST"))) == text
        path.write_text("user a bad\n")
        reply = wire.do("ACL", "LOAD")
        assert isinstance(reply, Error)
        assert reply.text.startswith(f"ERR {path}:1: Syntax error. WARNING: ".encode())


def test_users_of_the_configuration_are_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("user a on nopass +@all ~*\nuser default off\n")
    command = [*pyredmem_command(), str(path)]
    with running("pyredmem", command) as server, server.connect() as wire:
        assert wire.do("PING") == Error(b"NOAUTH Authentication required.")
        assert wire.do("AUTH", "a", "any") == OK
        assert wire.do("ACL", "SETUSER", "b", "(+get", "~x)") == OK
        assert wire.do("CONFIG", "REWRITE") == OK
        listed = lines_of(wire.do("ACL", "LIST"))
    assert [line for line in path.read_text().splitlines() if line.startswith("user ")] == listed
    with running("pyredmem", command) as server, server.connect() as wire:
        wire.do("AUTH", "a", "any")
        assert lines_of(wire.do("ACL", "LIST")) == listed


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("user a on\nuser a off\n", "Error in user declaration 'a': Duplicate user found."),
        ("user a +nosuch\n", "Error loading ACL rule '+nosuch' for the user named 'a': Unknown command or category"),
        (
            "aclfile nosuch.acl\n",
            "Error loading ACLs, opening file 'nosuch.acl': No such file or directory",
        ),
        ("aclfile nosuch.acl\nuser a on\n", TWO_SOURCES),
    ],
)
def test_a_server_does_not_start_with_bad_users(tmp_path: Path, text: str, output: str) -> None:
    (tmp_path / "redis.conf").write_text(text + "port 0\n")
    ended = run("redis.conf", cwd=tmp_path)
    assert ended.returncode == 1
    assert output in ended.stdout + ended.stderr
