"""The report as one HTML page, which needs nothing else: no scripts, no fonts, no pictures."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from pyredmem.rdb.survey.document import BYTES, Bar, Branch, Cell, Change, Document, Name, Number, Section, Table, Tree

#: What keeps a browser from loading anything, whatever the names of keys are.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

STYLE: Final = """\
:root { color-scheme: light dark; --text: #1c2126; --faint: #5c6670; --back: #fff; --line: #dde2e7; --bar: #c6352b;
  --raised: #f5f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --faint: #9aa5b0; --back: #14181c; --line: #2e363e; --bar: #e0675d; --raised: #1d2329; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--back); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
p { margin: 0.3rem 0; color: var(--faint); max-width: 60rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin: 0.8rem 0; }
a { color: inherit; text-decoration-color: var(--bar); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--faint); background: var(--raised); white-space: nowrap; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child:not(.number) { min-width: 8.5rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { font-family: ui-monospace, monospace; font-size: 0.93em; overflow-wrap: anywhere; min-width: 12rem; }
.bar { min-width: 4rem; width: 25%; }
.bar i { display: block; height: 0.7em; margin-top: 0.35em; min-width: 1px; background: var(--bar);
  border-radius: 2px; }
.row { display: grid; grid-template-columns: minmax(0, 1fr) 6rem 6.5rem 4.5rem minmax(4rem, 22%); gap: 0.6rem;
  padding: 0.2rem 0.6rem; border-bottom: 1px solid var(--line); }
.row .bar { width: auto; }
.row .name { min-width: 0; }
.head { color: var(--faint); background: var(--raised); font-weight: 600; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary .first::before { content: "\\25B8\\00A0"; color: var(--bar); }
details[open] > summary .first::before { content: "\\25BE\\00A0"; }
.leaf .first::before { content: "\\2007\\00A0"; }
@media (max-width: 40rem) {
  body { padding: 0.6rem; font-size: 14px; }
  th, td { padding: 0.2rem 0.35rem; }
  .row { grid-template-columns: minmax(0, 1fr) 4rem 5rem; padding: 0.2rem 0.35rem; }
  .row > :nth-child(4), .row > :nth-child(5) { display: none; }
  .wide .bar { min-width: 2.5rem; width: 15%; padding-left: 0; }
}
"""


def page_of(document: Document) -> Iterator[str]:
    """The page in pieces."""
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(document.title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    yield f"<h1>{escape(document.title)}</h1>\n<p>{escape(document.about)}</p>\n<nav>\n"
    for at, section in enumerate(document.sections):
        yield f'<a href="#section{at}">{escape(section.title)}</a>\n'
    yield "</nav>\n"
    for at, section in enumerate(document.sections):
        yield from _section(at, section)
    yield "</body>\n</html>\n"


def _section(at: int, section: Section) -> Iterator[str]:
    yield f'<section>\n<h2 id="section{at}">{escape(section.title)}</h2>\n'
    for note in section.notes:
        yield f"<p>{escape(note)}</p>\n"
    content = section.content
    if isinstance(content, Tree):
        yield from _tree(content)
    elif content.rows:
        yield from table_in_html(content)
    else:
        yield "<p>None.</p>\n"
    yield "</section>\n"


def table_in_html(table: Table) -> Iterator[str]:
    """A table, in pieces. It must have rows."""
    yield '<div class="wide"><table>\n'
    if any(table.columns):
        yield f"<tr>{''.join(map(_heading, table.columns, table.rows[0]))}</tr>\n"
    for row in table.rows:
        yield f"<tr>{''.join([_cell('td', cell) for cell in row])}</tr>\n"
    yield "</table></div>\n"


def _heading(name: str, below: Cell) -> str:
    """The name of a column, which stands over its cells."""
    return f'<th class="{_class(below)}">{escape(name)}</th>'


def _tree(tree: Tree) -> Iterator[str]:
    names = [f"<span{' class=number' if at else ''}>{escape(name)}</span>" for at, name in enumerate(tree.columns)]
    yield f'<div class="row head">{"".join(names)}</div>\n'
    for branch in tree.branches:
        yield from _branch(branch, 0)


def _branch(branch: Branch, depth: int) -> Iterator[str]:
    first, *rest = branch.cells
    indent = f' style="padding-left: {depth}em"' if depth else ""
    cells = f'<span class="name first"{indent}>{escape(_text(first))}</span>'
    cells += "".join([_cell("span", cell) for cell in rest])
    if not branch.below:
        yield f'<div class="row leaf">{cells}</div>\n'
        return
    yield f'<details>\n<summary class="row">{cells}</summary>\n'
    for below in branch.below:
        yield from _branch(below, depth + 1)
    yield "</details>\n"


def _class(cell: Cell) -> str:
    if isinstance(cell, Number | Change):
        return "number"
    if isinstance(cell, Bar):
        return "bar"
    return "name" if isinstance(cell, Name) else ""


def _cell(tag: str, cell: Cell) -> str:
    """A cell; the exact number of bytes appears when the pointer is over it."""
    if isinstance(cell, Bar):
        return f'<{tag} class="bar"><i style="width: {cell.share:.1%}"></i></{tag}>'
    title = ""
    if isinstance(cell, Change) or (isinstance(cell, Number) and cell.kind == BYTES):
        title = f' title="{cell.value:,.0f} bytes"'
    kind = f' class="{_class(cell)}"' if _class(cell) else ""
    return f"<{tag}{kind}{title}>{escape(_text(cell))}</{tag}>"


def _text(cell: Cell) -> str:
    if isinstance(cell, Name):
        return cell.text
    return cell if isinstance(cell, str) else "" if isinstance(cell, Bar) else cell.text()
