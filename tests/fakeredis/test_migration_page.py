"""Every block of code in docs/from-fakeredis.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "from-fakeredis.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text() if PAGE.exists() else "", re.DOTALL)

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the tests were copied without the documents")


def test_the_page_has_examples() -> None:
    assert len(BLOCKS) > 5


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_runs(block: str) -> None:
    command = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
