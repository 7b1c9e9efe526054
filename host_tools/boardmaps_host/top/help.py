"""All keys on one screen."""

from typing import ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = (
    ("▲ ▼ ◀ ▶", "move; Tab goes between the maps and the table"),
    ("Enter", "edit the cell; in the line: ▲ ▼ a step, a click on the slider, Enter writes, Esc leaves"),
    ("+ -", "a step up or down: a number by its step, an enum or a bool to the next"),
    ("s w u", "stage edits; write them, all in one step of the board or none; drop one"),
    ("g", "plot the cell, or a field of a ring or a series; again: no longer"),
    ("c o b", "below the table: the console, the pool, the board itself with its line, pins and crashes"),
    ("k", "keep: pin the map as it is"),
    ("space", "pause"),
    ("/", "filter the table, or the maps, whichever has the cursor; Esc shows all"),
    ("x", "turn the table"),
    ("e", "write what is seen to a file in this folder, as CSV"),
    ("q", "leave, at the second q when edits are staged; Ctrl-C too"),
    ("• » ≠", "marks: just changed, staged, not as it is pinned"),
)


class Help(ModalScreen[None]):
    """The keys; any of them closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,space,question_mark", "app.leave_help", "Close", show=False),
        Binding("ctrl+c", "app.interrupt", "Interrupt", show=False, priority=True),
    ]

    def compose(self) -> ComposeResult:
        """A table."""
        table = Table.grid(padding=(0, 2))
        for key, text in KEYS:
            table.add_row(f"[bold]{key}[/]", text)
        yield Static(table)
