"""The screen of ``pyredmem top``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from pyredmem.monitor.server_reading import ServerError
from pyredmem.monitor.top.figures import SECTIONS
from pyredmem.monitor.top.help import Help
from pyredmem.monitor.top.plain import alert_line, alert_text
from pyredmem.monitor.top.reader import Reader
from pyredmem.monitor.top.texts import cut, duration
from pyredmem.monitor.top.watch import Frame, Watch
from pyredmem.monitor.top.widgets import SectionBox, TablePane

OVERVIEW: Final = "overview"
COMMANDS: Final = "commands"
CLIENTS: Final = "clients"
ALERTS: Final = "alerts"
#: The panes in the order of their keys, with their titles.
PANES: Final = {
    OVERVIEW: "Overview",
    COMMANDS: "Commands",
    CLIENTS: "Clients",
    "slow-log": "Slow log",
    "big-keys": "Big keys",
    ALERTS: "Alerts",
}
TABLES: Final = tuple(PANES)[1:5]
#: In a terminal with at least this many rows the overview stays above the other panes.
_TALL: Final = 36
#: With fewer columns the sections stand one below the other.
_NARROW: Final = 70
#: If a server has not replied for longer than this, the first line says so (seconds, and intervals).
_PATIENCE_S: Final = 3.0
_PATIENCE: Final = 3
_LOOK_S: Final = 1.0  # how often that is looked at
_KEYS: Final = "q quit  ? help  1-6 Tab panes  < > sort by  r reverse  / filter  p pause"

_STYLE: Final = """
Screen { layout: vertical; }
#header, #tabs, #keys, .about, .filter { height: 1; padding: 0 1; }
#tabs { link-style: none; link-background: transparent; link-color: $text; }
#header { background: $primary; color: $text; }
#header.trouble { background: $error; color: $text; text-style: bold reverse; }
#keys { background: $panel; dock: bottom; }
.about { text-style: bold; }
#overview { height: 1fr; overflow-y: auto; }
.tall #overview { height: auto; }
#sections { grid-size: 2 2; grid-rows: auto; height: auto; }
SectionBox { border: round $primary; height: auto; padding: 0 0; }
#held { border: round $primary; height: auto; max-height: 5; min-height: 3; }
.narrow #sections { grid-size: 1; }
TablePane, #alerts { height: 1fr; }
#alerts { padding: 0 1; }
DataTable, VerticalScroll { scrollbar-size-vertical: 1; }
DataTable { height: 1fr; background: $background; }
DataTable > .datatable--header { text-style: bold underline; }
.filter { background: $panel; }
Help { align: center middle; }
Help VerticalScroll { width: 90%; max-width: 110; height: 90%; border: round $primary; padding: 0 1; }
App:nocolor DataTable > .datatable--cursor { text-style: reverse; }
App:nocolor #header, App:nocolor #keys, App:nocolor .filter Label { text-style: reverse; }
"""


class Top(App[None]):
    """Shows the frames of a watch, the first of which has been read already."""

    CSS = _STYLE
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("question_mark,h", "explain", "help"),
        Binding("p,space", "pause", "pause", priority=False),
        Binding("slash", "filter", "filter"),
        Binding("less_than_sign", "sort(-1)", "sort by the column before"),
        Binding("greater_than_sign", "sort(1)", "sort by the next column"),
        Binding("r", "reverse", "reverse the order"),
        Binding("tab", "turn(1)", "next pane", priority=True),
        Binding("shift+tab", "turn(-1)", "pane before", priority=True),
        Binding("escape", "clear", "clear the filter"),
        *(Binding(str(number), f"show('{pane}')", title) for number, (pane, title) in enumerate(PANES.items(), 1)),
    ]

    class Reported(Message):
        """A frame has been read, or could not be."""

        def __init__(self, outcome: Frame | Exception) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(self, watch: Watch, frame: Frame) -> None:
        # Without colours there are only those of the terminal itself.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._watch = watch
        self._frame = frame
        self._pane = OVERVIEW
        self._is_paused = False
        self._trouble: str | None = None
        self._lost_s: float | None = None  # the Unix time when the server was found to be lost
        self._heard_s = time.monotonic()
        self._reader = Reader(watch, lambda outcome: self.post_message(Top.Reported(outcome)))
        # The parts of the screen: the help may lie over it, but they are still drawn.
        self._header = Static(id="header", markup=False)
        self._tabs = Static(id="tabs")
        self._boxes = [SectionBox(section.title) for section in SECTIONS]
        self._held = Static(id="held", markup=False)
        self._held.border_title = "Alerts"
        self._overview = Vertical(Grid(*self._boxes, id="sections"), self._held, id=OVERVIEW)
        self._tables = {pane: TablePane(table, pane) for table, pane in zip(frame.tables(), TABLES, strict=True)}
        self._alert_texts = Static(id="alert-texts", markup=False)
        self._alerts = VerticalScroll(self._alert_texts, id=ALERTS)

    def compose(self) -> ComposeResult:
        yield from (self._header, self._tabs, self._overview, *self._tables.values(), self._alerts)
        yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        self.title = "pyredmem top"
        self.action_show(OVERVIEW)
        self._draw()
        self.set_interval(_LOOK_S, self._draw_header)
        self._reader.start()

    def on_unmount(self) -> None:
        self._reader.stop()

    def on_resize(self) -> None:
        self.screen_stack[0].set_class(self.size.height >= _TALL, "tall")
        self.screen_stack[0].set_class(self.size.width < _NARROW, "narrow")
        self.action_show(self._pane)
        self._draw_header()

    def on_top_reported(self, message: Reported) -> None:
        outcome = message.outcome
        self._heard_s = time.monotonic()
        if isinstance(outcome, Frame):
            self._trouble = self._lost_s = None
            if not self._is_paused:  # or it was read while somebody paused
                self._frame = outcome
                self._draw()
        elif isinstance(outcome, ServerError):
            self._trouble = str(outcome)
            self._lost_s = self._lost_s or time.time()
        else:
            raise outcome
        self._draw_header()

    # What the keys do.

    def action_show(self, pane: str) -> None:
        """Show a pane. A tall screen shows the overview above it, and the commands below the overview."""
        self._pane = pane
        is_tall = self.size.height >= _TALL
        shown = COMMANDS if is_tall and pane == OVERVIEW else pane
        self._overview.display = is_tall or pane == OVERVIEW
        self._alerts.display = shown == ALERTS
        for name, table in self._tables.items():
            if name == shown:
                table.appear()
            else:
                table.display = False
        had_clients = self._watch.wants_clients
        self._watch.wants_clients = pane == CLIENTS
        if self._watch.wants_clients and not had_clients:
            self._reader.wake()
        self._on_table(TablePane.leave_filter)
        self._draw_tabs()

    def action_turn(self, step: int) -> None:
        """Show the next pane, or the one before."""
        panes = list(PANES)
        self.action_show(panes[(panes.index(self._pane) + step) % len(panes)])

    def action_pause(self) -> None:
        """Ask the server nothing, or go on."""
        self._is_paused = not self._is_paused
        self._heard_s = time.monotonic()
        self._reader.pause(self._is_paused)
        self._draw_header()

    def action_explain(self) -> None:
        """Show the help."""
        self.push_screen(Help())

    def action_sort(self, step: int) -> None:
        """Sort the table by another column."""
        self._on_table(lambda table: table.sort_by_next(step))

    def action_reverse(self) -> None:
        """Sort the table the other way round."""
        self._on_table(TablePane.reverse)

    def action_filter(self) -> None:
        """Let somebody type what the rows must contain."""
        self._on_table(TablePane.edit_filter)

    def action_clear(self) -> None:
        """Show all rows of the table."""
        self._on_table(TablePane.clear_filter)

    def _on_table(self, act: Callable[[TablePane], None]) -> None:
        """Do something with the table that is shown, if one is."""
        for table in self._tables.values():
            if table.display:
                act(table)

    # What is drawn.

    def _draw(self) -> None:
        frame = self._frame
        for box, section in zip(self._boxes, SECTIONS, strict=True):
            box.show(frame.sections[section.title])
        for pane, table in zip(self._tables.values(), frame.tables(), strict=True):
            pane.show(table)
        lines = [alert_line(held) for held in frame.alerts] or ["none"]
        self._held.update("\n".join(lines))
        self._alert_texts.update(alert_text(frame.alerts))
        self._draw_tabs()
        self._draw_header()

    def _draw_tabs(self) -> None:
        """The pane that is shown has brackets, so that it is seen without colours."""
        parts: list[Content] = []
        for number, (pane, title) in enumerate(PANES.items(), 1):
            alerts = f" ({len(self._frame.alerts)})" if pane == ALERTS and self._frame.alerts else ""
            text = f"{number} {title}{alerts}"
            is_shown = pane == self._pane
            style = f"bold @click=app.show('{pane}')" if is_shown else f"@click=app.show('{pane}')"
            parts.append(Content.styled(f"[{text}]" if is_shown else f" {text} ", style))
        self._tabs.update(Content(" ").join(parts))

    def _draw_header(self) -> None:
        trouble = self._trouble_text()
        self._header.set_class(trouble is not None, "trouble")
        frame = self._frame
        state = "PAUSED  " if self._is_paused else ""
        told = trouble or f"{frame.server}  {frame.about}  every {self._watch.interval_s:g} s"
        width = max(self.size.width - 2, 0)
        self._header.update(f"{cut(f'{state}{told}', width):<{width}}")

    def _trouble_text(self) -> str | None:
        """Why the figures are old; None if they are not."""
        if self._is_paused:
            return None
        if self._trouble is not None and self._lost_s is not None:
            return f"LOST for {duration(time.time() - self._lost_s)}, trying again: {self._trouble}"
        silent_s = time.monotonic() - self._heard_s
        if silent_s > max(_PATIENCE * self._watch.interval_s, _PATIENCE_S):
            return f"NO REPLY from {self._frame.server} for {duration(silent_s)}"
        return None
