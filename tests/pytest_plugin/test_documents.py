"""The code in README.md, docs/faults.md and docs/persistence.md runs, and prints what stands below it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Final

import pytest

from tests.pytest_plugin.conftest import RunTests
from tests.support.pages import Page
from tests.support.servers import ROOT

pytest_plugins = ["pytester"]

PAGES: Final = ["README.md", "docs/faults.md", "docs/persistence.md"]
BLOCKS: Final = [
    pytest.param(block, output, id=f"{name}-{number}")
    for name in PAGES
    for number, (block, output) in enumerate(Page(name).blocks_with_output())
]

pytestmark = pytest.mark.skipif(not Page(PAGES[0]).text, reason="the tests were copied without the documents")


@pytest.mark.parametrize(("block", "output"), BLOCKS)
def test_a_block_of_code_runs(run_tests: RunTests, block: str, output: str) -> None:
    if "def test_" in block:
        run_tests(block).assert_outcomes(passed=len(re.findall(r"^(?:async )?def test_", block, re.MULTILINE)))
        return
    assert output or "assert" in block or "pytest.raises" in block
    command = [sys.executable, "-W", "error", "-c", block]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, output), done.stderr
