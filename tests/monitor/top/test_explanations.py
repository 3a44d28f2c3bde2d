"""The documentation lists the keys and explains the figures in the words of the help."""

from __future__ import annotations

import re

import pytest
from textual.binding import Binding

from pyredmem.monitor.top.app import PANES, Top
from pyredmem.monitor.top.explanations import KEYS, explained
from tests.support.servers import ROOT

PAGE = ROOT / "docs" / "top.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the tests were copied without the documents")


def test_every_key_and_every_figure_is_in_the_documentation() -> None:
    text = " ".join(PAGE.read_text().split())
    assert not [keys for keys, meaning in KEYS if f"| {keys} | {meaning} |" not in text]
    told = [f"* **{label}**: {meaning}" for _, figures in explained() for label, meaning in figures]
    assert not [line for line in told if line not in text]


def test_nothing_else_is() -> None:
    labels = re.findall(r"^\* \*\*(.+?)\*\*:", PAGE.read_text(), re.MULTILINE)
    assert labels == [label for _, figures in explained() for label, _ in figures]


def test_every_key_that_does_something_is_in_the_help() -> None:
    words = " ".join(keys for keys, _ in KEYS)
    names = {"question_mark": "?", "slash": "/", "less_than_sign": "<", "greater_than_sign": ">", "space": "Space"}
    names |= {"tab": "Tab", "shift+tab": "Tab", "escape": "", **dict.fromkeys("123456", "1 to 6")}
    bindings = [binding for binding in Top.BINDINGS if isinstance(binding, Binding)]
    assert len(bindings) == len(Top.BINDINGS)
    bound = [key for binding in bindings for key in binding.key.split(",")]
    assert len(bound) > 10
    assert not [key for key in bound if names.get(key, key) not in words]


def test_the_panes_of_the_help_are_those_of_the_screen() -> None:
    [panes] = [meaning for keys, meaning in KEYS if keys == "1 to 6"]
    assert panes == f"the panes: {', '.join(PANES.values()).lower()}"
