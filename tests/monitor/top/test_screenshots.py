"""The script that takes the screenshots of docs/top.md works, and the page shows what it takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.servers import ROOT

SCRIPT = ROOT / "docs" / "screenshots" / "take_top.py"
PAGE = ROOT / "docs" / "top.md"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the tests were copied without the documents")


def texts(picture: Path) -> str:
    """What is written in a picture; it has hard spaces."""
    root = ElementTree.parse(picture).getroot()
    return "\n".join(["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def colours(picture: Path) -> set[str]:
    """The colours of the text, without shades of grey."""
    found: list[str] = re.findall(r"fill: #([0-9a-f]{6})", picture.read_text())
    return {colour for colour in found if len({colour[:2], colour[2:4], colour[4:]}) == 3}


@pytest.mark.timeout(300)
def test_the_script_takes_the_pictures_that_the_page_shows(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} if (ROOT / "pyredmem").is_dir() else dict(os.environ)
    command = [sys.executable, str(SCRIPT), str(tmp_path), "--seconds", "0.5"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    taken = {path.name: path for path in tmp_path.iterdir()}
    shown = set(re.findall(r"\(images/([\w-]+\.svg)\)", PAGE.read_text()))
    assert shown <= set(taken)
    assert set(taken) == {path.name for path in (PAGE.parent / "images").glob("top-*.svg")}
    for path in taken.values():
        assert "[1 Overview]" in texts(path) or "[2 Commands]" in texts(path) or "[5 Big keys]" in texts(path)
        assert "url(" not in re.sub(r"url\(#", "", path.read_text())  # nothing is fetched from elsewhere
    assert "MemoryNearlyFull" in texts(taken["top-80x24.svg"])
    greys = {"c5c8c6", "292929"}  # the terminal that is drawn around it
    assert colours(taken["top-80x24.svg"]) - greys
    assert not colours(taken["top-80x24-no-colour.svg"]) - greys - {"ff5f57", "febc2e", "28c840"}
