"""Charts of the benchmarks, if matplotlib is installed (the extra `bench`), and the files with the results."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
COLOURS = {"redis-server": "#b8433a", "compiled": "#2f6ea5", "interpreted": "#7fb0d6"}  # of the servers
GREY = "#777777"


def plotting() -> Any | None:
    """matplotlib.pyplot, set to draw to files; None if it is not installed."""
    try:
        importlib.import_module("matplotlib").use("Agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError:
        print("no chart: matplotlib is not installed (pip install 'pyredmem[bench]')", file=sys.stderr)
        return None


def write_results(name: str, record: dict[str, Any], lines: list[str]) -> Path:
    """Write the figures and the table; returns their path without a suffix, for a chart beside them."""
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / time.strftime(f"{name}-%Y%m%d-%H%M%S")
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print(f"\nwritten: {stem}.json, {stem}.md", file=sys.stderr)
    return stem


def save_chart(figure: Any, stem: Path) -> None:
    """Write a figure beside the results."""
    path = stem.with_suffix(".png")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"written: {path}", file=sys.stderr)
