"""The guide to testing: each of its code blocks runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.pytest_plugin.conftest import RunTests

pytest_plugins = ["pytester"]

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
BLOCKS: Final = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL) if GUIDE.exists() else []
TESTS: Final = [block for block in BLOCKS if "def test_" in block]
SCRIPTS: Final = [block for block in BLOCKS if "def test_" not in block]

pytestmark = pytest.mark.skipif(not BLOCKS, reason="the tests were copied without the documents")


def name(block: str) -> str:
    """The first line that says something."""
    return next(line for line in block.splitlines() if line.startswith(("def test", "async def test", "with")))


@pytest.mark.parametrize("block", TESTS, ids=name)
def test_a_block_of_tests_passes(run_tests: RunTests, block: str) -> None:
    count = len(re.findall(r"^(?:async )?def test_", block, re.MULTILINE))
    outcomes = run_tests(block, "--strict-markers").parseoutcomes()
    assert outcomes == {"passed": count + block.count('parametrize("turn"')}


@pytest.mark.parametrize("block", SCRIPTS, ids=name)
def test_a_block_without_tests_runs(block: str) -> None:
    assert "assert" in block
    exec(compile(block, str(GUIDE), "exec"), {})
