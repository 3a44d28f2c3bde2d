"""The recipes: each block of code in docs/recipes.md is a file of tests that passes as it stands."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.pytest_plugin.conftest import LOADED
from tests.support.pages import Page
from tests.support.servers import ROOT

PAGE: Final = Page("docs/recipes.md")
#: The blocks, with the headings above them.
RECIPES: Final = {title: section.blocks() for title, section in PAGE.sections().items()}
BLOCKS: Final = [pytest.param(block, id=title) for title, blocks in RECIPES.items() for block in blocks]
SETTINGS: Final = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
SECONDS: Final = 100

pytestmark = pytest.mark.skipif(not PAGE.text, reason="the tests were copied without the documents")


def libraries(block: str) -> set[str]:
    """The packages that a block imports."""
    found: set[str] = {"django_redis"} if "django_redis" in block else set()
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_each_library_has_a_recipe() -> None:
    named = {"Django", "FastAPI", "Flask", "Celery", "rq", "huey", "dramatiq", "arq", "limits"}
    assert named <= {title for title, blocks in RECIPES.items() if blocks}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_recipe_passes_as_it_stands(block: str, tmp_path: Path) -> None:
    for library in sorted(libraries(block)):
        pytest.importorskip(library)
    (tmp_path / "test_recipe.py").write_text(block)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LOADED],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = done.stdout.splitlines()[-1]
    passed = re.match(r"(\d+) passed", outcome)
    assert passed, outcome
    assert int(passed[1]) >= len(re.findall(r"^(?:async )?def test_", block, re.MULTILINE))
