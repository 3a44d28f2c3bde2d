"""`pyredmem rdb` on files of a real redis-server, and a real server that runs the commands that it writes."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.differential.test_rdb import LIBRARY, do, fill, server_named
from tests.server.processes import command, environment
from tests.server.processes import run as run_program
from tests.support.wire import OK, Bulk, Error, Integer, Wire

pytestmark = pytest.mark.needs_redis

#: The installed server has no fields that expire.
REAL = "redis 7.0"


@pytest.fixture(scope="module", params=["usual", "tables"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that a real server has saved."""
    found: Path = tmp_path_factory.mktemp("real") / "dump.rdb"
    with server_named(REAL) as server, server.connect() as wire:
        fill(wire, request.param, False)
        assert do(wire, "SAVE") == OK
        shutil.copy(server.directory / "dump.rdb", found)
    return found


def usage(wire: Wire, name: str) -> int:
    reply = wire.do("MEMORY", "USAGE", name, "SAMPLES", 0)
    assert isinstance(reply, Integer), (name, reply)
    return reply.value


def test_sizes_are_those_of_our_server_that_has_loaded_the_file(path: Path) -> None:
    done = run_program("rdb", "memory", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    compared = 0
    with server_named("pyredmem") as server, server.connect() as wire:
        shutil.copy(path, server.directory / "dump.rdb")
        assert wire.do("DEBUG", "RELOAD", "NOSAVE") == OK
        for row in csv.DictReader(done.stdout.splitlines()):
            do(wire, "SELECT", row["database"])
            assert wire.do("OBJECT", "ENCODING", row["key"]) == Bulk(row["encoding"].encode())
            if row["encoding"] != "skiplist":
                assert usage(wire, row["key"]) == int(row["size_in_bytes"]), row
                compared += 1
    assert compared > 30


def test_redis_cli_can_send_the_commands_to_a_real_server(path: Path) -> None:
    """The library needs the functions of 7.0; the digest says whether all keys are there."""
    client = shutil.which("redis-cli")
    if client is None:
        pytest.skip("no redis-cli on PATH (apt-get install redis-tools)")
    with server_named(REAL) as origin, server_named(REAL) as server:
        shutil.copy(path, origin.directory / "dump.rdb")
        with origin.connect() as wire, server.connect() as other:
            assert wire.do("DEBUG", "RELOAD", "NOSAVE") == OK
            with subprocess.Popen(
                command("rdb", "protocol", str(path)), stdout=subprocess.PIPE, env=environment()
            ) as program:
                done = subprocess.run(
                    [client, "-p", str(server.port), "--pipe"],
                    stdin=program.stdout,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
            assert done.returncode == 0, done
            assert "errors: 0," in done.stdout
            assert other.do("DEBUG", "DIGEST") == wire.do("DEBUG", "DIGEST")
            assert other.do("FCALL", "seven", 0) == Integer(7)
            assert isinstance(other.do("FUNCTION", "LOAD", LIBRARY), Error)  # it is there already
