"""The script that takes the screenshots for the documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from tests.web.browsing import CHROMIUM

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "screenshots" / "take_page.py"
MOST_BYTES = 200_000


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}")
@pytest.mark.skipif(not SCRIPT.exists(), reason="the tests were copied without the documents")
def test_screenshots_are_taken_at_three_widths_in_light_and_dark(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    brightness = {}
    for width in (360, 900, 1600):
        for theme in ("light", "dark"):
            path = tmp_path / f"page-{width}-{theme}.png"
            picture = Image.open(path)
            assert picture.width == width
            assert picture.height > 1000
            assert path.stat().st_size < MOST_BYTES
            brightness[theme] = ImageStat.Stat(picture.convert("L")).mean[0]
    assert brightness["dark"] < 90 < 160 < brightness["light"]
