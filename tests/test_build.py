"""The lists by which setup.py compiles and optimizes the package."""

from __future__ import annotations

import ast
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


def compiled_modules() -> list[Path]:
    """The modules that the lists choose to be compiled."""

    def chosen(which: str) -> set[Path]:
        found = [path for entry in TABLES["compile"][which] for path in ROOT.glob(entry)]
        return {module for path in found for module in ([path] if path.is_file() else path.rglob("*.py"))}

    return sorted(chosen("include") - chosen("exclude"))


def handlers_by_name(function: ast.FunctionDef) -> dict[str, set[str]]:
    """The kinds of errors that a function catches, by the names that it gives them."""
    kinds: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name is not None and node.type is not None:
            kinds.setdefault(node.name, set()).add(ast.unparse(node.type))
    return kinds


def test_compiled_functions_give_each_kind_of_error_that_they_catch_a_name_of_its_own() -> None:
    """A variable of compiled code has one type: an error of another kind would end in a TypeError."""
    modules = compiled_modules()
    assert len(modules) > 100
    doubled = [
        f"{module.relative_to(ROOT)}: {node.name}, {name}"
        for module in modules
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef)
        for name, kinds in handlers_by_name(node).items()
        if len(kinds) > 1
    ]
    assert doubled == []
