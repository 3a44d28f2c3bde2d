"""What `pyredmem lab fragment` has found: as a document, as JSON, and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pyredmem.lab.charts import new_figure, png_of
from pyredmem.lab.fragment import Point, Run
from pyredmem.lab.fragment_spec import Pattern
from pyredmem.rdb.survey.document import RATIO, Document, Name, Number, Section, Table, count_of, size_of, size_text

_COLUMNS: Final = ("Phase", "Until", "Keys", "Used", "Active", "Resident", "Active/used", "Moved")
_COLOURS: Final = {"jemalloc": "#2f6ea5", "jemalloc-lg4": "#5aa469", "libc": "#b8433a", "tcmalloc": "#c98b2b"}
_USED_COLOUR: Final = "#777777"
_INCHES: Final = (10, 5)
_MIB: Final = 1 << 20
_LABEL: Final = {
    "textcoords": "offset points",
    "rotation": 90,
    "ha": "right",
    "va": "top",
    "fontsize": 8,
    "color": "#555555",
}
_HEADROOM: Final = 1.15  # for the names of the phases


def document_of(pattern: Pattern, runs: Sequence[Run]) -> Document:
    """A table for each allocator, with the heap at the end of each phase, and the last lines in words."""
    sections = [Section(run.name, _table(pattern, run)) for run in runs]
    result = Section("Result", Table(("", ""), [(run.name, Name(sentence(run))) for run in runs]))
    about = "Bytes of the blocks, of the pages in which they lie, and of the pages that are resident"
    return Document("Fragmentation", about, [*sections, result])


def _table(pattern: Pattern, run: Run) -> Table:
    rows = []
    for point in run.phase_ends():
        phase = pattern.phases[point.phase - 1]
        rows.append(
            (
                *(f"{point.phase} {phase.do}", f"{point.second:.1f} s", count_of(point.keys)),
                *(size_of(point.used), size_of(point.active), size_of(point.resident)),
                *(Number(ratio(point), RATIO), count_of(point.moved)),
            )
        )
    return Table(_COLUMNS, list(rows))


def ratio(point: Point) -> float:
    """How many bytes of pages there are for a byte in use."""
    return point.active / point.used if point.used else 0.0


def sentence(run: Run) -> str:
    """In words what became of the heap."""
    worst = max(run.points, key=ratio)
    last = run.points[-1]
    moved = f"; {last.moved:,} blocks were moved" if run.defrag else ""
    return (
        f"{ratio(last):.2f} bytes of pages for a byte in use at the end, {ratio(worst):.2f} at worst "
        f"(after {worst.second:.0f} s); {size_text(last.active - last.used)} lie idle{moved}."
    )


def as_json(runs: Sequence[Run]) -> dict[str, Any]:
    """All points, for a program."""
    return {
        "runs": [
            {
                "allocator": run.allocator,
                "activedefrag": run.defrag,
                "points": [point._asdict() for point in run.points],
            }
            for run in runs
        ]
    }


def png(pattern: Pattern, runs: Sequence[Run]) -> bytes:
    """A chart of the active bytes over time, beside the bytes in use, as a PNG file. Raises NoPicturesError."""
    figure = new_figure(_INCHES)
    axes = figure.subplots()
    first = runs[0]
    axes.fill_between(
        first.array("second"), first.array("used") / _MIB, color=_USED_COLOUR, alpha=0.25, label="in use", linewidth=0
    )
    for run in runs:
        style = "--" if run.defrag else "-"
        active = run.array("active") / _MIB
        axes.plot(run.array("second"), active, style, color=_COLOURS[run.allocator], label=run.name)
    for end in first.phase_ends():
        axes.axvline(end.second, color=_USED_COLOUR, linewidth=0.5)
        phase = pattern.phases[end.phase - 1].do
        axes.annotate(phase, (end.second, 1), (-3, -3), xycoords=("data", "axes fraction"), **_LABEL)
    axes.set(xlabel="seconds", ylabel="MiB of active pages", xlim=(0, None))
    axes.set_ylim(0, axes.get_ylim()[1] * _HEADROOM)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    return png_of(figure)
