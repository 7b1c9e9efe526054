"""What covers the view while the terminal is too small for it."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = Size(60, 16)  # columns and lines that the view needs


def is_small(size: Size) -> bool:
    """Whether a terminal of this size is too small for the view."""
    return size.width < LEAST.width or size.height < LEAST.height


class Small(ModalScreen[None]):
    """Says what is needed. It is modal: whoever does not see the view edits nothing either, by no key and no click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit", show=False),
        Binding("question_mark", "app.help", "Help", show=False),
        Binding("ctrl+c", "app.interrupt", "Interrupt", show=False, priority=True),
    ]

    def __init__(self, note: str = "") -> None:
        """`note` is told below, a line of its own."""
        super().__init__()
        self._note = note

    def compose(self) -> ComposeResult:
        """A sentence."""
        yield Static(markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say what is needed, and what there is now."""
        width, height = event.size
        self.query_one(Static).update(
            f"This terminal has {width} columns and {height} lines; {LEAST.width} and {LEAST.height} are needed. "
            f"Make it larger, or q.\n{self._note}"
        )
