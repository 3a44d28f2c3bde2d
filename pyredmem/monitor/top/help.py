"""The help: which keys there are, and what each figure is."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pyredmem.monitor.top.explanations import KEYS, explained


class Help(ModalScreen[None]):
    """A page over the screen, which any of the keys closes that one would try."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,h,enter", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as page:
            page.border_title = "Help; Escape closes it"
            yield Static(_text())


def _text() -> Table:
    """What is long goes on below itself, beside the names."""
    text = Table.grid(padding=(0, 2))
    for title, lines in (("keys", KEYS), *explained()):
        text.add_row(Text(title.upper(), style="bold underline"))
        for name, meaning in lines:
            text.add_row(Text(name, style="bold"), Text(meaning))
        text.add_row()
    return text
