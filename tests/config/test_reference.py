"""The generated files are up to date and can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.config.file import load_file, read
from pyredmem.config.parameters import all_parameters
from pyredmem.config.reference import DOCUMENT_PATH, EXAMPLE_PATH, default_lines, document, example
from pyredmem.config.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pyredmem"


def test_the_example_file_is_up_to_date() -> None:
    assert (ROOT / EXAMPLE_PATH).read_text() == example()


def test_the_document_is_up_to_date() -> None:
    assert (ROOT / DOCUMENT_PATH).read_text() == document()


def test_the_example_file_can_be_read() -> None:
    settings = Settings()
    read(load_file(str(ROOT / EXAMPLE_PATH)), settings)
    assert settings.matching([b"*"]) == Settings().matching([b"*"])


def test_the_example_file_can_be_read_with_every_default_made_active() -> None:
    lines = [line for parameter in all_parameters() for line in default_lines(parameter)]
    assert all(f"# {line}\n" in example() for p in all_parameters() if not p.hidden for line in default_lines(p))
    settings = Settings()
    named = read("\n".join(lines), settings).named
    assert settings.matching([b"*"]) == Settings().matching([b"*"])
    assert named == {parameter.name for parameter in all_parameters()}


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs the sources, not an installed package")
def test_a_setting_with_an_effect_is_used_outside_of_its_declaration() -> None:
    """A setting without an effect may be used too: INFO shows some settings of replication."""
    sources = [path.read_text() for path in PACKAGE.rglob("*.py") if path.parent.name != "parameters"]
    unread = [
        parameter.name
        for parameter in all_parameters()
        if parameter.effect and not any(f'"{parameter.name}"' in source for source in sources)
    ]
    assert unread == []


def test_every_setting_is_documented() -> None:
    text = document()
    assert all(f"`{parameter.name}`" in text and parameter.help for parameter in all_parameters())
