"""The code in docs/lab.md does what the page says."""

from __future__ import annotations

import pytest

from tests.support.pages import Page


@pytest.mark.parametrize("block", Page("docs/lab.md").blocks())
def test_the_code_of_the_page(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(block, {})
    assert " gives " in capsys.readouterr().out
