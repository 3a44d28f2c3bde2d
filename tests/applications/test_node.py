"""Libraries of Node: ioredis, BullMQ and socket.io's Redis adapter, each in a script that asserts what it expects.

npm installs them once, into the directory that PYREDMEM_NODE names (by default one in the directory for temporary
files).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NODE, NPM = shutil.which("node"), shutil.which("npm")
SCRIPTS = Path(__file__).parent / "node"
PACKAGES = ["ioredis", "bullmq", "socket.io", "socket.io-client", "@socket.io/redis-adapter"]
INSTALL_SECONDS = 100
SECONDS = 60

#: Each script prints the names of its parts as they succeed.
PARTS = {
    "ioredis": ["pipelines", "transactions", "scripts", "messages", "streams", "scans", "buffers"],
    "bullmq": ["results", "delay", "retry", "failure", "flow", "obliterate"],
    "socketio": ["rooms", "sockets of all servers", "messages between servers"],
}


@pytest.fixture(scope="session")
def packages() -> Path:
    """The directory in which the packages are installed."""
    if NODE is None or NPM is None:
        pytest.skip("no node and npm on PATH")
    kept = Path(os.environ.get("PYREDMEM_NODE") or Path(tempfile.gettempdir()) / "pyredmem-node")
    if not all((kept / "node_modules" / package).is_dir() for package in PACKAGES):
        kept.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--prefix", str(kept)]
        done = subprocess.run(
            [NPM, "install", *options, *PACKAGES], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"npm cannot install the packages: {done.stderr.strip()[-400:]}")
    return kept / "node_modules"


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + SECONDS + 20)
@pytest.mark.parametrize("library", PARTS)
def test_a_library_of_node_works(packages: Path, url: str, library: str) -> None:
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(SCRIPTS / f"{library}.cjs"), url],
        env={**os.environ, "NODE_PATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.splitlines() == PARTS[library]
