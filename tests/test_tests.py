"""Every test asserts something: a test that only runs the code passes whatever the code does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent

#: A call of a function whose name begins with one of these words is a check. `play` plays a transcript.
CHECKING = {"assert", "check", "compare", "raises", "warns", "fail", "play", "expect"}


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module, including those in classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def asserts_something(node: ast.AST, helpers: set[str]) -> bool:
    """Whether there is an assert, or a call of something that checks."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            return True
        if isinstance(part, ast.Call):
            name = _name(part.func)
            if name in helpers or name.strip("_").split("_")[0] in CHECKING:
                return True
    return False


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def silent_tests(text: str) -> list[str]:
    """The tests of a module that assert nothing, neither themselves nor in a function of the module that they call."""
    functions = list(functions_of(ast.parse(text)))
    helpers: set[str] = set()
    while (found := {node.name for node in functions if asserts_something(node, helpers)}) != helpers:
        helpers = found
    return [node.name for node in functions if node.name.startswith("test_") and not asserts_something(node, helpers)]


PATHS = sorted(ROOT.rglob("test_*.py"))


@pytest.mark.parametrize("path", PATHS, ids=[str(path.relative_to(ROOT)) for path in PATHS])
def test_every_test_asserts_something(path: Path) -> None:
    assert silent_tests(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "silent"),
    [
        ("assert x", False),
        ("with pytest.raises(ValueError):\n        f()", False),
        ("world.check()", False),
        ("assert_sound(wire)", False),
        ("for x in y:\n        if x:\n            assert x", False),
        ("helper()", False),
        ("f()", True),
        ("checks = f()", True),
        ("pass", True),
    ],
)
def test_a_test_that_asserts_nothing_is_noticed(body: str, silent: bool) -> None:
    text = f"def helper():\n    assert True\n\n\ndef test_it():\n    {body}\n"
    assert silent_tests(text) == (["test_it"] if silent else [])
