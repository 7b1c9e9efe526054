"""The line in which a cell is edited: typed, by steps, on a slider where the schema has a range, by choice where it has names."""

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from boardmaps.errors import MapError
from boardmaps.schema import Field
from boardmaps_host.live import edits
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.terminal import harmless
from boardmaps_host.top.line import Line
from boardmaps_host.typed import values

_SLIDER = 40  # characters


class Typed(Line):
    """The new content of a cell, as it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Write")]


class Slider(Static):
    """A number's place in its range; a click sets it. Also what stands there in its place."""

    _shown = (Text(), False)

    class Set(Message):
        """Somebody wants the number to be at this place in its range, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def show(self, text: Text, whole: bool) -> None:
        """Show a text, on one line or the `whole` of it. The screen is laid out anew for that alone."""
        if (text, whole) == self._shown:
            return
        anew = whole or self._shown[1]
        self._shown = text, whole
        text.no_wrap = not whole
        self.update(text, layout=anew)

    def on_click(self, event: events.Click) -> None:
        """Say where it was clicked."""
        self.post_message(self.Set(min(1.0, max(0.0, event.x / (_SLIDER - 1)))))


class Editor(Vertical):
    """Takes a new content for one cell. It knows what the cell had when it was opened, and writes nothing itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "Step", key_display="▲▼"),
        Binding("down", "step(-1)", "Step down", show=False),
        Binding("pageup", "step(10)", "Ten steps up", show=False),
        Binding("pagedown", "step(-10)", "Ten steps down", show=False),
        Binding("escape", "leave", "Leave"),
    ]

    class Left(Message):
        """Nothing is to be written."""

    class Entered(Message):
        """This is to be written."""

        def __init__(self, edit: edits.Edit) -> None:
            super().__init__()
            self.edit = edit

    def __init__(self) -> None:
        super().__init__()
        self.table: Table | None = None
        self.row: Row | None = None
        self.field: Field | None = None
        self._base = b""
        self._anyway = False
        self._wrong = ""

    def compose(self) -> ComposeResult:
        """What it consists of."""
        yield Static(id="what", markup=False)
        yield Typed(id="text", compact=True, select_on_focus=True)
        yield Slider(id="slider", markup=False)

    @property
    def opened(self) -> bool:
        """Whether a cell is being edited."""
        return self.field is not None

    def open(self, table: Table, row: Row, field: Field, text: str | None = None) -> None:
        """Edit this cell, with `text` as its new content to begin with. Raises NotPermitted."""
        edits.may_edit(table, field)
        self.table, self.row, self.field = table, row, field
        self._base, self._anyway, self._wrong = edits.content(row, field), False, ""
        box = self.query_one(Input)
        box.value = self._typed() if text is None else text
        self.display = True
        self.screen.set_focus(box)  # at once: the next key is typed into it
        self.look()

    def close(self) -> None:
        """Edit nothing any more."""
        self.table = self.row = self.field = None
        self.display = False

    def refused(self, error: MapError) -> None:
        """Show why what was entered was not written; what was typed stays."""
        self._wrong = str(error)
        if isinstance(error, edits.Changed) and error.now:
            self._base, self._anyway = error.now, True
            self._wrong += ". Enter writes over it, Esc leaves it."
        self.look()

    def look(self) -> None:
        """Draw what is known now."""
        field, row, table = self.field, self.row, self.table
        if field is None or row is None or table is None:
            return
        now = values.show(field, row.data)
        what = Text()
        what.append(f"{table.name} {row.label} {field.name}", style="bold")
        what.append(harmless(f"  now {now}  {limits(field)}"))
        if field.text:
            what.append(harmless(f"  {field.text}"), style="italic")
        self.query_one("#what", Static).update(what, layout=False)
        self.query_one(Slider).show(self._below(), whole=bool(self._wrong))

    def _typed(self) -> str:
        """Return the cell's present content as it is typed."""
        assert self.field is not None
        assert self.row is not None
        return values.show(self.field, self.row.data, unit=False).strip("[]")

    def _below(self) -> Text:
        field = self.field
        assert field is not None
        if self._wrong:
            return Text(harmless(self._wrong), style="bold red")
        if field.names:
            chosen = self.query_one(Input).value.split("|" if field.bits else None)
            line = Text("▲▼ " if not field.bits else "joined by | ")
            for number in sorted(field.names):
                name = field.names[number]
                line.append(f" {name} ", style="reverse" if name in chosen else "")
            return line
        try:
            place = edits.share(field, edits.bytes_of(field, self.query_one(Input).value))
        except (MapError, TypeError):
            place = None
        if place is None:
            return Text(self._keys(), style="dim")
        at = round(place * (_SLIDER - 1))
        return Text("─" * at + "●" + "─" * (_SLIDER - 1 - at) + f"  {self._keys()}")

    def _keys(self) -> str:
        return "Enter writes, Esc leaves" + (", ▲▼ steps" if self._steps() else "")

    def _steps(self) -> bool:
        return self.field is not None and edits.stepped(self.field, self._base, 1) is not None

    # -- what somebody does

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        """Have no steps where the field has none."""
        return action != "step" or self._steps()

    def action_step(self, steps: int) -> None:
        """Go some steps further from what is typed."""
        field = self.field
        if field is None:
            return
        try:
            data = edits.bytes_of(field, self.query_one(Input).value)
        except (MapError, TypeError):
            data = self._base
        text = edits.stepped(field, data, -steps if field.names else steps)
        if text is not None:
            self._put(text)

    def on_slider_set(self, event: Slider.Set) -> None:
        """Take a place on the slider."""
        event.stop()
        if self.field is not None and not self._wrong and edits.share(self.field, self._base) is not None:
            self._put(edits.at_share(self.field, event.share))

    def _put(self, text: str) -> None:
        box = self.query_one(Input)
        box.value = text
        box.cursor_position = len(text)

    def action_leave(self) -> None:
        """Write nothing."""
        self.close()
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        """See what is typed."""
        event.stop()
        if not self._anyway:
            self._wrong = ""
        self.look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: hand on what is typed, unless it is what the cell had."""
        event.stop()
        if self.table is None or self.row is None or self.field is None:
            return
        try:
            edit = edits.edited(self.table, self.row, self.field, event.value, self._base)
        except (MapError, TypeError) as error:
            self._wrong = str(error)
            self.look()
            return
        if edit is None:
            self.action_leave()
        else:
            self.post_message(self.Entered(replace(edit, anyway=self._anyway)))


def limits(field: Field) -> str:
    """Return what a schema says of a field's values: its range, step and default."""
    parts = []
    if field.low is not None or field.high is not None:
        low, high = ("" if one is None else values.shown(field, one) for one in (field.low, field.high))
        step = f" step {values.shown(field, field.step)}" if field.step is not None else ""
        parts.append(f"{low}..{high}{step}")
    if field.restart:
        parts.append("after a restart")
    return ", ".join(parts)
