"""Tools that start a redis-server by path can start pyredmem: pytest-redis as the example."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT

SUITE = """
def test_it_is_a_server_of_our_own(redis_proc, redisdb):
    redisdb.set("foo", "bar")
    assert redisdb.get("foo") == b"bar"
    assert redisdb.memory_usage("foo") == 32

def test_the_next_test_finds_it_empty(redisdb):
    assert redisdb.dbsize() == 0
"""


def console_script(directory: Path) -> Path:
    """The installed script `pyredmem`, or one like it if the package runs from its sources."""
    beside = Path(sys.executable).with_name("pyredmem")
    found = str(beside) if beside.exists() else shutil.which("pyredmem")
    if found and not (ROOT / "pyredmem").is_dir():
        return Path(found)
    script = directory / "pyredmem"
    head = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    script.write_text(head + "from pyredmem.__main__ import main\n\nsys.exit(main())\n")
    script.chmod(0o755)
    return script


def test_redis_proc_starts_pyredmem(tmp_path: Path) -> None:
    pytest.importorskip("pytest_redis")
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += [f"--redis-exec={console_script(tmp_path)}", "test_suite.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
