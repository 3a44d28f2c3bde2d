"""The curves of hit ratios as a picture: a PNG file by matplotlib, and an HTML page that needs nothing else."""

from __future__ import annotations

import io
import json
from html import escape
from typing import Any, Final

from pyredmem.base.optional import optional_module
from pyredmem.lab.errors import NoPicturesError
from pyredmem.lab.results import Results
from pyredmem.lab.table import table_of
from pyredmem.rdb.survey.document import size_text
from pyredmem.rdb.survey.page import STYLE, table_in_html

_MIB: Final = 1024 * 1024
HOW_TO_GET_MATPLOTLIB: Final = "Pictures need matplotlib: pip install 'pyredmem[lab]'"
#: How lines are drawn: those of servers, and those of the exact caches.
_SERVER: Final = {"marker": "o"}
_STYLES: Final = {
    "exact-lru": {"marker": ".", "linestyle": ":"},
    "exact-lfu": {"marker": ".", "linestyle": "-."},
    "belady": {"marker": ".", "linestyle": "--", "color": "black"},
}
_FIGURE_STYLE: Final = "figure { margin: 1rem 0; background: #fff; } figure svg { width: 100%; height: auto; }"


def new_figure(inches: tuple[float, float]) -> Any:
    """An empty figure, which no window shows. Raises NoPicturesError."""
    module = optional_module("matplotlib.figure")
    if module is None:
        raise NoPicturesError(HOW_TO_GET_MATPLOTLIB)
    return module.Figure(figsize=inches, layout="constrained")


def png_of(figure: Any) -> bytes:
    """A figure as a PNG file."""
    output = io.BytesIO()
    figure.savefig(output, format="png", dpi=120)
    return output.getvalue()


def _figure(results: Results) -> Any:
    """The curves. Raises NoPicturesError."""
    figure = new_figure((10, 6))
    panel = figure.subplots()
    for curve in results.curves():
        style = _STYLES.get(curve.policy, _SERVER)
        panel.plot(curve.sizes / _MIB, 100 * curve.hit_ratios, label=curve.label, **style)
    panel.set_xscale("log")
    sizes = sorted({outcome.configuration.maxmemory for outcome in results.outcomes})
    panel.set_xticks([size / _MIB for size in sizes], [size_text(size) for size in sizes], rotation=30)
    panel.minorticks_off()
    panel.set_xlabel("maxmemory")
    panel.set_ylabel("hits, %")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8, loc="lower right")
    return figure


def png(results: Results) -> bytes:
    """The curves as a PNG file. Raises NoPicturesError."""
    return png_of(_figure(results))


def svg(results: Results) -> str:
    """The curves as an element of HTML. Raises NoPicturesError."""
    output = io.StringIO()
    figure = _figure(results)
    # Neither the time nor random identifiers: equal results give equal pages.
    with optional_module("matplotlib").rc_context({"svg.hashsalt": "pyredmem"}):
        figure.savefig(output, format="svg", metadata={"Date": None})
    picture = output.getvalue()
    return picture[picture.index("<svg") :]


def page(results: Results, title: str) -> str:
    """One HTML page with the curves, the table and the figures as JSON; it loads nothing. Raises NoPicturesError."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in results.notes())
    table = "".join(table_in_html(table_of(results)))
    data = json.dumps(results.as_json()).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>{STYLE}{_FIGURE_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p><strong>{escape(results.conclusion())}</strong></p>
<p>{results.operations:,} operations on {results.distinct_keys:,} keys.</p>
{notes}
<figure role="img" aria-label="Hit ratio by maxmemory, a curve for each policy">{svg(results)}</figure>
{table}<script type="application/json" id="results">{data}</script>
</body>
</html>
"""
