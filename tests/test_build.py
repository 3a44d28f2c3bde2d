"""The lists by which setup.py compiles and optimizes the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyredmem"]

pytestmark = pytest.mark.skipif(not (ROOT / "pyredmem").is_dir(), reason="needs the sources, not an installed package")


@pytest.mark.parametrize("table", ["compile", "optimize"])
@pytest.mark.parametrize("which", ["include", "exclude"])
def test_every_module_that_a_list_names_exists(table: str, which: str) -> None:
    assert [entry for entry in TABLES[table][which] if not list(ROOT.glob(entry))] == []
